//! The look itself: what depends on nothing first, all at once; then what depends on the workloads; then the database.

use std::collections::BTreeSet;

use cluster::{ApiError, Cluster};
use helm::storage::Driver;
use jiff::Timestamp;
use model::path::PathFacts;
use model::{ClusterFacts, DatabaseLocation, DatabaseRoute, Observation, PodFacts, Scaler, Seen, Workload};

use super::database::{Found, ask, backups, find};
use super::jobs::hook_jobs;
use super::path::questions;
use super::release::{history, latest, lease, measured, unfinished_run, unserved};
use super::requirements::requirements;
use super::rights::rights;
use super::sharers::sharers;
use super::{ObserveError, ObserveRequest, Observed};
use crate::AccessNeeds;
use crate::path::choose;
use crate::profiles::{GENERIC, ProfileChoice, resolve};

/// Gathers every fact about a release, once, in parallel.
///
/// What cannot be read becomes `Unreadable` with the reason and ends nothing.
///
/// # Errors
/// See [`ObserveError`]: an unknown release, a profile that cannot be had, an API server that does not answer.
pub async fn observe(request: &ObserveRequest) -> Result<Observed, ObserveError> {
    let ObserveRequest {
        cluster,
        namespace,
        release,
        profile,
        path_file,
        database,
        store,
    } = request;
    let now = Timestamp::now();
    // The API server comes first: without it every other part would fail in its own words.
    let facts = facts(cluster).await?;
    let (stored, history, lease, unfinished_run, measured, workloads, hook_jobs, owners) = tokio::join!(
        latest(request),
        history(request),
        lease(cluster, namespace, release),
        unfinished_run(cluster, namespace, release),
        measured(cluster, namespace, release),
        cluster.workloads_of_release(namespace, release),
        hook_jobs(cluster, namespace),
        cluster.deployers_of_release(namespace, release),
    );
    let (stored, seen_release) = match stored? {
        Ok(stored) => {
            let release = Seen::Present(stored.release.clone());
            (Some(stored), release)
        }
        Err(why) => (None, Seen::Unreadable(why)),
    };
    let mut workloads = Seen::from_result(workloads.map(Some));
    let (mut resolved, chosen) = {
        let charts: Vec<&str> = stored
            .iter()
            .map(|stored| stored.release.chart.name.as_str())
            .collect();
        let images = images(&workloads);
        let resolved = resolve(profile, &charts, &images).map_err(ObserveError::Profile)?;
        let chosen = Box::pin(choose(
            path_file.as_deref(),
            resolved.file.as_deref(),
            &resolved.profile,
            &charts,
            &images,
        ))
        .await
        .map_err(ObserveError::Path)?;
        (resolved, chosen)
    };
    let origin = chosen.as_ref().map(|chosen| chosen.origin.clone());
    resolved.profile.path = chosen.map(|chosen| chosen.path);
    let (unserved, pods, scalers, requirements, Found { location, others }) = tokio::join!(
        unserved(cluster, stored.as_ref()),
        pods(cluster, &workloads),
        scalers(cluster, &workloads),
        Box::pin(requirements(cluster, namespace, &resolved.profile.requires)),
        find(cluster, namespace, &workloads, &resolved.profile, database),
    );
    mark_database(&mut workloads, &location);
    let generic = resolve(&ProfileChoice::from_argument(GENERIC), &[], &[]).map_err(ObserveError::Profile)?;
    let needs = needs(request, &workloads, &scalers, &location);
    // Backups come after the server's own words: its identifier tells which are its own.
    let questions = questions(&seen_release, &workloads, &resolved.profile);
    let asked = async {
        let asked = ask(cluster, &location, &resolved.profile, &questions).await;
        let server = asked.facts.present().map(|facts| &facts.server);
        let backups = backups(store.as_deref(), cluster, &facts, &location, server, now).await;
        (asked, backups)
    };
    let ((asked, backups), access, sharers) = tokio::join!(
        Box::pin(asked),
        rights(cluster, &needs),
        Box::pin(sharers(cluster, namespace, release, &location, &generic.profile)),
    );
    Ok(Observed {
        observation: Observation {
            taken_at: now.to_string(),
            release_name: release.clone(),
            namespace: namespace.clone(),
            cluster: facts,
            release: seen_release,
            unserved,
            history,
            lease,
            unfinished_run,
            workloads,
            pods,
            scalers,
            sharers,
            hook_jobs,
            owners: Seen::from_result(owners.map(Some)),
            requirements,
            location,
            other_databases: others,
            database: asked.facts,
            backups,
            access,
            last_migration_seconds: measured.migration_seconds,
            last_restore: measured.restore,
            rehearsed: measured.rehearsed,
            target_unread: None,
            profile: resolved.profile.name.clone(),
            path: origin.map(|origin| PathFacts {
                origin,
                answers: asked.answers,
            }),
        },
        profile: resolved.profile,
        profile_reason: resolved.reason,
        stored,
        credentials: asked.credentials,
        connector: asked.connector,
    })
}

