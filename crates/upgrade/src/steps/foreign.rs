//! Counts that somebody gave to workloads which this run holds.

use engine::steps::OriginalCount;
use engine::{StepContext, StepFailure};
use model::{GateMode, HelmPass, StepSpec, WorkloadName};

use crate::standing::PassRecord;

/// The workloads that this run stopped.
pub(crate) fn stopped(context: &StepContext) -> Vec<WorkloadName> {
    let mut stopped = Vec::new();
    for step in &context.plan().steps {
        if let StepSpec::Quiesce(quiesce) = &step.spec {
            stopped.extend(quiesce.targets.iter().map(|target| target.workload.clone()));
        }
    }
    stopped
}

/// Journals the counts that are neither what a gated pass gives nor 0: the way back takes them down once more, and they
/// are given again at its end. After a pass that is not gated nobody can tell the chart's counts from a person's.
pub(crate) async fn remember_foreign(
    context: &StepContext,
    pass: &HelmPass,
    record: &mut PassRecord,
) -> Result<(), StepFailure> {
    if pass.gate == GateMode::After || opened(context)? {
        return Ok(());
    }
    let mut found = Vec::new();
    for workload in stopped(context) {
        if record
            .counts
            .foreign
            .iter()
            .any(|known| known.workload == workload)
        {
            continue;
        }
        let Some(facts) = context.cluster().workload(&workload).await? else {
            continue;
        };
        let replicas = facts.desired.unwrap_or_default();
        let gated = i32::from(pass.migrating.as_ref() == Some(&workload));
        if replicas != 0 && replicas != gated {
            found.push(OriginalCount { workload, replicas });
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    record.counts.foreign.extend(found);
    context.record(record).await
}

/// Journals the counts as the older revision's manifest left them, so that they are not taken for somebody's wish.
pub(crate) async fn remember_left(context: &StepContext, record: &mut PassRecord) -> Result<(), StepFailure> {
    record.counts.left.clear();
    for workload in stopped(context) {
        if let Some(facts) = context.cluster().workload(&workload).await? {
            let replicas = facts.desired.unwrap_or_default();
            record.counts.left.push(OriginalCount { workload, replicas });
        }
    }
    context.record(record).await
}

/// Whether the second pass has begun: from then on the chart's own counts are there.
fn opened(context: &StepContext) -> Result<bool, StepFailure> {
    let record: Option<PassRecord> = context.recorded_by(engine::StepKind::OpenTraffic)?;
    Ok(record.is_some_and(|record| !record.revisions.is_empty()))
}
