//! Where journals lie.

use std::time::Duration;

use async_trait::async_trait;
use model::UpgradeOutcome;

/// Why a store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The object has changed since it was read, or exists already.
    #[error("{object} has been changed by somebody else")]
    Conflict {
        /// Which object.
        object: String,
    },
    /// The store does not answer for now; the same call may succeed later.
    #[error("the API server does not answer for {object}: {reason}")]
    Unavailable {
        /// Which object.
        object: String,
        /// The transport's words.
        reason: String,
    },
    /// The store refuses.
    #[error("the API server refuses {object}: {reason}")]
    Refused {
        /// Which object.
        object: String,
        /// Its words.
        reason: String,
    },
}

/// What a head's labels say, so that runs can be listed without reading them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadLabels {
    /// The release.
    pub release: String,
    /// The run.
    pub run: String,
    /// The outcome, once there is one.
    pub outcome: Option<UpgradeOutcome>,
}

/// A head as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHead {
    /// Its labels.
    pub labels: HeadLabels,
    /// Its document's text.
    pub text: Vec<u8>,
    /// The version to name when replacing it.
    pub version: String,
}

/// A place for journals: the cluster, or memory for tests.
///
/// A call that returns `Ok` has been stored for good. One that returns [`StoreError::Unavailable`] may or may not have.
#[async_trait]
pub trait JournalStore: Send + Sync {
    /// Makes the head of a new run and returns its version. [`StoreError::Conflict`] if it exists.
    async fn create_head(&self, labels: &HeadLabels, text: &[u8]) -> Result<String, StoreError>;

    /// Replaces a head if it still has `version`, and returns the new one.
    async fn replace_head(
        &self,
        labels: &HeadLabels,
        text: &[u8],
        version: &str,
    ) -> Result<String, StoreError>;

    /// A run's head, if there is one.
    async fn read_head(&self, release: &str, run: &str) -> Result<Option<StoredHead>, StoreError>;

    /// All heads of a release, or of all releases of the namespace, in no order.
    async fn list_heads(&self, release: Option<&str>) -> Result<Vec<StoredHead>, StoreError>;

    /// Removes a head; no error if it is gone.
    async fn delete_head(&self, release: &str, run: &str) -> Result<(), StoreError>;

    /// Stores one piece of a part, replacing an earlier try.
    async fn put_piece(
        &self,
        release: &str,
        run: &str,
        part: &str,
        index: usize,
        bytes: &[u8],
    ) -> Result<(), StoreError>;

    /// One piece of a part, if it is there.
    async fn get_piece(
        &self,
        release: &str,
        run: &str,
        part: &str,
        index: usize,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// The runs of a release that have pieces.
    async fn runs_with_pieces(&self, release: &str) -> Result<Vec<String>, StoreError>;

    /// Removes all pieces of a run.
    async fn delete_pieces(&self, release: &str, run: &str) -> Result<(), StoreError>;
}

/// How long one request to a store may take before it counts as unanswered: an API server that answers at all does so
/// within a second, a dropped connection never does.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// One request to a store, bounded in time.
pub(crate) async fn ask<T>(
    object: &str,
    request: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER_TIMEOUT, request).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Unavailable {
            object: object.to_owned(),
            reason: format!("no answer within {} s", ANSWER_TIMEOUT.as_secs()),
        }),
    }
}
