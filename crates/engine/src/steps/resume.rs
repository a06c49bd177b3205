//! Gives workloads their counts back where the chart does not.

use async_trait::async_trait;
use cluster::ScaleError;
use model::{Plan, PlannedStep, QuiesceTarget, Resume, StepSpec, WorkloadName};

use super::quiesce::{OriginalCount, set_count};
use crate::{Outcome, Step, StepContext, StepFailure, StepKind};

pub(super) struct ResumeStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: Resume,
}

/// The count to give: what was read when the workload was stopped, which is newer than the plan, unless the chart
/// changes the number itself, which only the plan knows.
fn wanted(plan: &Plan, target: &QuiesceTarget, recorded: Option<&OriginalCount>) -> i32 {
    let mut before = None;
    for step in &plan.steps {
        if let StepSpec::Quiesce(quiesce) = &step.spec {
            before = before.or_else(|| quiesce.targets.iter().find(|one| one.workload == target.workload));
        }
    }
    match (before, recorded) {
        (Some(before), Some(recorded)) if before.replicas == target.replicas => recorded.replicas,
        _ => target.replicas,
    }
}

async fn is_scaled_by_another(context: &StepContext, name: &WorkloadName) -> Result<bool, StepFailure> {
    let Some(workload) = context.cluster().workload(name).await? else {
        return Ok(false);
    };
    Ok(!context.cluster().scalers_of(&[workload]).await?.is_empty())
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
            let wanted = wanted(context.plan(), target, recorded);
            let now = context.cluster().scale(workload).await?.replicas;
            if now == wanted {
                continue;
            }
            if now > wanted && is_scaled_by_another(context, workload).await? {
                told.push(format!("{workload} has {now} by its autoscaler, {wanted} before"));
                continue;
            }
            if !raised.contains(workload) {
                raised.push(workload.clone());
                context.record(&raised).await?;
            }
            context.progress(format!("giving {workload} its {wanted} back"), None);
            set_count(context.cluster(), workload, wanted).await?;
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
            match set_count(context.cluster(), workload, 0).await {
                Ok(()) => {}
                Err(ScaleError::Api(error)) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Outcome::quiet())
    }
}
