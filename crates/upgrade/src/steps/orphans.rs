//! Sessions that outlive the pods that opened them.

use engine::{StepContext, StepFailure};
use model::{DatabaseLocation, Event, Seen, Session};
use postgres_room::{Admin, SessionOptions};

/// Ends the sessions that stopped pods left in the database.
///
/// A server notices a lost client only when it next talks to it. A statement that waits for a lock waits on, holds the
/// migration tool's own lock against the old version's start, and may still commit when everything is back as it was.
pub(crate) async fn end_orphans(
    context: &StepContext,
    location: &DatabaseLocation,
    addresses: &[String],
) -> Result<(), StepFailure> {
    if addresses.is_empty() {
        return Ok(());
    }
    let connector = context.connector(location).await?;
    let session = connector.connect(&SessionOptions::default()).await?;
    let pids = match postgres_room::sessions(&session).await {
        Seen::Present(sessions) => orphans(&sessions, addresses),
        Seen::Absent => Vec::new(),
        Seen::Unreadable(why) => {
            let message = format!("whether stopped pods left sessions in the database is not known: {why}");
            context.events().send(Event::Notice { message });
            Vec::new()
        }
    };
    drop(session);
    if pids.is_empty() {
        return Ok(());
    }
    context.progress(
        format!(
            "ending {} sessions that stopped pods left in the database",
            pids.len()
        ),
        None,
    );
    Admin::open(&connector)
        .await?
        .terminate(&location.database, &pids)
        .await?;
    Ok(())
}

fn orphans(sessions: &[Session], addresses: &[String]) -> Vec<i32> {
    sessions
        .iter()
        .filter(|session| {
            session
                .client
                .as_ref()
                .is_some_and(|client| addresses.contains(client))
        })
        .map(|session| session.pid)
        .collect()
}

#[cfg(test)]
mod tests {
    use model::SessionRole;

    use super::*;

    fn session(pid: i32, client: Option<&str>) -> Session {
        Session {
            pid,
            user: Some("shop".into()),
            application: String::new(),
            client: client.map(str::to_owned),
            state: Some("active".into()),
            transaction_seconds: None,
            state_seconds: None,
            waiting_for: None,
            statement: String::new(),
            role: SessionRole::Writer,
        }
    }

    #[test]
    fn only_sessions_of_the_stopped_pods_are_orphans() {
        let sessions = [
            session(1, Some("10.0.0.7")),
            session(2, Some("10.0.0.8")),
            session(3, None),
        ];
        assert_eq!(orphans(&sessions, &["10.0.0.7".to_owned()]), [1]);
        assert_eq!(orphans(&sessions, &[]), Vec::<i32>::new());
    }
}
