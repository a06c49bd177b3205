//! Waits until every workload runs its newest template with all pods ready.

use std::time::Duration;

use async_trait::async_trait;
use model::{PlannedStep, RollOut, Workload};
use tokio::time::Instant;

use super::trouble::first_trouble;
use super::wait::interruptible;
use crate::{Outcome, Step, StepContext, StepFailure};

pub(super) struct RollOutStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: RollOut,
}

#[async_trait]
impl Step for RollOutStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        interruptible(context, self.wait(context)).await?;
        Ok(Outcome::told("all pods are ready"))
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

impl RollOutStep {
    async fn wait(&self, context: &StepContext) -> Result<(), StepFailure> {
        let deadline = Instant::now() + Duration::from_secs(self.spec.timeout_seconds);
        for name in &self.spec.workloads {
            let tell = |workload: &Workload| {
                let wanted = workload.desired.unwrap_or_default();
                context.progress(
                    format!("{name}: {} of {wanted} pods are ready", workload.ready),
                    None,
                );
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if let Err(error) = context.cluster().wait_rolled_out(name, left, tell).await {
                let error = model::causes(&error);
                return Err(StepFailure::new(
                    match first_trouble(context.cluster(), name).await {
                        Some(trouble) => format!("{error}; {trouble}"),
                        None => error,
                    },
                ));
            }
        }
        Ok(())
    }
}
