//! Holds what would start pods by itself, and lets it go again.

use async_trait::async_trait;
use model::{PlannedStep, Suspend, SuspendTarget};

use crate::{Outcome, Step, StepContext, StepFailure};

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
            let SuspendTarget::CronJob { namespace, name, .. } = target;
            // What is recorded was read before anybody touched it; the value of now may be our own.
            if !originals.iter().any(|original| same_object(original, target)) {
                let original = context.cluster().suspend(namespace, name).await?;
                originals.push(SuspendTarget::CronJob {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    original,
                });
                context.record(&originals).await?;
            }
            context.progress(format!("suspending cronjob/{name}"), None);
            context.cluster().set_suspend(namespace, name, Some(true)).await?;
        }
        Ok(Outcome::quiet())
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let originals: Vec<SuspendTarget> = context.recorded()?.unwrap_or_default();
        let LetGo { gone, theirs } = let_go(context, originals.iter().rev()).await?;
        let mut words = Vec::new();
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

    async fn let_go(&self, context: &StepContext) -> Result<Option<String>, StepFailure> {
        let originals: Vec<SuspendTarget> = context.recorded()?.unwrap_or_default();
        if originals.is_empty() {
            return Ok(None);
        }
        let_go(context, originals.iter()).await?;
        let names: Vec<String> = originals
            .iter()
            .map(|SuspendTarget::CronJob { name, .. }| format!("cronjob/{name}"))
            .collect();
        Ok(Some(format!("the hold on {} is ended", names.join(", "))))
    }
}

pub(super) fn same_object(a: &SuspendTarget, b: &SuspendTarget) -> bool {
    let SuspendTarget::CronJob {
        namespace: namespace_a,
        name: name_a,
        ..
    } = a;
    let SuspendTarget::CronJob {
        namespace: namespace_b,
        name: name_b,
        ..
    } = b;
    (namespace_a, name_a) == (namespace_b, name_b)
}

/// What could not be given back.
#[derive(Default)]
pub(super) struct LetGo {
    /// What is there no longer.
    pub(super) gone: Vec<String>,
    /// What was suspended before and was resumed by somebody else.
    pub(super) theirs: Vec<String>,
}

/// Writes the original values back where the hold is still ours: a CronJob that runs again was let go by somebody else.
pub(super) async fn let_go(
    context: &StepContext,
    originals: impl Iterator<Item = &SuspendTarget> + Send,
) -> Result<LetGo, StepFailure> {
    let mut ended = LetGo::default();
    for SuspendTarget::CronJob {
        namespace,
        name,
        original,
    } in originals
    {
        let now = match context.cluster().suspend(namespace, name).await {
            Ok(now) => now,
            Err(error) if error.is_not_found() => {
                ended.gone.push(format!("cronjob/{name}"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if now == Some(true) {
            context.cluster().set_suspend(namespace, name, *original).await?;
        } else if *original == Some(true) {
            ended.theirs.push(format!("cronjob/{name}"));
        }
    }
    Ok(ended)
}
