//! What a migration was at when it was last looked at, in one sentence, for the error that ends it.

use model::{BlockedSession, MigrationSample, Session};

/// What the database did at the last look; `None` where nothing worked there.
pub(super) fn last_words(sample: &MigrationSample) -> Option<String> {
    let seconds = sample.seconds;
    let at = |words: String| format!("at the last look, after {seconds:.0} s, {words}");
    if let Some(blocked) = sample.blocked.first() {
        return Some(at(waits(blocked)));
    }
    let active = sample.active.first()?;
    Some(at(format!("{} worked on: {}", who(active), active.statement)))
}

fn waits(blocked: &BlockedSession) -> String {
    let holder = match &blocked.root {
        Some(root) => format!(
            "{}{}",
            who(root),
            root.state
                .as_deref()
                .map(|state| format!(", {state}"))
                .unwrap_or_default()
        ),
        None => match blocked.blocked_by.first() {
            Some(edge) if edge.holder == 0 => "a prepared transaction".to_owned(),
            Some(edge) => format!("pid {}", edge.holder),
            None => "somebody who cannot be seen".to_owned(),
        },
    };
    format!(
        "{} had waited {:.0} s for a lock of {holder} with: {}",
        who(&blocked.session),
        blocked.waited_seconds,
        blocked.session.statement
    )
}

fn who(session: &Session) -> String {
    let application = match session.application.as_str() {
        "" => String::new(),
        application => format!(" ({application})"),
    };
    format!("pid {}{application}", session.pid)
}

#[cfg(test)]
mod tests {
    use model::SessionRole;

    use super::*;

    fn session(pid: i32, application: &str, statement: &str) -> Session {
        Session {
            pid,
            user: None,
            application: application.into(),
            client: None,
            state: Some("idle in transaction".into()),
            transaction_seconds: None,
            state_seconds: None,
            waiting_for: None,
            statement: statement.into(),
            role: SessionRole::Writer,
        }
    }

    fn sample(active: Vec<Session>, blocked: Vec<BlockedSession>) -> MigrationSample {
        MigrationSample {
            seconds: 41.2,
            active,
            blocked,
            version: None,
        }
    }

    #[test]
    fn who_waits_for_whom_comes_before_what_works() {
        let blocked = BlockedSession {
            session: session(7, "migrate", "alter table entries"),
            waited_seconds: 30.0,
            blocked_by: Vec::new(),
            root: Some(session(3, "worker", "")),
        };
        let words = last_words(&sample(vec![session(9, "", "select")], vec![blocked])).unwrap();
        assert_eq!(
            words,
            "at the last look, after 41 s, pid 7 (migrate) had waited 30 s for a lock of pid 3 (worker), idle in \
             transaction with: alter table entries"
        );
    }

    #[test]
    fn a_statement_that_works_is_named_and_silence_says_nothing() {
        let words = last_words(&sample(vec![session(9, "", "create index")], Vec::new())).unwrap();
        assert!(words.ends_with("pid 9 worked on: create index"), "{words}");
        assert_eq!(last_words(&sample(Vec::new(), Vec::new())), None);
    }
}
