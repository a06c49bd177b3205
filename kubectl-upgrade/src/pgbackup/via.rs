//! `kubectl pgbackup create --via`: somebody else's backup, started, watched and told by its real result.

use std::time::Duration;

use backup::inventory::{DriveError, Driven, drive, restore_steps};
use jiff::Timestamp;
use model::{API_VERSION, BackupDetailsReport, ExitCode};

use super::act::{ActEnd, act};
use super::failure::{Ends, failed};
use super::stored::Words;
use crate::session::{Session, could_not_begin};

impl Ends for DriveError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Unknown { .. } => ExitCode::CouldNotBegin,
            Self::Refused { .. } => ExitCode::Blocked,
            Self::Api(error) if error.is_forbidden() => ExitCode::Blocked,
            Self::NotEnded { .. } => ExitCode::Stopped,
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        match self {
            Self::NotEnded { .. } => "It goes on without us: kubectl pgbackup list tells how it ended.",
            Self::Failed { .. } => {
                "The object that failed is left for whoever looks into it. Nothing else was made."
            }
            _ => "Nothing was made.",
        }
    }
}

/// Reads `--via cnpg NAME` or `--via cronjob NAME`.
fn driven(words: &[String]) -> Result<Driven, String> {
    match words {
        [kind, name] if kind == "cnpg" => Ok(Driven::CloudNativePg(name.clone())),
        [kind, name] if kind == "cronjob" => Ok(Driven::CronJob(name.clone())),
        _ => Err("--via takes cnpg and the name of a Cluster, or cronjob and the name of a CronJob".into()),
    }
}

/// Drives.
pub(crate) async fn run(session: &Session, words: &[String], limit: Duration) -> ExitCode {
    let output = &session.output;
    let who = match driven(words) {
        Ok(who) => who,
        Err(words) => return could_not_begin(output, &Words(words)),
    };
    let title = match &who {
        Driven::CloudNativePg(name) => format!("have CloudNativePG back up cluster {name}"),
        Driven::CronJob(name) => format!("run cronjob {name} now"),
    };
    let ended: ActEnd<_, DriveError> = act(output, &title, async |progress| {
        drive(&session.cluster, &session.namespace, &who, limit, progress).await
    })
    .await;
    match ended {
        ActEnd::Ended(Ok(mut backup)) => {
            let finished: Option<Timestamp> = backup.finished_at.as_ref().and_then(|at| at.parse().ok());
            backup.age_seconds = finished.map(|at| (Timestamp::now().as_second() - at.as_second()).max(0));
            let report = BackupDetailsReport {
                api_version: API_VERSION.into(),
                kind: "BackupDetails".into(),
                next: restore_steps(&backup),
                backup,
                manifest: None,
                verifications: Vec::new(),
                findings: Vec::new(),
            };
            let written = output.result(&report, |out, style| render::backup_details(out, style, &report));
            cli::end_with(output, written, ExitCode::Done)
        }
        ActEnd::Ended(Err(error)) => failed(output, &error),
        ActEnd::Interrupted => cli::fail(
            output,
            &Words("interrupted".into()),
            "What was started goes on without us.",
            Some("kubectl pgbackup list"),
            ExitCode::Stopped,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_drivers_are_taken() {
        let words = |words: &[&str]| driven(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            words(&["cnpg", "orders"]),
            Ok(Driven::CloudNativePg("orders".into()))
        );
        assert_eq!(
            words(&["cronjob", "nightly"]),
            Ok(Driven::CronJob("nightly".into()))
        );
        assert!(words(&["velero", "x"]).is_err());
    }
}
