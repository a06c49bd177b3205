//! `kubectl upgrade-check bundle RELEASE`: a support archive without secrets.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use bundle::{Bounds, Bundle, BundleRequest};
use clap::{Args, CommandFactory, Parser};
use cli::{
    ConnectionFlags, DatabaseFlags, Environment, MixedLineError, Output, OutputFlags, ProfileFlags,
    store_place,
};
use helm::{Helm, HelmMajor, UpgradeLine};
use jiff::Timestamp;
use model::{BundleReport, ExitCode, causes};
use thiserror::Error;

use super::look::{Look, LookError, Sight, Wanted, wanted};
use crate::pgbackup::arguments::time;
use crate::session::{Common, Session, UNCHANGED, could_not_begin};

/// Endings by which a file that was named with helm's flag is known for an archive.
const ARCHIVES: [&str; 3] = [".tar.gz", ".tgz", ".zip"];

/// Gather what somebody else needs to see in order to help, without secrets, in one archive; changes nothing
#[derive(Debug, Parser)]
#[command(
    name = "bundle",
    bin_name = "kubectl upgrade-check bundle",
    override_usage = "kubectl upgrade-check bundle RELEASE [--file FILE.tar.gz] [--inspect] [flags]\n       \
                      kubectl upgrade-check bundle RELEASE CHART [flags of helm upgrade] [flags]",
    after_help = "The report of the checks, runs and their journals, events, logs with those of containers that ended before, \
                  versions, replicas and limits, locks, and with a CHART what it would change; with an index page. Values of \
                  Secrets and what looks like one are hidden; the index counts them by rule and file. -f stays helm's flag for \
                  values; the archive is named with --file. docs/bundle.md tells more.\n\n\
                  Exit codes: 0 everything that was looked for is in it, 1 no archive could be made, 3 it was made, and what \
                  could not be read, or which Secrets are not known, is told in it."
)]
pub(crate) struct BundleCommand {
    #[command(flatten)]
    flags: BundleFlags,
}

/// Flags that are not helm's.
#[derive(Debug, Clone, Args)]
struct BundleFlags {
    /// The release, where its name is also a command
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// The archive to write; by default one named after release and time, here
    #[arg(long, value_name = "FILE.tar.gz")]
    file: Option<PathBuf>,
    /// Replace the file if there is one
    #[arg(long)]
    force: bool,
    /// List what would be written, with sizes and what was hidden, and write nothing
    #[arg(long, conflicts_with_all = ["file", "force"])]
    inspect: bool,
    /// How old the lines of a log may be
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = time)]
    since: Duration,
    /// The most of one log; older lines are left out
    #[arg(long, value_name = "SIZE", default_value = "1Mi", value_parser = size)]
    log_size: u64,
    /// The most of all files together, not packed; what has no room is left out and told
    #[arg(long, value_name = "SIZE", default_value = "64Mi", value_parser = size)]
    total_size: u64,
    #[command(flatten)]
    profile: ProfileFlags,
    /// Store where backups are looked for: a name, a folder or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    backup_store: Option<String>,
    /// The helm to render a chart with
    #[arg(long, value_name = "FILE")]
    helm_bin: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
    #[command(flatten)]
    output: OutputFlags,
}

