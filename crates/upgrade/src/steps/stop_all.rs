//! Stopping whatever a pass may have started.

use std::time::Duration;

use engine::{StepContext, StepFailure};
use model::{Plan, StepSpec, SuspendTarget, WorkloadKind, WorkloadName};

/// What a stop gets on top of the longest grace period.
const MARGIN: Duration = Duration::from_secs(60);

/// Takes every named Deployment and StatefulSet to 0, every DaemonSet that the run holds off its nodes, and waits until
/// their pods are gone.
pub(crate) async fn stop_all(context: &StepContext, workloads: &[WorkloadName]) -> Result<(), StepFailure> {
    let cluster = context.cluster();
    let mut selectors = Vec::new();
    let mut grace = 0;
    let held = held(context.plan());
    for name in workloads {
        if !has_scale(name.kind) && !held.contains(name) {
            continue;
        }
        let Some(workload) = cluster.workload(name).await? else {
            continue;
        };
        if !has_scale(name.kind) {
            cluster
                .set_parked(&name.namespace, &name.name, Some("true"))
                .await?;
        } else if cluster.scale(name).await?.replicas != 0 {
            cluster.set_scale(name, 0, None).await?;
        }
        grace = grace.max(workload.grace_seconds);
        selectors.push(workload.selector);
    }
    if selectors.is_empty() {
        return Ok(());
    }
    let limit = Duration::from_secs(u64::try_from(grace).unwrap_or(0)) + MARGIN;
    let told = |pods: &[model::PodFacts]| {
        if !pods.is_empty() {
            context.progress(format!("waiting until {} pods are gone", pods.len()), None);
        }
    };
    cluster
        .wait_pods_gone(&context.run().namespace, &selectors, limit, told)
        .await?;
    Ok(())
}

/// The DaemonSets that the run holds; their undo lets them go again.
fn held(plan: &Plan) -> Vec<WorkloadName> {
    let mut held = Vec::new();
    for step in &plan.steps {
        if let StepSpec::Suspend(suspend) = &step.spec {
            held.extend(suspend.targets.iter().filter_map(SuspendTarget::ends_pods_of));
        }
    }
    held
}

/// Whether a kind is stopped by its count.
pub(crate) fn has_scale(kind: WorkloadKind) -> bool {
    match kind {
        WorkloadKind::Deployment | WorkloadKind::StatefulSet => true,
        WorkloadKind::DaemonSet | WorkloadKind::CronJob | WorkloadKind::Job => false,
    }
}
