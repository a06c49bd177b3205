//! Holding a backup whatever a policy says: `pin.json` beside its manifest.

use std::io;

use jiff::Timestamp;
use model::{API_VERSION, BackupPin};

use crate::store::PIN;
use crate::{Backup, StoreError};

/// Pins a backup; one that is pinned already stays so, with its old reason. Says whether it was not.
///
/// # Errors
/// When the store cannot be written.
pub async fn pin(backup: &Backup, reason: &str, who: &str, now: Timestamp) -> Result<bool, StoreError> {
    if pinned(backup).await?.is_some() {
        return Ok(false);
    }
    let note = BackupPin {
        api_version: API_VERSION.into(),
        kind: "BackupPin".into(),
        id: backup.id.to_string(),
        reason: reason.to_owned(),
        pinned_by: who.to_owned(),
        pinned_at: now.to_string(),
    };
    let text = serde_json::to_vec_pretty(&note)
        .map_err(io::Error::from)
        .map_err(StoreError::io_at("write", backup.file_uri(PIN)))?;
    backup.publish_small(PIN, text).await?;
    Ok(true)
}

/// Lets a backup go that was pinned. Says whether it was.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn unpin(backup: &Backup) -> Result<bool, StoreError> {
    let was = pinned(backup).await?.is_some();
    if was {
        backup.remove_small(PIN).await?;
    }
    Ok(was)
}

/// The pin, where there is one. One that cannot be understood holds, too.
pub(super) async fn pinned(backup: &Backup) -> Result<Option<BackupPin>, StoreError> {
    let text = match backup.read_small(PIN).await {
        Ok(text) => text,
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let understood = serde_json::from_slice(&text);
    Ok(Some(understood.unwrap_or_else(|_| BackupPin {
        api_version: API_VERSION.into(),
        kind: "BackupPin".into(),
        id: backup.id.to_string(),
        reason: format!("{PIN} cannot be understood"),
        pinned_by: String::new(),
        pinned_at: String::new(),
    })))
}
