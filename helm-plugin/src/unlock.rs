//! `helm safe-upgrade unlock RELEASE`.

use cli::{Consent, Environment, Output};
use cluster::Cluster;
use model::{ExitCode, UnlockReport};
use upgrade::unlock::{self, UnlockError, UnlockRequest};

use crate::arguments::UnlockFlags;
use crate::session::UNCHANGED;

/// Shows what is known about a stuck release, and lets Helm go on where nothing works on it any more.
pub(crate) async fn run(flags: &UnlockFlags, environment: Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, &environment);
    let cluster = match Cluster::connect(&flags.common.connection.options(&environment)).await {
        Ok(cluster) => cluster,
        Err(error) => return cli::fail(&output, &error, UNCHANGED, None, ExitCode::CouldNotBegin),
    };
    let request = UnlockRequest {
        namespace: cluster.namespace.clone(),
        cluster,
        release: flags.release.clone(),
        older_than: flags.older_than,
    };
    let ended = if flags.undo {
        unlock::undo(&request)
            .await
            .map(|report| (report, ExitCode::Done))
    } else {
        act(&request, flags, &output).await
    };
    match ended {
        Ok((report, code)) => {
            let written = output.result(&report, |out, style| render::unlock_report(out, style, &report));
            cli::end_with(&output, written, code)
        }
        Err(error) => {
            let (state, code) = standing(&error, flags.undo);
            let history = format!("helm history {} -n {}", request.release, request.namespace);
            let next = (code == ExitCode::Stopped).then_some(history.as_str());
            cli::fail(&output, &error, state, next, code)
        }
    }
}

async fn act(
    request: &UnlockRequest,
    flags: &UnlockFlags,
    output: &Output,
) -> Result<(UnlockReport, ExitCode), UnlockError> {
    let report = unlock::look(request).await?;
    // Talk that nobody takes is no reason to stop.
    drop(output.talk(|err, style| render::pending_evidence(err, style, &report)));
    if report.evidence.is_none() {
        return Ok((report, ExitCode::Done));
    }
    if !report.refused.is_empty() {
        return Ok((report, ExitCode::Blocked));
    }
    if !report.unknown.is_empty() {
        return Ok((report, ExitCode::CannotTell));
    }
    let question = format!(
        "Mark revision {} failed, so that Helm goes on?",
        report.release.revision
    );
    let refused = |words: &str| UnlockReport {
        refused: vec![words.to_owned()],
        ..report.clone()
    };
    match cli::ask(&question, flags.yes) {
        Ok(Consent::Yes) => Ok((unlock::unlock(request, report).await?, ExitCode::Done)),
        Ok(Consent::No) => Ok((refused("not agreed to"), ExitCode::CouldNotBegin)),
        Ok(Consent::NobodyThere) | Err(_) => Ok((
            refused("nobody is there to agree; add --yes to agree beforehand"),
            ExitCode::CouldNotBegin,
        )),
    }
}

/// What is true after a failure, and the code that says so. To take the edit back once more would tell nothing: whoever
/// has done it is refused.
fn standing(error: &UnlockError, undo: bool) -> (&'static str, ExitCode) {
    match error {
        UnlockError::Read(_) | UnlockError::NoRelease { .. } => (UNCHANGED, ExitCode::CouldNotBegin),
        UnlockError::Write(error) if error.wrote_nothing() => (UNCHANGED, ExitCode::CouldNotBegin),
        UnlockError::Write(_) if undo => (
            "Whether the record was written is not known; helm history tells.",
            ExitCode::Stopped,
        ),
        UnlockError::Write(_) => (
            "Whether the record was written is not known; the same command again tells.",
            ExitCode::Stopped,
        ),
        UnlockError::ReadBack(_) if undo => {
            ("The record was changed; helm history tells.", ExitCode::Stopped)
        }
        UnlockError::ReadBack(_) => (
            "The record was changed; the same command again tells.",
            ExitCode::Stopped,
        ),
        UnlockError::NotSeen { .. } => (
            "Somebody else writes helm's records at the same time.",
            ExitCode::Stopped,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_an_undo_that_is_not_known_to_be_done_the_history_tells() {
        let unseen = || {
            UnlockError::ReadBack(Box::new(UnlockError::NoRelease {
                release: "books".into(),
                namespace: "shop".into(),
            }))
        };
        let (told, code) = standing(&unseen(), true);
        assert!(told.contains("helm history tells"), "{told}");
        assert_eq!(code, ExitCode::Stopped);
        let (told, code) = standing(&unseen(), false);
        assert!(told.contains("the same command again tells"), "{told}");
        assert_eq!(code, ExitCode::Stopped);
    }
}
