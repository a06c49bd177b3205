//! The backup that is rehearsed on: the newest of this very server, or a fresh one.

use backup::{
    Backup, BackupId, CreateRequest, LOCK_WAIT, Packing, Place, Progress, Server, Store, create,
    end_own_sessions, newest_backup,
};
use jiff::Timestamp;
use model::{BackupFormat, BackupRelease};
use tokio_util::sync::CancellationToken;

use super::{Known, RehearsalError, RehearsalRequest};

/// Finds it, or makes it.
pub(super) async fn backup(
    request: &RehearsalRequest,
    known: &Known,
    progress: Progress<'_>,
    cancel: &CancellationToken,
) -> Result<Backup, RehearsalError> {
    let store = Store::open(&request.store)?.within(&request.cluster, &request.namespace);
    let id = BackupId::new(Timestamp::now());
    progress("reaching the database in use", None);
    let reached = Server::reach(
        Some(&request.cluster),
        &known.location,
        &known.credentials,
        id.as_str(),
    );
    let server = tokio::select! {
        reached = reached => reached?,
        () = cancel.cancelled() => return Err(RehearsalError::Interrupted),
    };
    let found = match &request.fresh {
        Some(made_by) => fresh(request, known, made_by, id, &server, &store, progress, cancel).await,
        None => newest(&server, &store, cancel).await,
    };
    server.close().await;
    found
}

async fn newest(
    server: &Server,
    store: &Store,
    cancel: &CancellationToken,
) -> Result<Backup, RehearsalError> {
    let found = tokio::select! {
        found = newest_backup(store, server) => found?,
        () = cancel.cancelled() => return Err(RehearsalError::Interrupted),
    };
    let backup = found.ok_or_else(|| RehearsalError::NoBackup {
        database: server.location().database.clone(),
        store: store.to_string(),
    })?;
    if backup.manifest.encryption.is_some() {
        return Err(RehearsalError::Encrypted(backup.id.to_string()));
    }
    Ok(backup)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one act, told in full by its only caller"
)]
async fn fresh(
    request: &RehearsalRequest,
    known: &Known,
    made_by: &str,
    id: BackupId,
    server: &Server,
    store: &Store,
    progress: Progress<'_>,
    cancel: &CancellationToken,
) -> Result<Backup, RehearsalError> {
    let place = Place::observe(Some(&request.cluster), server).await;
    let chart = &known.target.chart;
    let wanted = CreateRequest {
        id,
        place,
        reason: format!("to rehearse the upgrade to {}-{}", chart.name, chart.version),
        made_by: made_by.to_owned(),
        release: Some(BackupRelease {
            name: known.release.name.clone(),
            revision: known.release.revision,
            images: Vec::new(),
        }),
        lock_wait: LOCK_WAIT,
        format: BackupFormat::Custom,
        packing: Packing::Best,
    };
    tokio::select! {
        made = create(server, store, &wanted, progress) => Ok(made?),
        () = cancel.cancelled() => {
            end_own_sessions(server).await;
            store.settle().await;
            Err(RehearsalError::Interrupted)
        }
    }
}
