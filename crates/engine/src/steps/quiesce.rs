//! Takes writers to 0 and gives them their exact counts back.

use std::time::Duration;

use async_trait::async_trait;
use cluster::{Cluster, ScaleError};
use model::{PlannedStep, Quiesce, Workload, WorkloadName};
use serde::{Deserialize, Serialize};

use crate::{Outcome, Step, StepContext, StepFailure};

/// How often a count that changes while we look is read again. Every status update of a controller makes the version
/// that we read stale, so a few times are usual.
const TRIES: usize = 10;
/// How long the old version is waited for after its counts are back. Longer is for a person to judge: the counts are
/// right whatever comes of it.
const READY_AGAIN: Duration = Duration::from_secs(180);

/// A count as it was before it was touched: the record of a quiesce step is a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OriginalCount {
    /// Whose.
    pub workload: WorkloadName,
    /// The count.
    pub replicas: i32,
}

pub(super) struct QuiesceStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: Quiesce,
}

#[async_trait]
impl Step for QuiesceStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let mut originals: Vec<OriginalCount> = context.recorded()?.unwrap_or_default();
        for target in &self.spec.targets {
            let workload = &target.workload;
            context.progress(format!("stopping {workload}"), None);
            // What is recorded was read before anybody touched it; the count of now may be our own 0.
            if originals.iter().any(|original| original.workload == *workload) {
                set_count(context.cluster(), workload, 0).await?;
            } else {
                record_and_stop(context, workload, &mut originals).await?;
            }
        }
        let stopped: Vec<String> = originals
            .iter()
            .map(|original| format!("{} ({})", original.workload, original.replicas))
            .collect();
        Ok(Outcome::told(format!("stopped {}", stopped.join(", "))))
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let originals: Vec<OriginalCount> = context.recorded()?.unwrap_or_default();
        for original in originals.iter().rev() {
            context.progress(
                format!("giving {} its {} back", original.workload, original.replicas),
                None,
            );
            set_count(context.cluster(), &original.workload, original.replicas).await?;
        }
        let running = originals.iter().filter(|original| original.replicas > 0);
        let ready = running.map(|original| {
            let progress = |workload: &Workload| {
                let name = &workload.name;
                context.progress(
                    format!(
                        "{name}: {} of {} pods are ready",
                        workload.ready, original.replicas
                    ),
                    None,
                );
            };
            context
                .cluster()
                .wait_rolled_out(&original.workload, READY_AGAIN, progress)
        });
        let ended = futures::future::join_all(ready).await;
        let late: Vec<String> = ended
            .into_iter()
            .filter_map(|end| Some(model::causes(&end.err()?)))
            .collect();
        if late.is_empty() {
            Ok(Outcome::told("all counts are as before"))
        } else {
            Ok(Outcome::warned(format!(
                "all counts are as before, but {}",
                late.join("; ")
            )))
        }
    }
}

/// Journals a count and takes it to 0 if it is still that count, so that what is recorded is what was there.
async fn record_and_stop(
    context: &StepContext,
    workload: &WorkloadName,
    originals: &mut Vec<OriginalCount>,
) -> Result<(), StepFailure> {
    let mut tries = 0;
    loop {
        let scale = context.cluster().scale(workload).await?;
        let original = OriginalCount {
            workload: workload.clone(),
            replicas: scale.replicas,
        };
        originals.retain(|earlier| earlier.workload != *workload);
        originals.push(original);
        context.record(originals).await?;
        if scale.replicas == 0 {
            return Ok(());
        }
        tries += 1;
        match context
            .cluster()
            .set_scale(workload, 0, Some(&scale.resource_version))
            .await
        {
            Ok(_) => return Ok(()),
            Err(ScaleError::Changed { .. }) if tries < TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sets a count, unless it is that already: writing 0 over 0 does nothing good, and every write wakes controllers.
pub(super) async fn set_count(
    cluster: &Cluster,
    workload: &WorkloadName,
    replicas: i32,
) -> Result<(), ScaleError> {
    if cluster.scale(workload).await?.replicas != replicas {
        cluster.set_scale(workload, replicas, None).await?;
    }
    // A count that was raised from another than 0 leaves us as its owner.
    cluster.disown_scale(workload).await
}
