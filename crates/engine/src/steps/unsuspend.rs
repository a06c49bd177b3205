//! Ends the holds of the suspend step when the upgrade is done.

use async_trait::async_trait;
use model::{PlannedStep, Suspend, SuspendTarget};

use super::held;
use super::suspend::{let_go, not_ready_again};
use super::wait::interruptible;
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
                .find(|original| original.is_same(target))
                .unwrap_or(target)
        });
        // One that runs already was let go by the chart of the new version.
        let gone = let_go(context, originals).await?.gone;
        let here = self
            .spec
            .targets
            .iter()
            .filter(|target| !gone.contains(&target.to_string()));
        let late = interruptible(context, async { Ok(not_ready_again(context, here).await) }).await?;
        if !late.is_empty() {
            return Err(StepFailure::new(late.join("; ")));
        }
        Ok(match gone.is_empty() {
            true => Outcome::quiet(),
            false => Outcome::told(format!("{} is not part of the new version", gone.join(", "))),
        })
    }

    /// Holds them again, so that nothing starts while the way back goes on; the suspend step's own undo lets them go.
    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let cluster = context.cluster();
        let mut here = Vec::new();
        for target in &self.spec.targets {
            match held::hold(cluster, target).await {
                Ok(()) => here.push(target),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        for target in here {
            held::heeded(cluster, target).await?;
        }
        Ok(Outcome::quiet())
    }
}
