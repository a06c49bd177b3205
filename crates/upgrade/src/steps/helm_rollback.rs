//! A rollback that was asked for.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure};
use model::{HelmRollback, PlannedStep};

use super::roll_back::{newest, roll_back_to};
use crate::Tools;
use crate::standing::PassRecord;

pub(super) struct HelmRollbackStep {
    planned: PlannedStep,
    spec: HelmRollback,
    tools: Arc<Tools>,
}

impl HelmRollbackStep {
    pub(super) fn new(planned: PlannedStep, spec: HelmRollback, tools: &Arc<Tools>) -> Self {
        Self {
            planned,
            spec,
            tools: Arc::clone(tools),
        }
    }
}

#[async_trait]
impl Step for HelmRollbackStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let HelmRollback {
            revision,
            base_revision,
        } = self.spec;
        let latest = newest(context, &self.tools).await?.revision;
        let record: PassRecord = context.recorded()?.unwrap_or_default();
        if latest != base_revision && !record.revisions.contains(&latest) {
            return Err(StepFailure::new(format!(
                "revision {latest} was written by somebody else since this run began"
            )));
        }
        let written = roll_back_to(context, &self.tools, revision).await?;
        Ok(Outcome::told(format!(
            "revision {written}, which is revision {revision} again"
        )))
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        // The release anchor puts the revision back that was in force before.
        Ok(Outcome::quiet())
    }
}
