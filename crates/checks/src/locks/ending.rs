//! Who may be ended from here.

use model::{Seen, SessionRole};

use super::LockFacts;

/// What is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The statement that runs.
    Statement,
    /// The session.
    Session,
}

/// Whether a process may be ended by its number.
///
/// # Errors
/// Why not, in words.
pub fn may_end(facts: &LockFacts, pid: i32, ending: Ending) -> Result<(), String> {
    let no = |why: &str| Err(format!("pid {pid} {why}"));
    let sessions = match &facts.sessions {
        Seen::Present(sessions) => sessions,
        Seen::Absent => return no("is not to be seen"),
        Seen::Unreadable(why) => return no(&format!("is not to be seen: {why}")),
    };
    let Some(session) = sessions.iter().find(|session| session.pid == pid) else {
        return no(&format!("has no session on database {}", facts.database));
    };
    match session.role {
        SessionRole::Ours => return no("is ours: end the run or the command that opened it"),
        SessionRole::Server => return no("is a process of the server itself"),
        SessionRole::Replication => return no("feeds a replica or a subscriber"),
        SessionRole::Writer | SessionRole::Dump | SessionRole::Exporter => {}
    }
    if session.state.is_none() {
        return no("may not be seen in full: grant pg_read_all_stats to the role");
    }
    match &facts.superusers {
        // An image's first role is a superuser, and often the application's.
        Seen::Present(pids) if pids.contains(&pid) && session.user.as_ref() != Some(&facts.role) => {
            return no("is a superuser's: ask whoever runs it");
        }
        Seen::Present(_) => {}
        Seen::Absent | Seen::Unreadable(_) => return no("may be a superuser's: that could not be read"),
    }
    let active = session.state.as_deref() == Some("active");
    if ending == Ending::Statement && !active {
        return no("runs no statement that could be cancelled; --terminate ends its session");
    }
    Ok(())
}
