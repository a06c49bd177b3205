//! Ending what sessions do, or the sessions: only those that are named, and never those that nobody should end from here.

use checks::{Ending, may_end};
use cli::fail;
use model::ExitCode;
use postgres_room::{Database, Signal, SignalError, signal};
use thiserror::Error;

use super::{LocksFlags, Place};
use crate::session::UNCHANGED;

/// Somebody who is named may not be ended from here.
#[derive(Debug, Error)]
#[error("{}", .0.join("; "))]
struct Refused(Vec<String>);

/// Nobody has said that it shall be done.
#[derive(Debug, Error)]
#[error("{act} is done only with --yes")]
struct NotAgreed {
    act: String,
}

/// Fails where somebody is to be ended and `--yes` is not there.
pub(super) fn agreed(place: &Place, flags: &LocksFlags) -> Result<(), ExitCode> {
    let Some(act) = wanted(flags).filter(|_| !flags.yes) else {
        return Ok(());
    };
    let next = format!("{} {act} --yes", place.again);
    Err(fail(
        &place.output,
        &NotAgreed { act },
        UNCHANGED,
        Some(&next),
        ExitCode::CouldNotBegin,
    ))
}

/// The flag that ends somebody, with who is named.
pub(super) fn wanted(flags: &LocksFlags) -> Option<String> {
    let (flag, pids) = match (flags.cancel.as_slice(), flags.terminate.as_slice()) {
        ([], []) => return None,
        ([], pids) => ("--terminate", pids),
        (pids, _) => ("--cancel", pids),
    };
    let pids: Vec<String> = pids.iter().map(i32::to_string).collect();
    Some(format!("{flag} {}", pids.join(",")))
}

/// Ends what was named; all are looked at before the first is told.
pub(super) async fn end(place: &Place, database: &Database, flags: &LocksFlags) -> Result<(), ExitCode> {
    let (pids, how, ending) = if flags.terminate.is_empty() {
        (&flags.cancel, Signal::Cancel, Ending::Statement)
    } else {
        (&flags.terminate, Signal::Terminate, Ending::Session)
    };
    let facts = checks::observe_locks(database, None).await;
    let refused: Vec<String> = pids
        .iter()
        .filter_map(|pid| may_end(&facts, *pid, ending).err())
        .collect();
    if !refused.is_empty() {
        let error = Refused(refused);
        return Err(fail(
            &place.output,
            &error,
            UNCHANGED,
            Some(&place.again),
            ExitCode::Blocked,
        ));
    }
    let mut done: Vec<String> = Vec::new();
    for pid in pids {
        match signal(database, *pid, how).await {
            Ok(()) => done.push(pid.to_string()),
            Err(error) => return Err(failed(place, &error, *pid, how, &done)),
        }
    }
    let words = match how {
        Signal::Cancel => "gave up its statement",
        Signal::Terminate => "is gone",
    };
    for pid in done {
        // Whoever cannot be told sees it in the report.
        drop(place.output.talk(|out, _| writeln!(out, "pid {pid} {words}")));
    }
    Ok(())
}

fn failed(place: &Place, error: &SignalError, pid: i32, how: Signal, done: &[String]) -> ExitCode {
    let told = error.was_told().then_some((pid, how));
    let (state, code) = standing(told, done);
    fail(&place.output, error, &state, Some(&place.again), code)
}

/// What is true after a failure, and the code that says so: who was told last and may heed yet, and who has.
fn standing(told: Option<(i32, Signal)>, done: &[String]) -> (String, ExitCode) {
    let mut words = Vec::new();
    if let Some((pid, how)) = told {
        words.push(format!(
            "pid {pid} was told to {}; whether it does is not known.",
            how.words()
        ));
    }
    if !done.is_empty() {
        words.push(format!("Ended before it: pid {}.", done.join(", ")));
    }
    if words.is_empty() {
        (UNCHANGED.to_owned(), ExitCode::PutBack)
    } else {
        (words.join(" "), ExitCode::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use postgres_room::AdminError;

    use super::*;

    #[test]
    fn nothing_was_changed_only_where_nobody_was_told() {
        let not_heeded = SignalError::NotHeeded {
            pid: 7,
            signal: Signal::Terminate,
        };
        let not_known = SignalError::NotKnown {
            pid: 7,
            signal: Signal::Cancel,
            source: "the connection is gone".into(),
        };
        let nobody = SignalError::Admin(AdminError::NoIdentity { reasons: Vec::new() });
        assert!(not_heeded.was_told() && not_known.was_told() && !nobody.was_told());

        let before = ["3".to_owned()];
        assert_eq!(standing(None, &[]), (UNCHANGED.to_owned(), ExitCode::PutBack));
        let (state, code) = standing(Some((7, Signal::Terminate)), &[]);
        assert_eq!(
            (state.as_str(), code),
            (
                "pid 7 was told to end; whether it does is not known.",
                ExitCode::Stopped
            )
        );
        let (state, code) = standing(Some((7, Signal::Cancel)), &before);
        assert!(
            state.contains("give up its statement; whether it does is not known. Ended before it: pid 3."),
            "{state}"
        );
        assert_eq!(code, ExitCode::Stopped);
        assert_eq!(standing(None, &before).1, ExitCode::Stopped);
    }
}
