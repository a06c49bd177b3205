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
        let gone = let_go(context, originals.iter().rev()).await?;
        Ok(match gone.is_empty() {
            true => Outcome::quiet(),
            false => Outcome::warned(format!("{} no longer exists", gone.join(", "))),
        })
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

/// Writes the original values back and returns what is there no longer.
pub(super) async fn let_go(
    context: &StepContext,
    originals: impl Iterator<Item = &SuspendTarget> + Send,
) -> Result<Vec<String>, StepFailure> {
    let mut gone = Vec::new();
    for SuspendTarget::CronJob {
        namespace,
        name,
        original,
    } in originals
    {
        match context.cluster().set_suspend(namespace, name, *original).await {
            Ok(()) => {}
            Err(error) if error.is_not_found() => gone.push(format!("cronjob/{name}")),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(gone)
}
