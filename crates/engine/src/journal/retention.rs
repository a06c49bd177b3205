//! Which runs there are, and which are kept.

use std::collections::BTreeSet;

use model::UpgradeOutcome;

use super::{JournalError, JournalStore, RunDocument, StoreError, StoredHead, ask, is_final};

/// How many heads of finished runs of a release stay for `history` and `rollback`.
const KEPT_HEADS: usize = 10;

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

impl RunHead {
    /// Whether the run has ended for good.
    pub fn is_final(&self) -> bool {
        self.outcome.is_some_and(is_final)
    }
}

impl From<StoredHead> for RunHead {
    fn from(head: StoredHead) -> Self {
        let document = RunDocument::parse(&head.labels.run, &head.text);
        Self {
            outcome: match &document {
                Ok(document) => document.outcome,
                // The label is all there is to go by.
                Err(_) => head.labels.outcome,
            },
            document: document.map(Box::new).map_err(|error| model::causes(&error)),
            run: head.labels.run,
            release: head.labels.release,
        }
    }
}

/// All runs of a release, newest first.
///
/// # Errors
/// The store does not answer.
pub async fn runs(store: &dyn JournalStore, release: &str) -> Result<Vec<RunHead>, JournalError> {
    let heads = ask("the list of runs", store.list_heads(Some(release)))
        .await
        .map_err(|source| JournalError::Store {
            run: format!("any of {release}"),
            source,
        })?;
    let mut runs: Vec<RunHead> = heads.into_iter().map(RunHead::from).collect();
    // Ids begin with the time of the run.
    runs.sort_by(|a, b| b.run.cmp(&a.run));
    Ok(runs)
}

/// The runs of a release that have not ended for good, newest first: a new run must not begin while there is one.
///
/// # Errors
/// The store does not answer.
pub async fn unfinished(store: &dyn JournalStore, release: &str) -> Result<Vec<RunHead>, JournalError> {
    let mut runs = runs(store, release).await?;
    runs.retain(|run| !run.is_final());
    Ok(runs)
}

/// Removes the parts of all runs of a release that cannot be taken up again, and all heads but the newest finished
/// ones. Only for the holder of the lease: nobody else may be beginning a run.
pub(crate) async fn tidy(store: &dyn JournalStore, release: &str) -> Result<(), StoreError> {
    let mut heads: Vec<RunHead> = ask("the list of runs", store.list_heads(Some(release)))
        .await?
        .into_iter()
        .map(RunHead::from)
        .collect();
    heads.sort_by(|a, b| b.run.cmp(&a.run));
    let (finished, unfinished): (Vec<RunHead>, Vec<RunHead>) = heads.into_iter().partition(RunHead::is_final);
    let in_use: BTreeSet<&str> = unfinished.iter().map(|head| head.run.as_str()).collect();
    for run in ask("the list of parts", store.runs_with_pieces(release)).await? {
        if !in_use.contains(run.as_str()) {
            ask(&run, store.delete_pieces(release, &run)).await?;
        }
    }
    for head in finished.iter().skip(KEPT_HEADS) {
        ask(&head.run, store.delete_head(release, &head.run)).await?;
    }
    Ok(())
}