/// Why there is no archive.
#[derive(Debug, Error)]
enum Refusal {
    #[error(transparent)]
    Look(#[from] LookError),
    #[error(transparent)]
    Bundle(#[from] bundle::BundleError),
    #[error(transparent)]
    Archive(#[from] bundle::ArchiveError),
    #[error("{0}")]
    Store(String),
}

/// Runs the command; `words` begin with the program's name.
pub(super) async fn run(words: &[String], environment: Environment) -> ExitCode {
    let (mut flags, mut line) = match cli::mixed_line::<BundleCommand>(words) {
        Ok(line) => (line.own.flags, line.helm),
        Err(MixedLineError::Told(code)) => return code,
        Err(MixedLineError::Flag(error)) => return usage(&environment, &error),
    };
    if let Some(release) = flags.release.take() {
        line.insert(0, release);
    }
    if line.is_empty() {
        drop(BundleCommand::command().print_help());
        return ExitCode::CouldNotBegin;
    }
    let wanted = match asked(&line) {
        Ok(wanted) => wanted,
        Err(error) => return usage(&environment, error.as_ref()),
    };
    let file = flags.file.clone().unwrap_or_else(|| file_name(&line));
    if !flags.inspect
        && let Err(error) = bundle::check_place(&file, flags.force)
    {
        return usage(&environment, &error);
    }
    let common = Common {
        connection: flags.connection.clone(),
        output: flags.output.clone(),
    };
    let session = match Session::open(&common, &environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let made = Box::pin(made(&session, &flags, wanted, &line, &environment)).await;
    let report = made.and_then(|made| {
        let mut report = made.report().clone();
        if !flags.inspect {
            report.archive = Some(bundle::write(&made, &file, flags.force)?);
        }
        Ok(report)
    });
    match report {
        Ok(report) => show(&session.output, &report),
        Err(refusal) => could_not_begin(&session.output, &refusal),
    }
}

/// What is to be looked at.
fn asked(words: &[String]) -> Result<Wanted, Box<dyn Error>> {
    let is_archive = |word: &str| ARCHIVES.iter().any(|ending| word.ends_with(ending));
    let named_so = words.windows(2).any(|pair| {
        let [flag, value] = pair else { return false };
        ["-f", "--values"].contains(&flag.as_str()) && is_archive(value)
    });
    if named_so {
        return Err("-f names a file with values, as for helm upgrade: name the archive with --file".into());
    }
    wanted(words)
}

/// A name that no earlier archive has. Which helm will take the line is not known yet, and for a name does not matter.
fn file_name(words: &[String]) -> PathBuf {
    let line = UpgradeLine::parse(words, HelmMajor::Four);
    let release = line.map_or_else(
        |_| "release".to_owned(),
        |line| line.release.replace(['/', '\\'], "-"),
    );
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    PathBuf::from(format!("upgrade-check-{release}-{now}.tar.gz"))
}

async fn made(
    session: &Session,
    flags: &BundleFlags,
    wanted: Wanted,
    words: &[String],
    environment: &Environment,
) -> Result<Bundle, Refusal> {
    let progress = |words: &str| {
        // Talk that nobody takes is no reason to gather nothing.
        drop(session.output.talk(|err, _| writeln!(err, "gathering {words}")));
    };
    progress("what the checks look at");
    let store = store_place(flags.backup_store.as_deref(), environment).map_err(Refusal::Store)?;
    let look = Look {
        profile: flags.profile.choice(),
        path_file: None,
        database: &flags.database,
        store: Some(store),
        migrations: None,
        helm_bin: flags.helm_bin.as_deref(),
        environment,
    };
    let Sight { observed, target } = look.sight(session, wanted, words).await?;
    let judged = target.as_ref().map(|(_, target)| target);
    let report = checks::evaluate(&observed.observation, judged, &observed.profile);
    let helm = Helm::find(flags.helm_bin.as_deref(), &session.options).await;
    let request = BundleRequest {
        cluster: &session.cluster,
        namespace: &session.namespace,
        release: &observed.observation.release_name,
        observed: &observed,
        target: target.as_ref().map(|(renderable, target)| (renderable, target)),
        report: &report,
        helm: helm
            .map(|helm| helm.version().to_string())
            .map_err(|error| causes(&error)),
        version: env!("CARGO_PKG_VERSION"),
        bounds: Bounds {
            log_bytes: usize::try_from(flags.log_size).unwrap_or(usize::MAX),
            since: flags.since,
            total_bytes: flags.total_size,
        },
        progress: &progress,
    };
    Ok(bundle::gather(&request).await?)
}

fn show(output: &Output, report: &BundleReport) -> ExitCode {
    let written = output.result(report, |out, style| render::bundle_report(out, style, report));
    cli::end_with(output, written, report.exit_code())
}

fn usage(environment: &Environment, error: &dyn Error) -> ExitCode {
    cli::fail(
        &Output::new(&OutputFlags::default(), environment),
        error,
        UNCHANGED,
        Some("kubectl upgrade-check bundle --help"),
        ExitCode::CouldNotBegin,
    )
}

/// A size as Kubernetes writes it: a number of bytes, or one with `Ki`, `Mi` or `Gi`.
fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = ["Ki", "Mi", "Gi"]
        .iter()
        .zip([1 << 10, 1 << 20, 1 << 30])
        .find_map(|(word, unit)| Some((text.strip_suffix(word)?, unit)))
        .unwrap_or((text, 1));
    let bytes = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    bytes
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("{text:?} is no size; write 500Ki, 1Mi or 1Gi"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn sizes_are_written_as_in_manifests() {
        assert_eq!(size("512"), Ok(512));
        assert_eq!(size("2Ki"), Ok(2048));
        assert_eq!(size("1Gi"), Ok(1 << 30));
        for text in ["", "0", "1MB", "-1Mi", "99999999999Gi"] {
            assert!(size(text).unwrap_err().contains("1Mi"), "{text}");
        }
    }

    #[test]
    fn an_archive_behind_helm_s_flag_for_values_is_a_mistake_that_names_the_flag() {
        let told = |line: &[&str]| asked(&words(line)).map(|_| ()).map_err(|error| error.to_string());
        assert!(
            told(&["shop", "-f", "out.tar.gz"])
                .unwrap_err()
                .contains("--file")
        );
        assert!(told(&["shop"]).is_ok());
        assert!(told(&["shop", "./chart", "-f", "values.yaml"]).is_ok());
    }

    #[test]
    fn an_archive_is_called_after_its_release() {
        let name = |line: &[&str]| file_name(&words(line)).display().to_string();
        for line in [["shop"].as_slice(), &["--set", "a=b", "shop", "./chart"]] {
            let name = name(line);
            assert!(
                name.starts_with("upgrade-check-shop-2") && name.ends_with("Z.tar.gz"),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_only_inspected_has_no_file() {
        let parsed = |words: &[&str]| BundleCommand::try_parse_from(std::iter::once(&"x").chain(words));
        assert!(parsed(&["--inspect"]).is_ok());
        assert!(parsed(&["--inspect", "--file", "a.tar.gz"]).is_err());
        assert_eq!(
            parsed(&[]).unwrap().flags.since,
            Duration::from_secs(24 * 60 * 60)
        );
    }
}
