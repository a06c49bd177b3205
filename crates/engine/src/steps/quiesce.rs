//! Takes writers to 0 and gives them their exact counts back.

use std::time::Duration;

use async_trait::async_trait;
use cluster::{Cluster, ScaleError};
use model::{PlannedStep, Quiesce, Workload, WorkloadName};
use serde::{Deserialize, Serialize};

use super::counts_left::{Give, LeftBy, give};
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
        let mut originals: Vec<OriginalCount> = context.recorded()?.unwrap_or_default();
        let left = LeftBy::read(context)?;
        let mut others = Vec::new();
        for original in originals.iter_mut().rev() {
            match give_back(context, original, &left).await? {
                Some(Give::Ours(_) | Give::Nothing) => {}
                None => {
                    others.push(format!("{} no longer exists", original.workload));
                    original.replicas = 0;
                }
                Some(Give::Theirs(count)) => {
                    others.push(format!(
                        "{} was given {count} by somebody else, which stays (it had {})",
                        original.workload, original.replicas
                    ));
                    original.replicas = count;
                }
            }
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
        let counts = match others.is_empty() {
            true => "all counts are as before".to_owned(),
            false => others.join("; "),
        };
        Ok(match late.is_empty() {
            true if others.is_empty() => Outcome::told(counts),
            true => Outcome::warned(counts),
            false => Outcome::warned(format!("{counts}, but {}", late.join("; "))),
        })
    }

    /// Changes nothing: which version may run on the schema as it is now is what the person has to decide. Says what
    /// still stands.
    async fn let_go(&self, context: &StepContext) -> Result<Option<String>, StepFailure> {
        let originals: Vec<OriginalCount> = context.recorded()?.unwrap_or_default();
        let mut standing = Vec::new();
        for OriginalCount { workload, replicas } in &originals {
            let found = context.cluster().workload(workload).await?;
            if *replicas > 0 && found.is_some_and(|found| found.desired == Some(0)) {
                standing.push(format!("{workload} stays at 0 (it had {replicas})"));
            }
        }
        Ok((!standing.is_empty()).then(|| standing.join(", ")))
    }
}

/// Gives a workload its count back, unless somebody else has given it another since this run took it down. `None` where
/// the workload is gone.
async fn give_back(
    context: &StepContext,
    original: &OriginalCount,
    left: &LeftBy,
) -> Result<Option<Give>, StepFailure> {
    let OriginalCount { workload, replicas } = original;
    let cluster = context.cluster();
    let mut tries = 0;
    loop {
        let scale = match cluster.scale(workload).await {
            Ok(scale) => scale,
            Err(ScaleError::Api(error)) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let decided = give(*replicas, scale.replicas, left.of(workload));
        let wanted = match decided {
            Give::Ours(count) | Give::Theirs(count) => count,
            Give::Nothing => scale.replicas,
        };
        if wanted != scale.replicas {
            context.progress(format!("giving {workload} its {wanted} back"), None);
            tries += 1;
            let version = Some(scale.resource_version.as_str());
            match cluster.set_scale(workload, wanted, version).await {
                Ok(_) => {}
                Err(ScaleError::Changed { .. }) if tries < TRIES => continue,
                Err(error) => return Err(error.into()),
            }
        }
        // A count that was raised from another than 0 leaves us as its owner.
        cluster.disown_scale(workload).await?;
        return Ok(Some(decided));
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
