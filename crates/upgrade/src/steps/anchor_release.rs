//! The release anchor: which revision to turn back to, and the way there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use helm::RollbackRequest;
use model::{AnchorRelease, PlannedStep, ReleaseStatus, StepSpec};
use serde::{Deserialize, Serialize};

use super::run_helm::{expect_success, follow};
use crate::Tools;
use crate::standing::PassRecord;

/// helm's `--timeout` for a rollback. Hooks are left out, so helm only sends objects.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(300);

/// What is recorded before helm rolls back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RollbackRecord {
    /// The revision that the rollback writes.
    writing: u32,
}

pub(super) struct AnchorReleaseStep {
    planned: PlannedStep,
    spec: AnchorRelease,
    tools: Arc<Tools>,
}

impl AnchorReleaseStep {
    pub(super) fn new(planned: PlannedStep, spec: AnchorRelease, tools: &Arc<Tools>) -> Self {
        Self {
            planned,
            spec,
            tools: Arc::clone(tools),
        }
    }

    /// Whether the anchor itself, or our rollback to it, is the newest revision and deployed.
    async fn is_back(&self, context: &StepContext) -> Result<Result<(), u32>, StepFailure> {
        let release = &context.run().release;
        let latest = self
            .tools
            .storage
            .latest(release)
            .await?
            .ok_or_else(|| gone(release))?
            .release;
        let ours = context.recorded::<RollbackRecord>()?.map(|record| record.writing);
        let back = latest.revision == self.spec.revision || ours == Some(latest.revision);
        if back && latest.status == ReleaseStatus::Deployed {
            Ok(Ok(()))
        } else {
            Ok(Err(latest.revision))
        }
    }

    /// Takes the revisions that only a gate made sense of out of the history.
    async fn forget_gated(&self, context: &StepContext) -> Result<(), StepFailure> {
        let gated = context
            .plan()
            .steps
            .iter()
            .any(|step| matches!(step.spec, StepSpec::ForgetRevision(_)));
        if !gated {
            return Ok(());
        }
        for revision in context
            .recorded_by::<PassRecord>(StepKind::HelmPass)?
            .unwrap_or_default()
            .revisions
        {
            self.tools
                .storage
                .delete_revision(&context.run().release, revision)
                .await?;
        }
        Ok(())
    }
}

fn gone(release: &str) -> StepFailure {
    StepFailure::new(format!("release {release} is gone from helm's records"))
}

#[async_trait]
impl Step for AnchorReleaseStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let release = &context.run().release;
        self.tools
            .storage
            .revision(release, self.spec.revision)
            .await?
            .ok_or_else(|| {
                StepFailure::new(format!(
                    "revision {} of {release} is gone from helm's records",
                    self.spec.revision
                ))
            })?;
        Ok(Outcome::told(format!("revision {}", self.spec.revision)))
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        if let Err(latest) = self.is_back(context).await? {
            context.record(&RollbackRecord { writing: latest + 1 }).await?;
            let run = context.run();
            let running = self
                .tools
                .helm
                .rollback(RollbackRequest {
                    release: &run.release,
                    namespace: &run.namespace,
                    revision: self.spec.revision,
                    flags: &context.plan().helm_flags,
                    force_conflicts: false,
                    timeout: ROLLBACK_TIMEOUT,
                })
                .await?;
            expect_success("rollback", &follow(context, running).await?)?;
            if let Err(latest) = self.is_back(context).await? {
                return Err(StepFailure::new(format!(
                    "helm said it rolled back, but revision {latest} is not deployed"
                )));
            }
        }
        self.forget_gated(context).await?;
        Ok(Outcome::told(format!(
            "revision {} is in force again",
            self.spec.revision
        )))
    }
}
