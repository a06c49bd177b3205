//! The end of sessions that would outlast everything that was stopped.

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use model::{EndSessions, NamedSession, PlannedStep, Seen, Session};
use postgres_room::{Database, SessionOptions, Signal, signal};

use super::orphans::end_orphans;
use crate::standing::PassRecord;

pub(super) struct EndSessionsStep {
    planned: PlannedStep,
    spec: EndSessions,
}

impl EndSessionsStep {
    pub(super) fn new(planned: PlannedStep, spec: EndSessions) -> Self {
        Self { planned, spec }
    }

    /// The addresses whose pods are gone: those of the plan and of hook Jobs that were ended. One that a living pod has got
    /// since is that pod's.
    async fn gone(&self, context: &StepContext) -> Result<Vec<String>, StepFailure> {
        let ended: PassRecord = context.recorded_by(StepKind::SettleRevision)?.unwrap_or_default();
        let living = context
            .cluster()
            .pods_by_address(&context.run().namespace)
            .await?;
        let mut gone = self.spec.addresses.clone();
        gone.extend(ended.addresses);
        gone.retain(|address| !living.contains_key(address));
        Ok(gone)
    }

    /// Ends those of the agreed sessions that are still there.
    async fn end_agreed(&self, context: &StepContext, database: &Database) -> Result<Vec<i32>, StepFailure> {
        let sessions = match postgres_room::sessions(database).await {
            Seen::Present(sessions) => sessions,
            Seen::Absent => Vec::new(),
            Seen::Unreadable(why) => {
                return Err(StepFailure::new(format!("cannot tell who is connected: {why}")));
            }
        };
        let pids = still_there(&self.spec.sessions, &sessions);
        for pid in &pids {
            context.progress(format!("ending the session of pid {pid}"), None);
            signal(database, *pid, Signal::Terminate).await?;
        }
        Ok(pids)
    }
}

/// The process ids of those that are still the sessions that a person agreed to end.
fn still_there(agreed: &[NamedSession], sessions: &[Session]) -> Vec<i32> {
    agreed
        .iter()
        .filter(|agreed| sessions.iter().any(|session| agreed.is(session)))
        .map(|agreed| agreed.pid)
        .collect()
}

#[async_trait]
impl Step for EndSessionsStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let gone = self.gone(context).await?;
        end_orphans(context, &self.spec.database, &gone).await?;
        if self.spec.sessions.is_empty() {
            return Ok(Outcome::quiet());
        }
        let connector = context.connector(&self.spec.database).await?;
        let database = connector.connect(&SessionOptions::default()).await?;
        let ended = self.end_agreed(context, &database).await?;
        let words: Vec<String> = ended.iter().map(i32::to_string).collect();
        Ok(Outcome::told(match words.as_slice() {
            [] => "those that were agreed to be ended are gone already".to_owned(),
            words => format!("ended pid {}", words.join(", ")),
        }))
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

#[cfg(test)]
mod tests {
    use model::SessionRole;

    use super::*;

    fn session(pid: i32, application: &str) -> Session {
        Session {
            pid,
            user: Some("ann".into()),
            application: application.into(),
            client: Some("10.0.0.9".into()),
            state: Some("idle in transaction".into()),
            transaction_seconds: None,
            state_seconds: None,
            waiting_for: None,
            statement: String::new(),
            role: SessionRole::Writer,
        }
    }

    #[test]
    fn a_process_id_that_is_another_session_by_now_is_left_alone() {
        let agreed: Vec<NamedSession> = [7, 8, 9]
            .into_iter()
            .map(|pid| NamedSession {
                pid,
                user: Some("ann".into()),
                application: "psql".into(),
                client: Some("10.0.0.9".into()),
            })
            .collect();
        let now = [session(7, "psql"), session(8, "payroll")];
        assert_eq!(still_there(&agreed, &now), [7]);
    }
}
