//! A revision that somebody else's helm left behind: its hooks end, and Helm is let go on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure};
use helm::StorageError;
use model::{PlannedStep, ReleaseStatus, SettleRevision};
use serde::{Deserialize, Serialize};

use super::hooks::{Heading, end_hooks};
use super::roll_back::newest;
use crate::Tools;
use crate::standing::PassRecord;

pub(super) struct SettleRevisionStep {
    planned: PlannedStep,
    spec: SettleRevision,
    tools: Arc<Tools>,
}

/// What is written down before the record is marked. The rest of it is that of the ended hooks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettleRecord {
    /// Whether the record was about to be marked failed.
    #[serde(default)]
    marked: bool,
    #[serde(flatten)]
    hooks: PassRecord,
}

impl SettleRevisionStep {
    pub(super) fn new(planned: PlannedStep, spec: SettleRevision, tools: &Arc<Tools>) -> Self {
        Self {
            planned,
            spec,
            tools: Arc::clone(tools),
        }
    }
}

#[async_trait]
impl Step for SettleRevisionStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let SettleRevision {
            revision,
            hook_jobs,
            timeout_seconds,
        } = &self.spec;
        let mut record: SettleRecord = context.recorded()?.unwrap_or_default();
        let limit = Duration::from_secs(*timeout_seconds);
        let waiting = end_hooks(context, hook_jobs, limit, &mut record.hooks, Heading::On);
        let ended = waiting.await?;
        let latest = newest(context, &self.tools).await?;
        if latest.revision != *revision {
            return Err(StepFailure::new(format!(
                "revision {} of {} was written by somebody else since this run began",
                latest.revision,
                context.run().release
            )));
        }
        let mut said: Vec<String> = ended.into_iter().collect();
        if latest.status.is_pending() {
            record.marked = true;
            context.record(&record).await?;
            let why = format!(
                "taken over by run {}: the helm that worked on it is gone",
                context.run().id
            );
            self.tools
                .storage
                .mark_failed(&context.run().release, *revision, &why)
                .await?;
            said.push(format!(
                "revision {revision} was {}, is failed now",
                latest.status.word()
            ));
        } else {
            said.push(format!("revision {revision} is {}", latest.status.word()));
        }
        Ok(Outcome::told(said.join("; ")))
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let record: SettleRecord = context.recorded()?.unwrap_or_default();
        if !record.marked {
            return Ok(Outcome::quiet());
        }
        let revision = self.spec.revision;
        let latest = newest(context, &self.tools).await?;
        if latest.revision != revision || latest.status != ReleaseStatus::Failed {
            return Ok(Outcome::told(format!(
                "revision {} is the newest: what revision {revision} says keeps Helm from nothing",
                latest.revision
            )));
        }
        let release = &context.run().release;
        match self.tools.storage.unmark_failed(release, revision).await {
            Ok(status) => Ok(Outcome::told(format!(
                "revision {revision} is {} again",
                status.word()
            ))),
            // The process died before it was marked, or it was taken back already.
            Err(StorageError::NotMarked { .. }) => Ok(Outcome::quiet()),
            Err(error) => Err(error.into()),
        }
    }
}
