//! Waits until the application says that it is idle.

use std::time::Duration;

use async_trait::async_trait;
use model::{PlannedStep, WaitIdle};
use postgres_room::Database;

use super::wait::{Look, Question, interruptible, look_until_well};
use crate::{Outcome, Step, StepContext, StepFailure};

pub(super) struct WaitIdleStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: WaitIdle,
}

#[async_trait]
impl Step for WaitIdleStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let limit = Duration::from_secs(self.spec.timeout_seconds);
        let database = &self.spec.database;
        let waiting = look_until_well(context, database, "the application was not idle", limit, self);
        interruptible(context, waiting).await?;
        Ok(Outcome::quiet())
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

#[async_trait]
impl Question for WaitIdleStep {
    async fn ask(&self, database: &Database) -> Result<Look, StepFailure> {
        for (what, query) in &self.spec.queries {
            if !database.returns_no_row(query).await? {
                return Ok(Look::NotYet(format!("still busy: {what}")));
            }
        }
        Ok(Look::Well)
    }
}
