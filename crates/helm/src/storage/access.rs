//! Reading and, where a run must, writing records.

use cluster::Cluster;
use model::RevisionSummary;

use super::{Driver, StorageError, StoredRelease};

/// The records of one namespace.
#[derive(Debug, Clone)]
pub struct Storage {
    cluster: Cluster,
    namespace: String,
    driver: Driver,
}

impl Storage {
    /// The records of `namespace` with the driver that `HELM_DRIVER` names.
    ///
    /// # Errors
    /// A driver whose records are not in the cluster.
    pub fn open(cluster: &Cluster, namespace: &str) -> Result<Self, StorageError> {
        let word = std::env::var("HELM_DRIVER").unwrap_or_default();
        Ok(Self::with_driver(cluster, namespace, Driver::parse(&word)?))
    }

    /// The records of `namespace` with a given driver.
    pub fn with_driver(cluster: &Cluster, namespace: &str, driver: Driver) -> Self {
        Self {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
            driver,
        }
    }

    /// All revisions, oldest first, by their labels only: no record is transferred.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn history(&self, _release: &str) -> Result<Vec<RevisionSummary>, StorageError> {
        todo!()
    }

    /// The newest revision by number; `None` when the release does not exist.
    ///
    /// # Errors
    /// The API server's refusal, or a record that cannot be decoded.
    pub async fn latest(&self, _release: &str) -> Result<Option<StoredRelease>, StorageError> {
        todo!()
    }

    /// One revision; `None` when there is none of that number.
    ///
    /// # Errors
    /// The API server's refusal, or a record that cannot be decoded.
    pub async fn revision(
        &self,
        _release: &str,
        _revision: u32,
    ) -> Result<Option<StoredRelease>, StorageError> {
        todo!()
    }

    /// Marks a pending revision failed, in its data and its label, so that Helm accepts another operation. Both at once
    /// and only if nobody has written the record since it was read.
    ///
    /// # Errors
    /// No such revision, one that is not pending, or the API server's refusal.
    pub async fn mark_failed(&self, _release: &str, _revision: u32, _why: &str) -> Result<(), StorageError> {
        todo!()
    }

    /// Takes a revision out of the history. Does nothing when it is gone already.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn delete_revision(&self, _release: &str, _revision: u32) -> Result<(), StorageError> {
        todo!()
    }
}
