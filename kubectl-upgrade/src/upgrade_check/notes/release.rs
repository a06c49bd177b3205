//! What runs: the release's versions, and what its chart says.

use checks::ObserveError;
use helm::{Storage, StorageError, StoredRelease};
use model::ReleaseStatus;
use thiserror::Error;

use crate::session::Session;

/// What runs.
pub(super) struct Running {
    pub(super) stored: StoredRelease,
    /// The images that run; empty where they cannot be seen, since they only help to find the profile.
    pub(super) images: Vec<String>,
}

/// Why it is not known what runs.
#[derive(Debug, Error)]
pub(super) enum ReleaseError {
    #[error("failed to read what runs; with --running VERSION no cluster is asked")]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Unknown(ObserveError),
}

/// Reads the revision that is in force, else the newest one: an upgrade that failed may stand after it.
pub(super) async fn running(session: &Session, release: &str) -> Result<Running, ReleaseError> {
    let storage = Storage::open(&session.cluster, &session.namespace)?;
    let (history, workloads) = tokio::join!(
        storage.history(release),
        session.cluster.workloads_of_release(&session.namespace, release),
    );
    let history = history?;
    let in_force = history
        .iter()
        .rev()
        .find(|revision| revision.status == ReleaseStatus::Deployed)
        .or(history.last());
    let stored = match in_force {
        Some(revision) => storage.revision(release, revision.revision).await?,
        None => None,
    };
    let unknown = || {
        ReleaseError::Unknown(ObserveError::UnknownRelease {
            release: release.to_owned(),
            namespace: session.namespace.clone(),
        })
    };
    Ok(Running {
        stored: stored.ok_or_else(unknown)?,
        images: workloads
            .into_iter()
            .flatten()
            .flat_map(|workload| workload.containers)
            .map(|container| container.image)
            .collect(),
    })
}
