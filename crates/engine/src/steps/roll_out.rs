//! Waits until every workload runs its newest template with all pods ready.

use std::time::Duration;

use async_trait::async_trait;
use cluster::WaitError;
use model::{PlannedStep, RollOut, Workload};
use tokio::time::Instant;

use super::trouble::{first_trouble, has_crashed};
use super::wait::interruptible;
use crate::{Outcome, Step, StepContext, StepFailure};

pub(super) struct RollOutStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: RollOut,
}

#[async_trait]
impl Step for RollOutStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        interruptible(context, self.wait(context)).await?;
        interruptible(context, self.stay(context)).await?;
        Ok(Outcome::told("all pods are ready"))
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

/// How long the pods are watched after they were ready. A container without a readiness probe is ready as soon as it
/// runs, also one that crashes on its first line; a crash that takes longer is for the post-check and the application's
/// own probes.
const STEADY: Duration = Duration::from_secs(5);

impl RollOutStep {
    /// Fails when a pod crashes although it was ready a moment ago.
    async fn stay(&self, context: &StepContext) -> Result<(), StepFailure> {
        let looks = self.spec.workloads.iter().map(|name| async move {
            let Some(workload) = context.cluster().workload(name).await? else {
                return Ok(());
            };
            let namespace = &name.namespace;
            let crashed = context
                .cluster()
                .wait_pod(namespace, &workload.selector, STEADY, has_crashed)
                .await;
            match crashed {
                // Nothing happened: that is what is hoped for.
                Err(WaitError::TimedOut { .. }) => Ok(()),
                Err(error) => Err(error.into()),
                Ok(_) => {
                    let trouble = first_trouble(context.cluster(), name).await;
                    let trouble = trouble.unwrap_or_else(|| "a container crashed".into());
                    Err(StepFailure::new(format!(
                        "{name} was ready and then was not: {trouble}"
                    )))
                }
            }
        });
        futures::future::try_join_all(looks).await.map(drop)
    }

    async fn wait(&self, context: &StepContext) -> Result<(), StepFailure> {
        let deadline = Instant::now() + Duration::from_secs(self.spec.timeout_seconds);
        for name in &self.spec.workloads {
            let tell = |workload: &Workload| {
                let wanted = workload.desired.unwrap_or_default();
                context.progress(
                    format!("{name}: {} of {wanted} pods are ready", workload.ready),
                    None,
                );
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if let Err(error) = context.cluster().wait_rolled_out(name, left, tell).await {
                let error = model::causes(&error);
                return Err(StepFailure::new(
                    match first_trouble(context.cluster(), name).await {
                        Some(trouble) => format!("{error}; {trouble}"),
                        None => error,
                    },
                ));
            }
        }
        Ok(())
    }
}
