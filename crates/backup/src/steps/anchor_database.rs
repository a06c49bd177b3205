//! The step that remembers the database before the pass, and puts it back when the run turns back.
//!
//! Whether there is anything to put back is not guessed from schema or counts: a migration may rewrite data and change
//! neither. Postgres gives every transaction that writes a number, on the whole server; a snapshot names the numbers
//! given out and those still at work. Where it reads the same before and after, nobody has written anything in between,
//! and nothing is to be put back. In every other case the backup is restored, also where only autovacuum wrote:
//! restoring without need costs time, not restoring with need costs data.

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use jiff::Timestamp;
use model::{AnchorDatabase, PlannedStep};
use serde::{Deserialize, Serialize};

use crate::ask::ask;
use crate::compare::session;
use crate::restore::{RestoreRequest, restore, restore_id};
use crate::{Server, steps::BackUpRecord};

use super::reach;

/// What the journal remembers of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnchorRecord {
    /// The server.
    system_identifier: Option<String>,
    /// `pg_current_snapshot()` before the pass: `xmin:xmax:at work`.
    snapshot: String,
    /// The id under which the database will be put back, if it is.
    restore: String,
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
        let snapshot = current_snapshot(&server).await?;
        let record = AnchorRecord {
            system_identifier: server.probe.server.system_identifier.clone(),
            snapshot,
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
        let server = reach(context, &self.spec.database, &context.run().id).await?;
        let database = &self.spec.database.database;
        if unchanged(&server, &record).await {
            return Ok(Outcome::told(format!(
                "{database} is as it was: nothing was written since the backup"
            )));
        }
        let Some(made) = context.recorded_by::<BackUpRecord>(StepKind::BackUp)? else {
            return Err(StepFailure::new(format!(
                "{database} may have changed, and this run has no backup of it"
            )));
        };
        let backup = made.backup().await?;
        let request = RestoreRequest {
            id: record.restore,
            foreign: false,
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

/// Whether nobody has written since the anchor. What cannot be told counts as written.
async fn unchanged(server: &Server, record: &AnchorRecord) -> bool {
    let same_server = record.system_identifier == server.probe.server.system_identifier
        && record.system_identifier.is_some();
    same_server
        && current_snapshot(server)
            .await
            .is_ok_and(|snapshot| snapshot == record.snapshot)
}

async fn current_snapshot(server: &Server) -> Result<String, StepFailure> {
    let database = session(&server.connector, &server.location.database).await?;
    let query = "select pg_catalog.pg_current_snapshot()::text";
    let rows = ask(&database, "read which transactions have written", query, &[]).await?;
    let row = rows
        .first()
        .ok_or_else(|| StepFailure::new("the server said nothing of its transactions"))?;
    Ok(row.get(0))
}
