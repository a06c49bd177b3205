//! Which runs there are, and which are kept.

use model::UpgradeOutcome;

use super::{JournalError, JournalStore, RunDocument};

/// One run of a release, for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct RunHead {
    /// The run's id.
    pub run: String,
    /// The release.
    pub release: String,
    /// How it ended; `None` while it runs or after its process died.
    pub outcome: Option<UpgradeOutcome>,
    /// The whole document, or why it cannot be understood.
    pub document: Result<Box<RunDocument>, String>,
}

/// All runs of a release, newest first.
///
/// # Errors
/// The store does not answer.
pub async fn runs(_store: &dyn JournalStore, _release: &str) -> Result<Vec<RunHead>, JournalError> {
    todo!()
}

/// The runs of a release that have not ended for good, newest first: a new run must not begin while there is one.
///
/// # Errors
/// The store does not answer.
pub async fn unfinished(_store: &dyn JournalStore, _release: &str) -> Result<Vec<RunHead>, JournalError> {
    todo!()
}
