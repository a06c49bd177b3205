//! Ends the holds of the suspend step when the upgrade is done.

use async_trait::async_trait;
use model::{PlannedStep, Suspend, SuspendTarget};

use super::suspend::{let_go, same_object};
use crate::{Outcome, Step, StepContext, StepFailure, StepKind};

pub(super) struct UnsuspendStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: Suspend,
}

#[async_trait]
impl Step for UnsuspendStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let recorded: Vec<SuspendTarget> = context.recorded_by(StepKind::Suspend)?.unwrap_or_default();
        // What was read when it was held is newer than the plan.
        let originals = self.spec.targets.iter().map(|target| {
            recorded
                .iter()
                .find(|original| same_object(original, target))
                .unwrap_or(target)
        });
        // One that runs already was let go by the chart of the new version.
        let gone = let_go(context, originals).await?.gone;
        Ok(match gone.is_empty() {
            true => Outcome::quiet(),
            false => Outcome::told(format!("{} is not part of the new version", gone.join(", "))),
        })
    }

    /// Holds them again, so that nothing starts while the way back goes on; the suspend step's own undo lets them go.
    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        for SuspendTarget::CronJob { namespace, name, .. } in &self.spec.targets {
            match context.cluster().set_suspend(namespace, name, Some(true)).await {
                Ok(()) => {}
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Outcome::quiet())
    }
}
