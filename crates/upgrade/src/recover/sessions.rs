//! Sessions that would still be connected when everything of the release is stopped.

use std::fmt;

use checks::{Ending, LockFacts, may_end};
use model::{NamedSession, Seen, Session, SessionRole};

/// A session of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTheWay {
    /// By which it is known again.
    pub session: NamedSession,
    /// What it does: `idle in transaction`.
    pub state: String,
    /// How many wait for it.
    pub waiting: usize,
    /// Why it may not be ended from here, if it may not.
    pub kept: Option<String>,
}

impl fmt::Display for InTheWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NamedSession {
            pid,
            user,
            application,
            client,
        } = &self.session;
        let user = user.as_deref().unwrap_or("an unknown role");
        let client = client.as_deref().unwrap_or("the server's own socket");
        write!(
            f,
            "pid {pid}, {user} ({application}) from {client}, {}",
            self.state
        )?;
        match self.waiting {
            0 => {}
            1 => f.write_str(", 1 session waits for it")?,
            many => write!(f, ", {many} sessions wait for it")?,
        }
        match &self.kept {
            Some(why) => write!(f, " (cannot be ended from here: {why})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
impl InTheWay {
    pub(super) fn example() -> Self {
        Self {
            session: NamedSession {
                pid: 77,
                user: Some("ann".into()),
                application: "psql".into(),
                client: Some("10.9.9.9".into()),
            },
            state: "idle in transaction".into(),
            waiting: 1,
            kept: None,
        }
    }
}

/// Who is in the way: writers that are not at one of the release's own addresses. Those end with their pods.
pub fn in_the_way(facts: &LockFacts, own: &[String]) -> Seen<Vec<InTheWay>> {
    if let Some(why) = &facts.masked {
        return Seen::Unreadable(why.clone());
    }
    let sessions = match &facts.sessions {
        Seen::Present(sessions) => sessions,
        Seen::Absent => return Seen::Present(Vec::new()),
        Seen::Unreadable(why) => return Seen::Unreadable(why.clone()),
    };
    let of_others = |session: &&Session| {
        let at_home = session.client.as_ref().is_some_and(|client| own.contains(client));
        session.role == SessionRole::Writer && !at_home
    };
    let found = sessions.iter().filter(of_others).map(|session| InTheWay {
        session: NamedSession {
            pid: session.pid,
            user: session.user.clone(),
            application: session.application.clone(),
            client: session.client.clone(),
        },
        state: session
            .state
            .clone()
            .unwrap_or_else(|| "in a state that is not shown".into()),
        waiting: waiting(facts, session.pid),
        kept: may_end(facts, session.pid, Ending::Session).err(),
    });
    Seen::Present(found.collect())
}

fn waiting(facts: &LockFacts, pid: i32) -> usize {
    let blocked = facts.blocked.present().map_or(&[][..], Vec::as_slice);
    blocked
        .iter()
        .filter(|blocked| blocked.blocked_by.iter().any(|edge| edge.holder == pid))
        .count()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use model::{BlockedSession, LockEdge};

    use super::*;

    fn session(pid: i32, client: Option<&str>, role: SessionRole) -> Session {
        Session {
            pid,
            user: Some("ann".into()),
            application: "psql".into(),
            client: client.map(str::to_owned),
            state: Some("idle in transaction".into()),
            transaction_seconds: None,
            state_seconds: None,
            waiting_for: None,
            statement: String::new(),
            role,
        }
    }

    fn facts(sessions: Vec<Session>) -> LockFacts {
        let waits = BlockedSession {
            session: session(1, Some("10.0.0.1"), SessionRole::Writer),
            waited_seconds: 60.0,
            blocked_by: vec![LockEdge {
                holder: 77,
                relation: None,
                mode: "AccessExclusiveLock".into(),
            }],
            root: None,
        };
        LockFacts {
            database: "shop".into(),
            role: "shop".into(),
            sessions: Seen::Present(sessions),
            masked: None,
            blocked: Seen::Present(vec![waits]),
            held: Seen::Present(Vec::new()),
            prepared: Seen::Present(Vec::new()),
            superusers: Seen::Present(BTreeSet::from([78])),
            pods: Seen::Present(BTreeMap::new()),
            probed: Vec::new(),
            unprobed: None,
        }
    }

    #[test]
    fn writers_that_are_not_at_home_are_in_the_way() {
        let seen = facts(vec![
            session(1, Some("10.0.0.1"), SessionRole::Writer),
            session(77, Some("10.9.9.9"), SessionRole::Writer),
            session(78, None, SessionRole::Writer),
            session(79, Some("10.9.9.9"), SessionRole::Exporter),
            session(80, Some("10.9.9.9"), SessionRole::Ours),
        ]);
        let found = in_the_way(&seen, &["10.0.0.1".to_owned()]);
        let found = found.present().unwrap();
        let pids: Vec<i32> = found.iter().map(|one| one.session.pid).collect();
        assert_eq!(pids, [77, 78]);
        let words = found[0].to_string();
        assert!(
            words.contains("pid 77") && words.contains("1 session waits"),
            "{words}"
        );
        assert_eq!(found[0].kept, None);
        assert!(
            found[1]
                .kept
                .as_ref()
                .is_some_and(|why| why.contains("superuser"))
        );
    }

    #[test]
    fn who_is_hidden_may_be_in_the_way() {
        let mut seen = facts(Vec::new());
        assert_eq!(in_the_way(&seen, &[]), Seen::Present(Vec::new()));
        seen.masked = Some("may not see".into());
        assert!(matches!(in_the_way(&seen, &[]), Seen::Unreadable(_)));
        seen.masked = None;
        seen.sessions = Seen::Unreadable("no".into());
        assert!(matches!(in_the_way(&seen, &[]), Seen::Unreadable(_)));
    }
}