/// The cluster's own facts. A server that answers with a refusal is there; one that does not answer ends the look.
async fn facts(cluster: &Cluster) -> Result<ClusterFacts, ObserveError> {
    match cluster.facts().await {
        Ok(facts) => Ok(facts),
        Err(error) if error.code().is_some() => Ok(ClusterFacts {
            version: "unknown".into(),
            uid: Seen::Unreadable(model::causes(&error)),
            context: cluster.context.clone(),
        }),
        Err(source) => Err(ObserveError::Cluster {
            context: cluster.context.clone(),
            source,
        }),
    }
}

fn images(workloads: &Seen<Vec<Workload>>) -> Vec<&str> {
    workloads
        .present()
        .into_iter()
        .flatten()
        .flat_map(|workload| &workload.containers)
        .map(|container| container.image.as_str())
        .collect()
}

async fn pods(cluster: &Cluster, workloads: &Seen<Vec<Workload>>) -> Seen<Vec<PodFacts>> {
    of_workloads(workloads, async |workloads| cluster.pods_of(workloads).await).await
}

async fn scalers(cluster: &Cluster, workloads: &Seen<Vec<Workload>>) -> Seen<Vec<Scaler>> {
    of_workloads(workloads, async |workloads| {
        let (mut autoscalers, scaled_objects) = tokio::try_join!(
            cluster.scalers_of(workloads),
            cluster.scaled_objects_of(workloads)
        )?;
        autoscalers.extend(scaled_objects);
        Ok(autoscalers)
    })
    .await
}

/// Facts that hang on the workloads cannot be read where those cannot.
async fn of_workloads<T>(
    workloads: &Seen<Vec<Workload>>,
    read: impl AsyncFnOnce(&[Workload]) -> Result<Vec<T>, ApiError>,
) -> Seen<Vec<T>> {
    match workloads {
        Seen::Present(workloads) => Seen::from_result(read(workloads).await.map(Some)),
        Seen::Absent => Seen::Absent,
        Seen::Unreadable(why) => Seen::Unreadable(why.clone()),
    }
}

/// Marks the workload that the database's address leads to.
fn mark_database(workloads: &mut Seen<Vec<Workload>>, location: &Seen<DatabaseLocation>) {
    let Some(DatabaseRoute::Pod {
        workload: Some(name), ..
    }) = location.present().map(|location| &location.route)
    else {
        return;
    };
    if let Seen::Present(workloads) = workloads {
        for workload in workloads.iter_mut().filter(|workload| workload.name == *name) {
            workload.is_database = true;
        }
    }
}

fn needs(
    request: &ObserveRequest,
    workloads: &Seen<Vec<Workload>>,
    scalers: &Seen<Vec<Scaler>>,
    location: &Seen<DatabaseLocation>,
) -> AccessNeeds {
    let kinds: BTreeSet<_> = workloads
        .present()
        .into_iter()
        .flatten()
        .map(|workload| workload.name.kind)
        .collect();
    let database_namespace = match location {
        Seen::Present(location) => match &location.route {
            DatabaseRoute::Pod { namespace, .. } => Some(namespace.clone()),
            DatabaseRoute::Direct => None,
        },
        Seen::Absent => None,
        // Most probably where the release is; asking costs nothing.
        Seen::Unreadable(_) => Some(request.namespace.clone()),
    };
    let driver = std::env::var("HELM_DRIVER").unwrap_or_default();
    AccessNeeds {
        namespace: request.namespace.clone(),
        database_namespace,
        kinds,
        scaled_objects: scalers
            .present()
            .into_iter()
            .flatten()
            .any(|scaler| scaler.kind == Scaler::KEDA),
        records_in_config_maps: matches!(Driver::parse(&driver), Ok(Driver::ConfigMap)),
    }
}
