//! What else uses the release's database: told by Secrets and addresses in the pod templates around it.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{ApiError, Cluster, Neighbour};
use futures::future::join_all;
use model::{DatabaseLocation, DatabaseRoute, Profile, Seen, Sharer, Workload};
use postgres_room::FindOptions;

/// Workloads of the release's and the database's namespace that use the same database.
pub(super) async fn sharers(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
    location: &Seen<DatabaseLocation>,
    generic: &Profile,
) -> Seen<Vec<Sharer>> {
    let location = match location {
        Seen::Present(location) => location,
        Seen::Absent => return Seen::Absent,
        Seen::Unreadable(why) => return Seen::Unreadable(why.clone()),
    };
    let found = around(cluster, namespace, release, location, generic).await;
    Seen::from_result(found.map(Some))
}

async fn around(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
    location: &DatabaseLocation,
    generic: &Profile,
) -> Result<Vec<Sharer>, ApiError> {
    let mut found = BTreeSet::new();
    for place in namespaces(namespace, location) {
        let neighbours = cluster.neighbours(place, release, namespace).await?;
        let neighbours: Vec<Neighbour> = neighbours
            .into_iter()
            .filter(|neighbour| !serves(&neighbour.workload, location))
            .collect();
        if place == namespace {
            found.extend(neighbours.iter().filter_map(|one| by_secret(one, location)));
        }
        let looks = by_release(&neighbours)
            .into_iter()
            .map(|(release, workloads)| by_address(cluster, place, release, workloads, location, generic));
        for sharer in join_all(looks).await.into_iter().flatten() {
            // Told by its Secret already.
            if !found.iter().any(|one: &Sharer| one.workload == sharer.workload) {
                found.insert(sharer);
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn namespaces<'a>(own: &'a str, location: &'a DatabaseLocation) -> BTreeSet<&'a str> {
    let mut namespaces = BTreeSet::from([own]);
    if let DatabaseRoute::Pod { namespace, .. } = &location.route {
        namespaces.insert(namespace);
    }
    namespaces
}

/// Whether a workload is the database's own.
fn serves(workload: &Workload, location: &DatabaseLocation) -> bool {
    match &location.route {
        DatabaseRoute::Pod { workload: server, .. } => server.as_ref() == Some(&workload.name),
        DatabaseRoute::Direct => false,
    }
}

/// Releases, and what belongs to none by its own name: each is looked into as one.
fn by_release(neighbours: &[Neighbour]) -> Vec<(Option<&str>, Vec<Workload>)> {
    let mut groups: BTreeMap<(Option<&str>, Option<&str>), Vec<Workload>> = BTreeMap::new();
    for Neighbour { release, workload } in neighbours {
        let alone = release.is_none().then_some(workload.name.name.as_str());
        let group = groups.entry((release.as_deref(), alone)).or_default();
        group.push(workload.clone());
    }
    groups
        .into_iter()
        .map(|((release, _), workloads)| (release, workloads))
        .collect()
}

fn by_secret(neighbour: &Neighbour, location: &DatabaseLocation) -> Option<Sharer> {
    // `NAME`, or `NAME key KEY`.
    let secret = location.origin.secret.as_deref()?.split(' ').next()?;
    let containers = &neighbour.workload.containers;
    let refers = containers
        .iter()
        .any(|container| container.secrets.iter().any(|name| name == secret));
    refers.then(|| Sharer {
        workload: neighbour.workload.name.clone(),
        release: neighbour.release.clone(),
        by: format!("secret {secret}"),
    })
}

/// The workloads of one release whose own database is this one. What of them cannot be read is left to the sessions,
/// which are looked at before anybody goes on.
async fn by_address(
    cluster: &Cluster,
    namespace: &str,
    release: Option<&str>,
    workloads: Vec<Workload>,
    location: &DatabaseLocation,
    generic: &Profile,
) -> Vec<Sharer> {
    let options = FindOptions::default();
    let found = postgres_room::find(cluster, namespace, &workloads, generic, &options).await;
    let candidates = found.unwrap_or_default();
    let same = candidates
        .iter()
        .filter(|candidate| is_same(&candidate.location, location));
    same.flat_map(|candidate| {
        let named_in = |workload: &&Workload| {
            let start = format!("{}, ", workload.name);
            candidate.named_in.iter().any(|place| place.starts_with(&start))
        };
        workloads.iter().filter(named_in).map(|workload| Sharer {
            workload: workload.name.clone(),
            release: release.map(str::to_owned),
            by: format!("{} on {}", candidate.location.database, candidate.location.host),
        })
    })
    .collect()
}

fn is_same(one: &DatabaseLocation, other: &DatabaseLocation) -> bool {
    let server = match (&one.route, &other.route) {
        (
            DatabaseRoute::Pod {
                namespace: a, pod: b, ..
            },
            DatabaseRoute::Pod {
                namespace: c, pod: d, ..
            },
        ) => (a, b) == (c, d),
        (DatabaseRoute::Direct, DatabaseRoute::Direct) => (&one.host, one.port) == (&other.host, other.port),
        (DatabaseRoute::Pod { .. }, DatabaseRoute::Direct)
        | (DatabaseRoute::Direct, DatabaseRoute::Pod { .. }) => false,
    };
    server && one.database == other.database
}
