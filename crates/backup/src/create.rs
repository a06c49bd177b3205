//! Making a backup.

use std::time::Duration;

use model::BackupRelease;
use thiserror::Error;

use crate::{Backup, BackupId, Place, Progress, Server, Store};

/// How long pg_dump waits for the lock on a table before it gives up: long enough for ordinary statements, short
/// enough that a backup that waits behind a migration says so while somebody is looking.
pub const LOCK_WAIT: Duration = Duration::from_secs(30);

/// What to back up, and what to write beside it.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// The backup's id, chosen by the caller so that a repeated act can find what an earlier one made.
    pub id: BackupId,
    /// Whose backup.
    pub place: Place,
    /// Why: `before upgrade to 1.2.3`, or what the user said.
    pub reason: String,
    /// Who makes it: run id or `user@host`.
    pub made_by: String,
    /// The release at this time, where known.
    pub release: Option<BackupRelease>,
    /// How long to wait for each table's lock; see [`LOCK_WAIT`].
    pub lock_wait: Duration,
}

/// Why there is no backup. Whatever the reason, nothing that looks like one was left.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateError {}

/// Dumps the database into the store and proves it: exit status, byte count and hash at both ends, archive read to its
/// end. Only then is the manifest published. Holds a few MiB, whatever the size.
///
/// # Errors
/// See [`CreateError`]; what had been written is removed and our sessions are ended.
pub async fn create(
    server: &Server,
    store: &Store,
    request: &CreateRequest,
    progress: Progress<'_>,
) -> Result<Backup, CreateError> {
    todo!()
}
