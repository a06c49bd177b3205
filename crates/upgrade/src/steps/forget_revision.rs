//! Taking gated revisions out of Helm's history.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure};
use model::{ForgetRevision, PlannedStep};

use crate::Tools;
use crate::standing::PassRecord;

/// `helm rollback` without a number goes to the revision before the newest. A gated revision there would park the
/// application, so it goes; the gap in the history is clean on both Helm lines.
pub(super) struct ForgetRevisionStep {
    planned: PlannedStep,
    spec: ForgetRevision,
    tools: Arc<Tools>,
}

impl ForgetRevisionStep {
    pub(super) fn new(planned: PlannedStep, spec: ForgetRevision, tools: &Arc<Tools>) -> Self {
        Self {
            planned,
            spec,
            tools: Arc::clone(tools),
        }
    }
}

#[async_trait]
impl Step for ForgetRevisionStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let release = &context.run().release;
        let gated = context
            .recorded_of::<PassRecord>(&self.spec.pass)?
            .unwrap_or_default()
            .revisions;
        for revision in &gated {
            self.tools.storage.delete_revision(release, *revision).await?;
        }
        let history = self.tools.storage.history(release).await?;
        if let Some(left) = history.iter().find(|entry| gated.contains(&entry.revision)) {
            return Err(StepFailure::new(format!(
                "gated revision {} is still in the history",
                left.revision
            )));
        }
        let words: Vec<String> = gated.iter().map(ToString::to_string).collect();
        Ok(Outcome::told(format!("revision {} taken out", words.join(", "))))
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}
