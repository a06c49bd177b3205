//! `helm safe-upgrade rehearse RELEASE CHART`.

use std::time::Duration;

use clap::{Args, Parser};
use cli::{DatabaseFlags, Environment, Output, ProfileFlags, act_until, store_place};
use helm::UpgradeLine;
use model::ExitCode;
use tempfile::TempDir;
use upgrade::rehearsal::{RehearsalRequest, rehearse};

use crate::arguments::{Common, time};
use crate::command_line::taken_apart;
use crate::session::{Session, UNCHANGED};
use crate::upgrade::Refusal;

/// Try the target's migration on a restored backup, apart from what is in use, and measure it
#[derive(Debug, Parser)]
#[command(
    name = "helm safe-upgrade rehearse",
    bin_name = "helm safe-upgrade rehearse",
    version,
    override_usage = "helm safe-upgrade rehearse RELEASE CHART [flags of helm upgrade] [flags]",
    after_help = "Exit codes: 0 migrated, 1 could not begin, 2 the migration fails, cannot be tried safely, or the backup is not \
                  as it must be, 3 cannot tell, 10 broke off and left nothing, 11 it turned up on the database in use."
)]
pub(crate) struct RehearseCommand {
    #[command(flatten)]
    flags: RehearseFlags,
}

/// Flags of a rehearsal that are not helm's.
#[derive(Debug, Clone, Args)]
struct RehearseFlags {
    /// The release, where its name is also a command
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// Make a new backup and take that, instead of the newest in the store
    #[arg(long)]
    fresh: bool,
    /// Store of the backups: a name, a folder or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    backup_to: Option<String>,
    #[command(flatten)]
    profile: ProfileFlags,
    /// The hook Job or workload that migrates, where several may be meant
    #[arg(long, value_name = "KIND/NAME")]
    migrator: Option<String>,
    /// Its container, where it has several
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// Image of the throw-away server [default: that of the database's pod]
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// User id that servers of the image run under
    #[arg(long, value_name = "UID", default_value_t = 999, requires = "image")]
    run_as: i64,
    /// How long the migration may take
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    limit: Duration,
    /// How long all of it may take, the restore included
    #[arg(long, value_name = "TIME", default_value = "3h", value_parser = time)]
    deadline: Duration,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    database: DatabaseFlags,
}

/// Runs the command; `words` begin with the program's name and the command's.
pub(crate) async fn run(words: &[String], environment: Environment) -> ExitCode {
    let help = "helm safe-upgrade rehearse --help";
    let release = |command: &mut RehearseCommand| command.flags.release.take();
    let (RehearseCommand { flags }, line_words) = match taken_apart(words, &environment, release, help) {
        Ok(line) => line,
        Err(code) => return code,
    };
    let session = match Session::open(&flags.common, &environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let prepared = request(&session, &flags, &line_words, &environment)
        .and_then(|request| Ok((request, TempDir::new().map_err(Refusal::Folder)?)));
    let output = &session.output;
    match prepared {
        Ok((request, folder)) => act(output, &request, &folder).await,
        Err(refusal) => cli::fail(output, &refusal, UNCHANGED, None, refusal.exit_code()),
    }
}

fn request(
    session: &Session,
    flags: &RehearseFlags,
    words: &[String],
    environment: &Environment,
) -> Result<RehearsalRequest, Refusal> {
    let line = UpgradeLine::parse(words, session.helm.major())?;
    line.chart()?;
    Ok(RehearsalRequest {
        cluster: session.cluster.clone(),
        helm: session.helm.clone(),
        line,
        namespace: session.namespace.clone(),
        profile: flags.profile.choice(),
        database: flags.database.options(),
        store: store_place(flags.backup_to.as_deref(), environment).map_err(Refusal::Words)?,
        fresh: flags.fresh.then(|| environment.person()),
        migrator: flags.migrator.clone(),
        container: flags.container.clone(),
        image: flags.image.clone().map(|image| (image, flags.run_as)),
        limit: flags.limit,
        deadline: flags.deadline.max(flags.limit),
    })
}

async fn act(output: &Output, request: &RehearsalRequest, folder: &TempDir) -> ExitCode {
    let title = format!("rehearse the upgrade of {}", request.line.release);
    let ended = act_until(output, &title, async |progress, cancel| {
        rehearse(request, folder.path(), progress, &cancel).await
    })
    .await;
    match ended {
        Ok(report) => {
            let written = output.result(&report, |out, style| render::rehearsal(out, style, &report));
            cli::end_with(output, written, report.exit_code())
        }
        Err(error) => cli::fail(output, &error, error.state(), None, error.exit_code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_flags_stand_among_helm_s() {
        let words = [
            "helm safe-upgrade",
            "shop",
            "./chart",
            "--fresh",
            "--set",
            "a=b",
            "--limit",
            "2h",
            "--timeout",
            "9m",
        ];
        let words: Vec<String> = words.map(str::to_owned).to_vec();
        let Ok(line) = cli::mixed_line::<RehearseCommand>(&words) else {
            panic!("the line is well formed");
        };
        assert!(line.own.flags.fresh);
        assert_eq!(line.own.flags.limit, Duration::from_secs(7200));
        assert_eq!(line.own.flags.deadline, Duration::from_secs(10_800));
        assert_eq!(line.helm, ["shop", "./chart", "--set", "a=b", "--timeout", "9m"]);
    }
}
