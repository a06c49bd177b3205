//! A try at a backup, what is taken away again where it fails, and the one failure that is worth a second try.

use super::{Beside, CreateError, CreateRequest, Prepared, fill};
use crate::artefacts::forget_artefacts;
use crate::store::Draft;
use crate::{Backup, BackupId, Progress, Server, Store, StoreError, end_own_sessions};

/// A try that made no backup.
struct Failure {
    error: Box<CreateError>,
    /// Whether all that was written and taken is gone again.
    nothing_left: bool,
}

impl Failure {
    fn is_worth_another(&self) -> bool {
        self.nothing_left && matches!(*self.error, CreateError::Silent { .. })
    }
}

/// Makes the backup. Where the transport ended without a word and nothing of the try is left, once more from the
/// beginning: the second failure is final.
///
/// # Errors
/// See [`CreateError`]; what had been written is removed and our sessions are ended.
pub(super) async fn attempt(
    server: &Server,
    store: &Store,
    request: &CreateRequest,
    beside: &Beside,
    prepared: &Prepared,
    progress: Progress<'_>,
) -> Result<Backup, CreateError> {
    let tried = || Box::pin(once(server, store, request, beside, prepared, progress));
    match tried().await {
        Ok(backup) => return Ok(backup),
        Err(failure) if failure.is_worth_another() => {
            let words = format!(
                "{}; nothing of it was kept, and this is the second try, which is the last",
                failure.error
            );
            progress(&words, None);
        }
        Err(failure) => return Err(*failure.error),
    }
    tried().await.map_err(|failure| *failure.error)
}

async fn once(
    server: &Server,
    store: &Store,
    request: &CreateRequest,
    beside: &Beside,
    prepared: &Prepared,
    progress: Progress<'_>,
) -> Result<Backup, Failure> {
    // What fails before and after the dump is not tried again.
    let failed = |error: StoreError| Failure {
        error: Box::new(error.into()),
        nothing_left: false,
    };
    let draft = store.draft(&request.place, &request.id).await.map_err(failed)?;
    let manifest = match fill(server, &draft, request, beside, prepared, progress).await {
        Ok(manifest) => manifest,
        Err(error) => {
            end_own_sessions(server).await;
            let is_forgotten = forget(beside, &request.id, progress).await;
            let nothing_left = discard(draft, progress).await && is_forgotten;
            return Err(Failure {
                error: Box::new(error),
                nothing_left,
            });
        }
    };
    match draft.publish(manifest).await {
        Ok(backup) => Ok(backup),
        // A manifest that lies there already may name the snapshots.
        Err(error @ StoreError::Taken(_)) => Err(failed(error)),
        Err(error) => {
            forget(beside, &request.id, progress).await;
            Err(failed(error))
        }
    }
}

/// Removes what was written, and tells where that cannot be done. Says whether it is gone.
async fn discard(draft: Draft, progress: Progress<'_>) -> bool {
    let Err(left) = draft.discard().await else {
        return true;
    };
    progress(
        &format!(
            "what was written is no backup, but could not be removed: {}",
            model::causes(&left)
        ),
        None,
    );
    false
}

/// Takes away what was taken outside of the store, and tells what could not be. Says whether all of it is gone.
async fn forget(beside: &Beside, id: &BackupId, progress: Progress<'_>) -> bool {
    let Some(wanted) = &beside.artefacts else {
        return true;
    };
    let left = forget_artefacts(wanted, id).await;
    for words in &left {
        progress(words, None);
    }
    left.is_empty()
}
