//! The step that backs the database up before anything is changed.

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure};
use jiff::Timestamp;
use model::{BackUp, BackupFormat, BackupRelease, PlannedStep};
use serde::{Deserialize, Serialize};

use crate::transfer::size_in_words;
use crate::{Backup, BackupId, CreateRequest, LOCK_WAIT, Packing, Place, Store, StoreError, create};

use super::reach;

/// What the journal knows of a run's backup: written before the backup is begun, so that a later attempt finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackUpRecord {
    /// The backup's id.
    pub id: String,
    /// The text that opens the store: an absolute path or a URL.
    pub store: String,
    /// The machine that made it, whose folder the store is if it is one.
    pub machine: String,
    /// Where the backup is, once it is proven.
    pub uri: Option<String>,
}

impl BackUpRecord {
    /// The backup itself.
    ///
    /// # Errors
    /// When it was never proven, or is not on this machine.
    pub async fn backup(&self, context: &StepContext) -> Result<Backup, StepFailure> {
        let id: BackupId = self.id.parse()?;
        let store = opened(&self.store, context)?;
        store.find(&id).await.map_err(|error| {
            StepFailure::new(format!(
                "the backup of this run, {}, was written to {} on {}: {}",
                self.id,
                self.store,
                self.machine,
                model::causes(&error)
            ))
        })
    }
}

pub(super) struct BackUpStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: BackUp,
}

#[async_trait]
impl Step for BackUpStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let store = opened(&self.spec.store, context)?;
        let earlier: Option<BackUpRecord> = context.recorded()?;
        if let Some(record) = &earlier
            && let Ok(backup) = record.backup(context).await
        {
            return Ok(told(&backup, "kept from before: "));
        }
        let id = BackupId::new(Timestamp::now());
        let server = reach(context, &self.spec.database, id.as_str()).await?;
        let place = Place::observe(Some(context.cluster()), &server).await;
        if let Some(id) = earlier.and_then(|record| record.id.parse().ok()) {
            // It is listed in no case; what cannot be removed only takes room.
            let _ = store.forget_partial(&place, &id).await;
        }
        let mut record = BackUpRecord {
            id: id.to_string(),
            store: store.to_string(),
            machine: machine(),
            uri: None,
        };
        context.record(&record).await?;
        let from = &context.plan().from;
        let request = CreateRequest {
            id,
            place,
            reason: self.spec.reason.clone(),
            made_by: context.run().id.clone(),
            release: Some(BackupRelease {
                name: from.name.clone(),
                revision: from.revision,
                images: Vec::new(),
            }),
            lock_wait: LOCK_WAIT,
            format: BackupFormat::Custom,
            packing: Packing::Best,
        };
        let progress = |message: &str, share| context.progress(message, share);
        let backup = create(&server, &store, &request, &progress).await?;
        record.uri = Some(backup.uri());
        context.record(&record).await?;
        Ok(told(&backup, ""))
    }

    /// A backup is never taken back.
    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

/// The store of a plan; a claim is one of the release's namespace where its text names none.
pub(super) fn opened(text: &str, context: &StepContext) -> Result<Store, StoreError> {
    Ok(Store::open(text)?.within(context.cluster(), &context.run().namespace))
}

fn told(backup: &Backup, before: &str) -> Outcome {
    let bytes = backup.manifest.files.iter().map(|file| file.bytes).sum();
    let rows: i64 = backup.manifest.rows.iter().map(|table| table.rows).sum();
    let rows = if backup.manifest.rows.is_empty() {
        String::new()
    } else {
        format!(", {rows} rows")
    };
    Outcome::told(format!(
        "{before}{} ({}{rows}), proven, at {}",
        backup.id,
        size_in_words(bytes),
        backup.uri()
    ))
}

/// This machine's name, for a person who has to find a folder again.
fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| {
            std::env::var("HOSTNAME")
                .or_else(|_| std::env::var("COMPUTERNAME"))
                .ok()
        })
        .unwrap_or_else(|| "an unnamed machine".into())
}
