//! Waits until the stopped writers are gone: their pods by the API server, their sessions by the database.

use std::time::Duration;

use async_trait::async_trait;
use cluster::Selector;
use model::{Drain, PlannedStep, PodFacts, Seen, Session, SessionRole};
use postgres_room::Database;
use tokio::time::Instant;

use super::wait::{Look, Question, interruptible, look_until_well};
use crate::{Outcome, Step, StepContext, StepFailure};

/// How many sessions an error names; the rest is counted.
const NAMED_SESSIONS: usize = 5;
/// How long the sessions are given where the pods have used up all the time: their sockets close right after them.
pub(super) const LEAST_SESSION_WAIT: Duration = Duration::from_secs(10);

pub(super) struct DrainStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: Drain,
}

#[async_trait]
impl Step for DrainStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let begun = Instant::now();
        let limit = Duration::from_secs(self.spec.timeout_seconds);
        interruptible(context, self.wait_for_pods(context, limit)).await?;
        if let Some(location) = &self.spec.database {
            let left = limit.saturating_sub(begun.elapsed()).max(LEAST_SESSION_WAIT);
            let expectation = "the writers did not leave the database";
            let waiting = look_until_well(context, location, expectation, left, &WhoIsThere);
            interruptible(context, waiting).await?;
        }
        Ok(Outcome::quiet())
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

impl DrainStep {
    async fn wait_for_pods(&self, context: &StepContext, limit: Duration) -> Result<(), StepFailure> {
        let mut selectors: Vec<Selector> = Vec::new();
        for name in &self.spec.workloads {
            if let Some(workload) = context.cluster().workload(name).await?
                && !workload.selector.is_empty()
            {
                selectors.push(workload.selector);
            }
        }
        if selectors.is_empty() {
            return Ok(());
        }
        let tell = |pods: &[PodFacts]| {
            if !pods.is_empty() {
                let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
                context.progress(format!("waiting for {} to end", names.join(", ")), None);
            }
        };
        let namespace = &context.run().namespace;
        Ok(context
            .cluster()
            .wait_pods_gone(namespace, &selectors, limit, tell)
            .await?)
    }
}

/// Whether a writer is still connected.
pub(super) struct WhoIsThere;

#[async_trait]
impl Question for WhoIsThere {
    async fn ask(&self, database: &Database) -> Result<Look, StepFailure> {
        match postgres_room::sessions(database).await {
            Seen::Present(sessions) => Ok(match still_connected(&sessions) {
                Some(who) => Look::NotYet(who),
                None => Look::Well,
            }),
            Seen::Absent => Ok(Look::Well),
            // Who cannot be seen may well be writing.
            Seen::Unreadable(why) => Err(StepFailure::new(format!("cannot tell who is connected: {why}"))),
        }
    }
}

/// Names the writers among the sessions; `None` where there is none.
fn still_connected(sessions: &[Session]) -> Option<String> {
    let writers: Vec<&Session> = sessions
        .iter()
        .filter(|session| session.role == SessionRole::Writer)
        .collect();
    if writers.is_empty() {
        return None;
    }
    let mut named: Vec<String> = writers
        .iter()
        .take(NAMED_SESSIONS)
        .map(|session| name(session))
        .collect();
    if writers.len() > NAMED_SESSIONS {
        named.push(format!("{} more", writers.len() - NAMED_SESSIONS));
    }
    Some(format!("still connected: {}", named.join("; ")))
}

fn name(session: &Session) -> String {
    let user = session.user.as_deref().unwrap_or("an unknown role");
    let client = session.client.as_deref().unwrap_or("the server's own socket");
    let application = match session.application.as_str() {
        "" => String::new(),
        application => format!(" ({application})"),
    };
    let state = session
        .state
        .as_deref()
        .map(|state| format!(", {state}"))
        .unwrap_or_default();
    format!("{user}{application} from {client}, pid {}{state}", session.pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i32, role: SessionRole) -> Session {
        Session {
            pid,
            user: Some("shop".into()),
            application: "worker".into(),
            client: Some("10.0.0.7".into()),
            state: Some("idle in transaction".into()),
            transaction_seconds: None,
            state_seconds: None,
            waiting_for: None,
            statement: String::new(),
            role,
        }
    }

    #[test]
    fn only_writers_keep_a_database_from_being_drained() {
        let others = [
            SessionRole::Dump,
            SessionRole::Exporter,
            SessionRole::Replication,
            SessionRole::Ours,
            SessionRole::Server,
        ];
        let sessions: Vec<Session> = others.into_iter().map(|role| session(1, role)).collect();
        assert_eq!(still_connected(&sessions), None);
    }

    #[test]
    fn who_is_still_connected_is_named_and_many_are_counted() {
        let sessions: Vec<Session> = (1..=7).map(|pid| session(pid, SessionRole::Writer)).collect();
        let text = still_connected(&sessions).unwrap();
        assert!(
            text.contains("shop (worker) from 10.0.0.7, pid 1, idle in transaction"),
            "{text}"
        );
        assert!(text.ends_with("2 more"), "{text}");
    }
}
