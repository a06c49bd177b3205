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
            Err(error) => return Err(failed(place, &error, &done)),
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

fn failed(place: &Place, error: &SignalError, done: &[String]) -> ExitCode {
    let (state, code) = if done.is_empty() {
        (UNCHANGED.to_owned(), ExitCode::PutBack)
    } else {
        (
            format!("Ended before it: pid {}.", done.join(", ")),
            ExitCode::Stopped,
        )
    };
    fail(&place.output, error, &state, Some(&place.again), code)
}
