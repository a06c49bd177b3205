//! What Helm's records and our own leave in the namespace.

use cluster::Cluster;
use engine::journal::ClusterStore;
use engine::lease::{ClusterLeases, LeaseStore};
use helm::{Storage, StoredRelease};
use model::{LeaseFacts, MeasuredRestore, ObjectName, RehearsedMigration, RevisionSummary, Seen, causes};

use super::{ObserveError, ObserveRequest};

/// The newest revision; an `Err` text is why it cannot be read.
pub(super) async fn latest(request: &ObserveRequest) -> Result<Result<StoredRelease, String>, ObserveError> {
    let storage = match Storage::open(&request.cluster, &request.namespace) {
        Ok(storage) => storage,
        Err(error) => return Ok(Err(causes(&error))),
    };
    match storage.latest(&request.release).await {
        Ok(Some(stored)) => Ok(Ok(stored)),
        Ok(None) => Err(ObserveError::UnknownRelease {
            release: request.release.clone(),
            namespace: request.namespace.clone(),
        }),
        Err(error) => Ok(Err(causes(&error))),
    }
}

/// Objects of a revision whose kind the API server does not have.
pub(super) async fn unserved(cluster: &Cluster, stored: Option<&StoredRelease>) -> Seen<Vec<ObjectName>> {
    let Some(stored) = stored else {
        return Seen::Unreadable("the release's record could not be read".into());
    };
    let objects = match helm::object_names(&stored.manifest) {
        Ok(objects) => objects,
        Err(error) => return Seen::Unreadable(causes(&error)),
    };
    let served = cluster.served_kinds().await.map(|served| {
        let is_gone = |object: &ObjectName| !served.has(&object.api_version, &object.kind);
        Some(objects.into_iter().filter(is_gone).collect())
    });
    Seen::from_result(served)
}

pub(super) async fn history(request: &ObserveRequest) -> Seen<Vec<RevisionSummary>> {
    let storage = match Storage::open(&request.cluster, &request.namespace) {
        Ok(storage) => storage,
        Err(error) => return Seen::Unreadable(causes(&error)),
    };
    Seen::from_result(storage.history(&request.release).await.map(Some))
}

pub(super) async fn lease(cluster: &Cluster, namespace: &str, release: &str) -> Seen<LeaseFacts> {
    let leases = ClusterLeases::new(cluster, namespace);
    let record = leases.read(release).await.map(|record| {
        // A lease that was given back keeps no holder.
        record
            .filter(|record| !record.holder.is_empty())
            .map(|record| LeaseFacts {
                holder: record.holder,
                renewed: record.renewed,
            })
    });
    Seen::from_result(record)
}

pub(super) async fn unfinished_run(cluster: &Cluster, namespace: &str, release: &str) -> Seen<String> {
    let journals = ClusterStore::new(cluster, namespace);
    let runs = engine::unfinished(&journals, release).await;
    Seen::from_result(runs.map(|runs| runs.into_iter().next().map(|head| head.run)))
}

/// What earlier runs, restore tests and rehearsals measured.
pub(super) struct Measured {
    pub(super) migration_seconds: Seen<u64>,
    pub(super) restore: Seen<MeasuredRestore>,
    pub(super) rehearsed: Option<RehearsedMigration>,
}

pub(super) async fn measured(cluster: &Cluster, namespace: &str, release: &str) -> Measured {
    let facts = match engine::facts::recall(cluster, namespace, release).await {
        Ok(facts) => facts,
        Err(error) => {
            let why = causes(&error);
            return Measured {
                migration_seconds: Seen::Unreadable(why.clone()),
                restore: Seen::Unreadable(why),
                rehearsed: None,
            };
        }
    };
    let of = |key: &str| facts.numbers.get(key).copied();
    let restore = of(engine::facts::RESTORE_SECONDS)
        .zip(of(engine::facts::RESTORED_BYTES))
        .map(|(seconds, bytes)| MeasuredRestore {
            seconds,
            bytes,
            boot_seconds: of(engine::facts::BOOT_SECONDS),
        });
    Measured {
        migration_seconds: of(engine::facts::MIGRATION_SECONDS).map_or(Seen::Absent, Seen::Present),
        restore: restore.map_or(Seen::Absent, Seen::Present),
        rehearsed: facts.rehearsal,
    }
}
