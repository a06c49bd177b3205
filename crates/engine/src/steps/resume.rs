//! Gives workloads their counts back where the chart does not.

use async_trait::async_trait;
use cluster::ScaleError;
use model::{PlannedStep, QuiesceTarget, Resume, StepSpec, WorkloadName};

use super::quiesce::{OriginalCount, set_count};
use crate::{Outcome, Step, StepContext, StepFailure, StepKind};

pub(super) struct ResumeStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: Resume,
}

/// The count that a workload has once a run's resume is done: what the resume gives it, or what was planned where the
/// chart gives it.
pub fn count_after(steps: &[PlannedStep], planned: &QuiesceTarget, originals: &[OriginalCount]) -> i32 {
    let resumed = steps.iter().find_map(|step| match &step.spec {
        StepSpec::Resume(resume) => resume.targets.iter().find(|one| one.workload == planned.workload),
        _ => None,
    });
    resumed.map_or(planned.replicas, |target| wanted(steps, target, originals))
}

/// The count to give: what was read when the workload was stopped, which is newer than the plan, unless the chart
/// changes the number itself, which only the plan knows.
fn wanted(steps: &[PlannedStep], target: &QuiesceTarget, originals: &[OriginalCount]) -> i32 {
    let workload = &target.workload;
    let recorded = originals.iter().find(|original| original.workload == *workload);
    let mut before = None;
    for step in steps {
        if let StepSpec::Quiesce(quiesce) = &step.spec {
            before = before.or_else(|| quiesce.targets.iter().find(|one| one.workload == *workload));
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
            let wanted = wanted(&context.plan().steps, target, &originals);
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

#[cfg(test)]
mod tests {
    use model::{Quiesce, Reversal, WorkloadKind};

    use super::*;

    fn name() -> WorkloadName {
        WorkloadName {
            kind: WorkloadKind::Deployment,
            namespace: "shop".into(),
            name: "web".into(),
        }
    }

    fn target(replicas: i32) -> QuiesceTarget {
        QuiesceTarget {
            workload: name(),
            replicas,
            role: "server".into(),
        }
    }

    fn step(spec: StepSpec) -> PlannedStep {
        PlannedStep {
            id: "01-x".into(),
            title: "x".into(),
            reversal: Reversal::NotNeeded,
            spec,
        }
    }

    fn stops(replicas: i32) -> PlannedStep {
        step(StepSpec::Quiesce(Quiesce {
            targets: vec![target(replicas)],
        }))
    }

    fn resumes(replicas: i32) -> PlannedStep {
        step(StepSpec::Resume(Resume {
            targets: vec![target(replicas)],
        }))
    }

    fn recorded(replicas: i32) -> Vec<OriginalCount> {
        vec![OriginalCount {
            workload: name(),
            replicas,
        }]
    }

    #[test]
    fn what_was_read_when_it_was_stopped_is_expected_and_not_what_was_planned_earlier() {
        let steps = [stops(3), resumes(3)];
        assert_eq!(count_after(&steps, &target(3), &recorded(5)), 5);
        assert_eq!(count_after(&steps, &target(3), &[]), 3, "nothing was stopped");
    }

    #[test]
    fn a_count_that_the_plan_changes_or_that_the_chart_gives_is_the_plan_s() {
        let changed = [stops(3), resumes(4)];
        assert_eq!(count_after(&changed, &target(4), &recorded(5)), 4);
        let by_the_chart = [stops(3)];
        assert_eq!(count_after(&by_the_chart, &target(3), &recorded(5)), 3);
    }
}
