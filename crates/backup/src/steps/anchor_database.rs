//! The step that remembers the database before the pass, and puts it back when the run turns back.

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use jiff::Timestamp;
use model::{AnchorDatabase, PlannedStep, RestoreOptions};
use serde::{Deserialize, Serialize};

use crate::restore::{RestoreRequest, restore, restore_id};
use crate::{Anchor, steps::BackUpRecord};

use super::reach;

/// What the journal remembers of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnchorRecord {
    /// The moment before the pass.
    anchor: Anchor,
    /// The id under which the database will be put back, if it is.
    restore: String,
}

/// The part of a pass's record that says whether helm was ever started.
#[derive(Debug, Default, Deserialize)]
struct Pass {
    revisions: Vec<u32>,
}

pub(super) struct AnchorDatabaseStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: AnchorDatabase,
}

#[async_trait]
impl Step for AnchorDatabaseStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        if context.recorded::<AnchorRecord>()?.is_some() {
            // The older anchor reaches further back, so it can only lead to a restore that is not needed.
            return Ok(Outcome::quiet());
        }
        let server = reach(context, &self.spec.database, &context.run().id).await?;
        let record = AnchorRecord {
            anchor: Anchor::take(&server).await?,
            restore: restore_id(Timestamp::now()),
        };
        context.record(&record).await?;
        Ok(Outcome::quiet())
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let Some(record) = context.recorded::<AnchorRecord>()? else {
            return Ok(Outcome::told(
                "the database was not touched: the pass had not begun",
            ));
        };
        let database = &self.spec.database.database;
        let pass: Pass = context.recorded_by(StepKind::HelmPass)?.unwrap_or_default();
        if pass.revisions.is_empty() {
            // Whatever was written since was not written by this run, and is somebody's.
            return Ok(Outcome::told(format!(
                "{database} was left as it is: the pass had not begun"
            )));
        }
        let server = reach(context, &self.spec.database, &context.run().id).await?;
        if record.anchor.holds(&server).await {
            return Ok(Outcome::told(format!(
                "{database} is as it was: nothing was written since the backup"
            )));
        }
        let Some(made) = context.recorded_by::<BackUpRecord>(StepKind::BackUp)? else {
            return Err(StepFailure::new(format!(
                "{database} may have changed, and this run has no backup of it"
            )));
        };
        let backup = made.backup(context).await?;
        let request = RestoreRequest {
            id: record.restore,
            // It is what was in use before; the image that ran on it comes back with it.
            options: RestoreOptions {
                older_image: true,
                ..RestoreOptions::default()
            },
        };
        let progress = |message: &str, share| context.progress(message, share);
        let report = restore(&server, &backup, &request, &progress).await?;
        Ok(Outcome::told(format!(
            "{database} was restored from {} ({}); what was in use is kept as {}",
            backup.id,
            if report.done_before {
                "done before".to_owned()
            } else {
                report.compared.join(", ")
            },
            report.kept_as
        )))
    }
}
