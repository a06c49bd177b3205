//! The step that puts an older backup in the place of the live database.

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure};
use jiff::Timestamp;
use model::{PlannedStep, RestoreDatabase, RestoreSource};
use serde::{Deserialize, Serialize};

use super::reach;
use crate::Store;
use crate::restore::{RestoreError, RestoreRequest, restore, restore_id, undo_restore};

/// What the journal remembers before the database is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestoreRecord {
    /// The id of the restore, which names the databases it makes.
    restore: String,
}

pub(super) struct RestoreDatabaseStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: RestoreDatabase,
}

#[async_trait]
impl Step for RestoreDatabaseStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let record = match context.recorded::<RestoreRecord>()? {
            Some(record) => record,
            None => RestoreRecord {
                restore: self
                    .spec
                    .id
                    .clone()
                    .unwrap_or_else(|| restore_id(Timestamp::now())),
            },
        };
        let RestoreSource::Backup { store, id } = &self.spec.source else {
            return Err(StepFailure::new("dumps in files are not restored by a run"));
        };
        let backup = Store::open(store)?.find(&id.parse()?).await?;
        let server = reach(context, &self.spec.database, &context.run().id).await?;
        context.record(&record).await?;
        let request = RestoreRequest {
            id: record.restore,
            options: self.spec.options.clone(),
        };
        let progress = |message: &str, share| context.progress(message, share);
        let report = restore(&server, &backup, &request, &progress).await?;
        Ok(Outcome::told(format!(
            "{} restored from {}; what was in use is kept as {}",
            report.database, backup.id, report.kept_as
        )))
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let Some(record) = context.recorded::<RestoreRecord>()? else {
            return Ok(Outcome::told("the database was not touched"));
        };
        let server = reach(context, &self.spec.database, &context.run().id).await?;
        let progress = |message: &str, share| context.progress(message, share);
        match undo_restore(&server, &record.restore, &progress).await {
            Ok(report) => Ok(Outcome::told(format!(
                "{} is what it was before the restore",
                report.database
            ))),
            // The run broke off before the swap, so the live database was never replaced.
            Err(RestoreError::NothingKept { .. }) => Ok(Outcome::told("the database was not replaced")),
            Err(error) => Err(error.into()),
        }
    }
}
