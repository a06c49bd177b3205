//! Where leases lie.

use async_trait::async_trait;
use model::LeaseFacts;

use crate::journal::StoreError;

/// A lease as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRecord {
    /// `holderIdentity`.
    pub holder: String,
    /// `renewTime` by the holder's clock (RFC 3339). Only compared with itself and used to refuse early.
    pub renewed: Option<String>,
    /// `leaseDurationSeconds`.
    pub duration_seconds: u64,
    /// The version to name when replacing it; changes with every renewal.
    pub version: String,
}

impl From<LeaseRecord> for LeaseFacts {
    fn from(record: LeaseRecord) -> Self {
        Self {
            holder: record.holder,
            renewed: record.renewed,
        }
    }
}

/// A place for leases: the cluster, or memory for tests.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// The release's lease, if there is one.
    async fn read(&self, release: &str) -> Result<Option<LeaseRecord>, StoreError>;

    /// Writes the lease with the time of day as its renewal: a new one where `version` is `None`, else the one that
    /// still has this version. Returns the new version; [`StoreError::Conflict`] if somebody was faster.
    async fn write(
        &self,
        release: &str,
        holder: &str,
        duration_seconds: u64,
        version: Option<&str>,
    ) -> Result<String, StoreError>;

    /// Removes the lease if it still has this version; no error if it is gone.
    async fn delete(&self, release: &str, version: &str) -> Result<(), StoreError>;
}
