//! Everything that tells whether somebody still works on a pending revision, and how far it came.

use std::collections::BTreeMap;

use cluster::Cluster;
use engine::journal::ClusterStore;
use engine::lease::{ClusterLeases, LeaseStore};
use helm::{Storage, StoredRelease};
use jiff::Timestamp;
use model::{ContainerFacts, PendingEvidence, RenderedWorkload, Seen, StandingWorkload, Stands, causes};

use super::{UnlockError, UnlockRequest};

pub(super) async fn evidence(
    request: &UnlockRequest,
    newest: &StoredRelease,
) -> Result<PendingEvidence, UnlockError> {
    let UnlockRequest {
        cluster,
        namespace,
        release,
        ..
    } = request;
    let storage = Storage::open(cluster, namespace)?;
    let history = storage.history(release).await?;
    let before = history
        .iter()
        .rev()
        .find(|entry| entry.revision < newest.release.revision);
    let before = match before {
        Some(entry) => storage.revision(release, entry.revision).await?,
        None => None,
    };
    let jobs: Vec<String> = newest
        .hooks
        .iter()
        .filter(|hook| hook.object.kind == "Job")
        .map(|hook| hook.object.name.clone())
        .collect();
    let running_hooks = cluster.hook_jobs(namespace, &jobs).await.map(|found| {
        let running = found.into_iter().filter(|job| job.end.is_none());
        Some(running.map(|job| job.name).collect())
    });
    let journals = ClusterStore::new(cluster, namespace);
    let runs = engine::unfinished(&journals, release).await;
    let lease = ClusterLeases::new(cluster, namespace).read(release).await;
    Ok(PendingEvidence {
        age_seconds: age(newest, &history),
        description: newest.release.description.clone(),
        running_hooks: Seen::from_result(running_hooks),
        unfinished_run: Seen::from_result(runs.map(|runs| runs.into_iter().next().map(|head| head.run))),
        // A lease that was given back keeps no holder.
        lease_holder: Seen::from_result(lease.map(|lease| {
            lease
                .map(|lease| lease.holder)
                .filter(|holder| !holder.is_empty())
        })),
        workloads: workloads(cluster, namespace, newest, before.as_ref()).await,
    })
}

/// Seconds since the record was written last, by Helm's own time in it and by the label of its last change.
pub(crate) fn age(newest: &StoredRelease, history: &[model::RevisionSummary]) -> Option<i64> {
    let written = newest
        .release
        .updated
        .as_deref()
        .and_then(|time| time.parse::<Timestamp>().ok())
        .map(Timestamp::as_second);
    let modified = history
        .iter()
        .find(|entry| entry.revision == newest.release.revision)
        .and_then(|entry| entry.modified_at);
    Some(Timestamp::now().as_second() - written.max(modified)?)
}

async fn workloads(
    cluster: &Cluster,
    namespace: &str,
    newest: &StoredRelease,
    before: Option<&StoredRelease>,
) -> Seen<Vec<StandingWorkload>> {
    let (wanted, earlier) = match (
        rendered(newest, namespace),
        before.map(|before| rendered(before, namespace)),
    ) {
        (Ok(wanted), None) => (wanted, Vec::new()),
        (Ok(wanted), Some(Ok(earlier))) => (wanted, earlier),
        (Err(why), _) | (_, Some(Err(why))) => return Seen::Unreadable(why),
    };
    let mut standing = Vec::new();
    for workload in &wanted {
        let live = match cluster.workload(&workload.name).await {
            Ok(live) => live,
            Err(error) => return Seen::Unreadable(causes(&error)),
        };
        let old = earlier.iter().find(|earlier| earlier.name == workload.name);
        standing.push(StandingWorkload {
            name: workload.name.clone(),
            stands: stands(
                live.as_ref().map(|live| live.containers.as_slice()),
                &workload.containers,
                old.map(|old| old.containers.as_slice()),
            ),
            ready: live.as_ref().map_or(0, |live| live.ready),
            desired: live.as_ref().and_then(|live| live.desired),
        });
    }
    Seen::Present(standing)
}

/// The workloads of a stored revision.
pub(crate) fn rendered(stored: &StoredRelease, namespace: &str) -> Result<Vec<RenderedWorkload>, String> {
    let objects = helm::manifest::objects(&stored.manifest).map_err(|error| causes(&error))?;
    Ok(objects
        .iter()
        .filter_map(|object| cluster::workload_from_manifest(object, namespace))
        .collect())
}

/// Which revision's images a workload has. Containers that neither revision knows (of a mesh) do not count.
fn stands(
    live: Option<&[ContainerFacts]>,
    newest: &[ContainerFacts],
    before: Option<&[ContainerFacts]>,
) -> Stands {
    let Some(live) = live else {
        return Stands::Missing;
    };
    let live = images(live);
    let has = |wanted: &[ContainerFacts]| {
        images(wanted)
            .iter()
            .all(|(name, image)| live.get(name) == Some(image))
    };
    match (has(newest), before.is_some_and(has)) {
        (true, true) => Stands::Either,
        (true, false) => Stands::Newest,
        (false, true) => Stands::Before,
        (false, false) => Stands::Neither,
    }
}

fn images(containers: &[ContainerFacts]) -> BTreeMap<&str, &str> {
    containers
        .iter()
        .map(|container| (container.name.as_str(), container.image.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use model::ProbeBudget;

    use super::*;

    fn web(image: &str) -> Vec<ContainerFacts> {
        vec![ContainerFacts {
            name: "web".into(),
            image: image.into(),
            budget: ProbeBudget {
                start_seconds: None,
                from_startup_probe: false,
            },
            http_probe: None,
            secrets: Vec::new(),
            init: false,
        }]
    }

    #[test]
    fn a_workload_stands_where_its_images_are() {
        let (old, new, other) = (web("a:1"), web("a:2"), web("a:3"));
        assert_eq!(stands(Some(&new), &new, Some(&old)), Stands::Newest);
        assert_eq!(stands(Some(&old), &new, Some(&old)), Stands::Before);
        assert_eq!(stands(Some(&new), &new, Some(&new)), Stands::Either);
        assert_eq!(stands(Some(&other), &new, Some(&old)), Stands::Neither);
        assert_eq!(stands(Some(&old), &new, None), Stands::Neither);
        assert_eq!(stands(None, &new, Some(&old)), Stands::Missing);
    }
}
