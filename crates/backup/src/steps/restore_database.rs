//! The step that puts an older backup, or a dump, in the place of the live database.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure};
use jiff::Timestamp;
use model::{PlannedStep, RestoreDatabase, RestoreSource};
use serde::{Deserialize, Serialize};

use super::back_up::opened;
use super::reach;
use crate::restore::{RestoreError, RestoreReport, RestoreRequest, restore, restore_id, undo_restore};
use crate::seal::Identities;
use crate::{Abandoned, ForeignDump, Server, abandon_restore};

/// What the journal remembers of a restore: its id before the database is touched, its report afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreRecord {
    /// The id of the restore, which names the databases it makes.
    pub restore: String,
    /// What it did, once it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<RestoreReport>,
}

pub(super) struct RestoreDatabaseStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: RestoreDatabase,
    /// What opens an encrypted dump.
    pub(super) identities: Option<Arc<Identities>>,
}

impl RestoreDatabaseStep {
    async fn fill(
        &self,
        server: &Server,
        request: &RestoreRequest,
        context: &StepContext,
    ) -> Result<RestoreReport, StepFailure> {
        let progress = |message: &str, share| context.progress(message, share);
        let identities = self.identities.clone();
        match &self.spec.source {
            RestoreSource::Backup { store, id } => {
                let backup = opened(store, context)?.find(&id.parse()?).await?;
                let backup = backup.opened(identities).await?;
                Ok(restore(server, &backup, request, &progress).await?)
            }
            RestoreSource::File { path } => {
                let dump = ForeignDump::open(Path::new(path), identities).await?;
                Ok(restore(server, &dump, request, &progress).await?)
            }
        }
    }
}

#[async_trait]
impl Step for RestoreDatabaseStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let mut record = match context.recorded::<RestoreRecord>()? {
            Some(record) => record,
            None => RestoreRecord {
                restore: self
                    .spec
                    .id
                    .clone()
                    .unwrap_or_else(|| restore_id(Timestamp::now())),
                report: None,
            },
        };
        let server = reach(context, &self.spec.database, &context.run().id).await?;
        context.record(&record).await?;
        let request = RestoreRequest {
            id: record.restore.clone(),
            options: self.spec.options.clone(),
        };
        let report = self.fill(&server, &request, context).await?;
        let told = format!(
            "{} restored from {}; what was in use is kept as {}",
            report.database,
            self.spec.source.words(),
            report.kept_as
        );
        record.report = Some(report);
        context.record(&record).await?;
        Ok(Outcome::told(told))
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
            // The run broke off before the swap, so the live database was never replaced; what was filled goes.
            Err(RestoreError::NothingKept { .. }) => match abandon_restore(&server, &record.restore).await? {
                Abandoned::Nothing => Ok(Outcome::told("the database was not replaced")),
                Abandoned::Swapped => Err(StepFailure::new("the swap was done while it was looked for")),
            },
            Err(error) => Err(error.into()),
        }
    }
}
