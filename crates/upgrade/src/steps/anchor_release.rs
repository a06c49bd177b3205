//! The release anchor: which revision to turn back to, and the way there.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use model::{AnchorRelease, PlannedStep, StepSpec};

use super::foreign::remember_left;
use super::roll_back::roll_back_to;
use crate::Tools;
use crate::standing::PassRecord;

/// The steps that write revisions.
const KINDS: [StepKind; 3] = [StepKind::HelmPass, StepKind::OpenTraffic, StepKind::HelmRollback];

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

    /// Whether this run has written a revision, or was about to.
    fn wrote(context: &StepContext) -> Result<bool, StepFailure> {
        let mut records = vec![context.recorded::<PassRecord>()?];
        for kind in KINDS {
            records.push(context.recorded_by::<PassRecord>(kind)?);
        }
        Ok(records
            .iter()
            .flatten()
            .any(|record| !record.revisions.is_empty()))
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
        if !Self::wrote(context)? {
            return Ok(Outcome::told("this run wrote no revision"));
        }
        roll_back_to(context, &self.tools, self.spec.revision).await?;
        let mut record: PassRecord = context.recorded()?.unwrap_or_default();
        remember_left(context, &mut record).await?;
        self.forget_gated(context).await?;
        Ok(Outcome::told(format!(
            "revision {} is in force again",
            self.spec.revision
        )))
    }
}
