//! Gives workloads their counts back where the chart does not.

use async_trait::async_trait;
use model::{PlannedStep, Resume, WorkloadName};

use super::quiesce::{OriginalCount, set_count};
use crate::{Outcome, Step, StepContext, StepFailure, StepKind};

pub(super) struct ResumeStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: Resume,
}

#[async_trait]
impl Step for ResumeStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let originals: Vec<OriginalCount> = context.recorded_by(StepKind::Quiesce)?.unwrap_or_default();
        let mut raised: Vec<WorkloadName> = context.recorded()?.unwrap_or_default();
        let mut told = Vec::new();
        for target in &self.spec.targets {
            let workload = &target.workload;
            // The count that was read when the workload was stopped is newer than the plan's.
            let recorded = originals.iter().find(|original| original.workload == *workload);
            let wanted = recorded.map_or(target.replicas, |original| original.replicas);
            let now = context.cluster().scale(workload).await?.replicas;
            if now == wanted {
                continue;
            }
            if now > 0 {
                // The chart, or a scaler that woke up with it, has its own idea; a count of ours over it would make
                // the next upgrade conflict with us.
                told.push(format!("{workload} has {now} by its chart, {wanted} before"));
                continue;
            }
            if !raised.contains(workload) {
                raised.push(workload.clone());
                context.record(&raised).await?;
            }
            context.progress(format!("giving {workload} its {wanted} back"), None);
            context.cluster().set_scale(workload, wanted, None).await?;
            told.push(format!("{workload} back to {wanted}"));
        }
        Ok(if told.is_empty() {
            Outcome::quiet()
        } else {
            Outcome::told(told.join(", "))
        })
    }

    /// Stops again what this step started, so that nobody writes while the way back goes on.
    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let raised: Vec<WorkloadName> = context.recorded()?.unwrap_or_default();
        for workload in raised.iter().rev() {
            set_count(context.cluster(), workload, 0).await?;
        }
        Ok(Outcome::quiet())
    }
}
