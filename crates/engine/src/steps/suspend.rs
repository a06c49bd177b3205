//! Holds what would start pods by itself, and lets it go again.

use std::time::Duration;

use async_trait::async_trait;
use model::{PlannedStep, Suspend, SuspendTarget};

use super::held;
use crate::{Outcome, Step, StepContext, StepFailure};

/// How long the pods of DaemonSets that were let go are waited for. Longer is for a person to judge.
const READY_AGAIN: Duration = Duration::from_secs(180);

pub(super) struct SuspendStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: Suspend,
}

#[async_trait]
impl Step for SuspendStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let mut originals: Vec<SuspendTarget> = context.recorded()?.unwrap_or_default();
        for target in &self.spec.targets {
            // What is recorded was read before anybody touched it; the value of now may be our own.
            if !originals.iter().any(|original| original.is_same(target)) {
                originals.push(held::read(context.cluster(), target).await?);
                context.record(&originals).await?;
            }
            context.progress(format!("holding {target}"), None);
            held::hold(context.cluster(), target).await?;
        }
        for target in &self.spec.targets {
            held::heeded(context.cluster(), target).await?;
        }
        Ok(Outcome::quiet())
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let originals: Vec<SuspendTarget> = context.recorded()?.unwrap_or_default();
        let LetGo { gone, theirs } = let_go(context, originals.iter().rev()).await?;
        let here = originals.iter().filter(|one| !gone.contains(&one.to_string()));
        let mut words = not_ready_again(context, here).await;
        if !gone.is_empty() {
            words.push(format!("{} no longer exists", gone.join(", ")));
        }
        if !theirs.is_empty() {
            words.push(format!(
                "{} was resumed by somebody else and stays so",
                theirs.join(", ")
            ));
        }
        Ok(match words.is_empty() {
            true => Outcome::quiet(),
            false => Outcome::warned(words.join("; ")),
        })
    }

    /// CronJobs start again. What has pods, or would raise a count, stays held as the counts stay at 0: which version may
    /// run on the schema as it is now is what the person has to decide.
    async fn let_go(&self, context: &StepContext) -> Result<Option<String>, StepFailure> {
        let originals: Vec<SuspendTarget> = context.recorded()?.unwrap_or_default();
        let (ended, stay): (Vec<SuspendTarget>, Vec<SuspendTarget>) = originals
            .into_iter()
            .partition(|one| matches!(one, SuspendTarget::CronJob { .. }));
        let_go(context, ended.iter()).await?;
        let names = |targets: &[SuspendTarget]| {
            targets
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut words = Vec::new();
        if !ended.is_empty() {
            words.push(format!("the hold on {} is ended", names(&ended)));
        }
        if !stay.is_empty() {
            words.push(format!("{} stays held", names(&stay)));
        }
        Ok((!words.is_empty()).then(|| words.join(", ")))
    }
}

/// Waits until the pods of DaemonSets are back; tells of those that are late.
pub(super) async fn not_ready_again(
    context: &StepContext,
    targets: impl Iterator<Item = &SuspendTarget>,
) -> Vec<String> {
    let mut late = Vec::new();
    for workload in targets.filter_map(SuspendTarget::ends_pods_of) {
        let cluster = context.cluster();
        context.progress(format!("waiting for the pods of {workload}"), None);
        if let Err(error) = cluster.wait_rolled_out(&workload, READY_AGAIN, |_| ()).await {
            late.push(model::causes(&error));
        }
    }
    late
}

/// What could not be given back.
#[derive(Default)]
pub(super) struct LetGo {
    /// What is there no longer.
    pub(super) gone: Vec<String>,
    /// What was held before and was let go by somebody else.
    pub(super) theirs: Vec<String>,
}

/// Writes the original values back where the hold is still ours: what is held no more was let go by somebody else.
pub(super) async fn let_go(
    context: &StepContext,
    originals: impl Iterator<Item = &SuspendTarget> + Send,
) -> Result<LetGo, StepFailure> {
    let mut ended = LetGo::default();
    for original in originals {
        let now = match held::read(context.cluster(), original).await {
            Ok(now) => now,
            Err(error) if error.is_not_found() => {
                ended.gone.push(original.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if now.is_held() {
            held::give_back(context.cluster(), original).await?;
        } else if original.is_held() {
            ended.theirs.push(original.to_string());
        }
    }
    Ok(ended)
}
