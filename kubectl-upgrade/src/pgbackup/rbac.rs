//! `kubectl pgbackup rbac`: the rights that acts need, as objects that can be applied.

use std::collections::BTreeSet;

use checks::{ActNeeds, BackupAct, Grantee, act_rights, roles};
use clap::Args;
use cli::{Environment, Format, Output, OutputFlags};
use model::ExitCode;
use serde_json::json;

/// Flags of `rbac`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RbacFlags {
    /// The act; several with commas or by repetition: create, verify, restore, schedule, status, base, get,
    /// volume (claims as stores, and volumes as artefacts)
    #[arg(long = "for", value_name = "ACT", required = true, value_delimiter = ',')]
    pub(crate) acts: Vec<BackupAct>,
    /// Also what `create --route job` and `--format directory` need: a Job beside the server
    #[arg(long)]
    pub(crate) with_job: bool,
    /// Also what `verify --with-app` needs: a Job, a NetworkPolicy and logs in the release's namespace
    #[arg(long)]
    pub(crate) with_app: bool,
    /// Namespace of the release and of the ServiceAccount
    #[arg(short = 'n', long, value_name = "NAMESPACE", default_value = "default")]
    pub(crate) namespace: String,
    /// Namespace of the database's pod, where it is another
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) database_namespace: Option<String>,
    /// The ServiceAccount that gets the rights
    #[arg(long, value_name = "NAME", default_value = "pgbackup")]
    pub(crate) service_account: String,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
}

/// Prints. Needs no cluster.
pub(crate) fn run(flags: &RbacFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.output, environment);
    let acts: BTreeSet<BackupAct> = flags.acts.iter().copied().collect();
    let database = flags.database_namespace.as_ref().unwrap_or(&flags.namespace);
    let needs = ActNeeds {
        namespace: flags.namespace.clone(),
        database_namespace: Some(database.clone()),
        with_app: flags.with_app,
    };
    let mut rights = act_rights(&acts, &needs);
    if flags.with_job {
        rights.needed.extend(backup::job_rights(database));
    }
    let words: Vec<&str> = acts.iter().map(|act| act.word()).collect();
    let grantee = Grantee {
        account: flags.service_account.clone(),
        namespace: flags.namespace.clone(),
    };
    let name = format!("pgbackup-{}", words.join("-"));
    let objects = roles(&name, &[rights.needed, rights.helpful].concat(), &grantee);
    let written = match output.format {
        Format::Json => {
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
            output.data(|out| render::json(out, &list))
        }
        Format::Table => output.data(|out| render::manifests(out, &objects)),
    };
    cli::end_with(&output, written, ExitCode::Done)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        flags: RbacFlags,
    }

    #[test]
    fn rights_are_printed_for_one_act_or_several() {
        let parsed = |words: &[&str]| Command::try_parse_from(std::iter::once(&"x").chain(words));
        let flags = parsed(&["--for", "create,verify", "--for", "get"]).unwrap().flags;
        assert_eq!(flags.acts, [BackupAct::Create, BackupAct::Verify, BackupAct::Get]);
        assert!(parsed(&["--for", "destroy"]).is_err());
        assert!(parsed(&[]).is_err());
    }
}
