//! Which backups stay and which go.

use serde::{Deserialize, Serialize};

use crate::NextStep;

/// `pin.json` beside the manifest: the backup stays until it is unpinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupPin {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `BackupPin`.
    pub kind: String,
    /// The backup's id.
    pub id: String,
    /// Why; may be empty.
    pub reason: String,
    /// Who: `user@host`.
    pub pinned_by: String,
    /// When (RFC 3339, UTC).
    pub pinned_at: String,
}

/// What `pin` and `unpin` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PinReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `PinReport`.
    pub kind: String,
    /// The backup's id.
    pub id: String,
    /// Whether it is pinned now.
    pub pinned: bool,
    /// Whether that was different before.
    pub changed: bool,
}

/// What became of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PruneOutcome {
    /// It stays.
    Kept,
    /// It would go.
    WouldBeRemoved,
    /// It is gone.
    Removed,
    /// It was to go, and the store did not let go of it.
    NotRemoved,
}

/// One backup, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrunedBackup {
    /// Its id.
    pub id: String,
    /// Its place.
    pub uri: String,
    /// The database's name.
    pub database: String,
    /// Namespace of the database.
    pub namespace: String,
    /// The server's workload name or system identifier.
    pub server: String,
    /// The moment of the data in it (RFC 3339, UTC).
    pub started_at: String,
    /// Age of that moment in seconds at the time of looking.
    pub age_seconds: i64,
    /// Its size in bytes.
    pub bytes: u64,
    /// What became of it.
    pub outcome: PruneOutcome,
    /// Why, in words.
    pub reasons: Vec<String>,
}

/// What an attempt or a removal left, which is no backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrunedRemnant {
    /// Its id.
    pub id: String,
    /// Its place.
    pub uri: String,
    /// What became of it.
    pub outcome: PruneOutcome,
    /// Why, in words.
    pub reason: String,
}

/// What `prune` did or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `PruneReport`.
    pub kind: String,
    /// The store.
    pub store: String,
    /// Whether nothing was removed because nobody said so.
    pub dry_run: bool,
    /// Every backup that was looked at, by database and newest first.
    pub backups: Vec<PrunedBackup>,
    /// What is no backup.
    pub remnants: Vec<PrunedRemnant>,
    /// Bytes of the backups that are gone or would go.
    pub freed_bytes: u64,
    /// What to type next.
    pub next: Vec<NextStep>,
}

/// A file that went to or came from a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileCopyReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `FileCopy`.
    pub kind: String,
    /// From where.
    pub from: String,
    /// To where.
    pub to: String,
    /// Its size at both ends.
    pub bytes: u64,
    /// sha256 at this end, lower-case hex.
    pub sha256: String,
    /// What was compared at both ends beside the size: `sha256`, `cksum`, or `bytes` where that was all.
    pub proof: String,
    /// How much of it an earlier attempt had brought, in bytes.
    pub resumed_bytes: u64,
    /// What else is worth knowing, in sentences.
    pub notes: Vec<String>,
}
