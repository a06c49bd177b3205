//! What an upgrade that was left behind looks like, beside what every command observes.

use checks::{Assigned, Observed};
use cluster::{Cluster, JobEnd, JobFacts};
use engine::steps::first_trouble;
use helm::{Storage, StorageError, StoredRelease};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::ListParams;
use model::profile::RoleKind;
use model::{
    PodFacts, RenderedHook, RenderedWorkload, RevisionSummary, Seen, Workload, WorkloadKind, WorkloadName,
    causes,
};
use postgres_room::SessionOptions;

use super::sessions::{InTheWay, in_the_way};
use super::trouble::{PodState, Signs, Trouble, pod_state, runs, trouble};
use crate::unlock::age;

/// The label by which the Job controller marks a Job's pods.
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// Events on which a hook of an upgrade runs.
const AROUND: [&str; 4] = ["pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback"];

/// What is looked at.
pub(crate) struct Question<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) namespace: &'a str,
    pub(crate) release: &'a str,
    pub(crate) observed: &'a Observed,
    /// The newest revision.
    pub(crate) newest: &'a StoredRelease,
    /// Its workloads.
    pub(crate) rendered: &'a [RenderedWorkload],
    pub(crate) members: &'a [Assigned],
    /// All revisions, oldest first.
    pub(crate) history: &'a [RevisionSummary],
    /// The revision to go back to.
    pub(crate) older: Option<u32>,
}

/// What was left behind.
pub(crate) struct Left {
    /// The revision to go back to.
    pub(crate) older: Option<StoredRelease>,
    /// When the first attempt after it began (RFC 3339).
    pub(crate) began_at: Option<String>,
    /// Seconds since the newest record was written.
    pub(crate) age_seconds: Option<i64>,
    /// Hook Jobs that have not ended.
    pub(crate) running_hooks: Vec<String>,
    /// What is wrong.
    pub(crate) trouble: Result<Trouble, String>,
    /// What a pod in trouble said last.
    pub(crate) last_words: Option<String>,
    /// Addresses of the pods that will be stopped.
    pub(crate) addresses: Vec<String>,
    /// Sessions of others.
    pub(crate) in_the_way: Seen<Vec<InTheWay>>,
}

/// Looks.
///
/// # Errors
/// When helm's records cannot be read; what else cannot be read is told in its place.
pub(crate) async fn look(question: &Question<'_>) -> Result<Left, StorageError> {
    let Question {
        cluster,
        namespace,
        release,
        newest,
        history,
        ..
    } = question;
    let storage = Storage::open(cluster, namespace)?;
    let older = match question.older {
        Some(revision) => storage.revision(release, revision).await?,
        None => None,
    };
    let first = history
        .iter()
        .find(|entry| question.older.is_none_or(|older| entry.revision > older));
    let began_at = match first {
        Some(first) if first.revision == newest.release.revision => newest.release.updated.clone(),
        Some(first) => {
            let stored = storage.revision(release, first.revision).await?;
            stored.and_then(|stored| stored.release.updated)
        }
        None => None,
    };
    let jobs = hook_jobs(&newest.hooks);
    let signs = signs(question, &jobs).await;
    let (running_hooks, trouble, hook_addresses, ailing) = match signs {
        Ok(seen) => (seen.running_hooks, Ok(seen.trouble), seen.addresses, seen.ailing),
        Err(why) => (Vec::new(), Err(why), Vec::new(), None),
    };
    let mut addresses = hook_addresses;
    addresses.extend(own_addresses(question));
    addresses.sort();
    addresses.dedup();
    let last_words = match &ailing {
        Some(name) => first_trouble(cluster, name).await,
        None => None,
    };
    Ok(Left {
        older,
        began_at,
        age_seconds: age(newest, history),
        running_hooks,
        trouble,
        last_words,
        in_the_way: sessions(question.observed, &addresses).await,
        addresses,
    })
}

/// The revision to go back to: the last one before the newest that was ever in force.
pub(crate) fn last_in_force(history: &[RevisionSummary], newest: u32) -> Option<u32> {
    history
        .iter()
        .filter(|entry| entry.revision < newest && was_in_force(entry))
        .map(|entry| entry.revision)
        .max()
}

/// Whether a revision was ever in force; a failed one never was.
pub(crate) fn was_in_force(entry: &RevisionSummary) -> bool {
    use model::ReleaseStatus::{
        Deployed, Failed, PendingInstall, PendingRollback, PendingUpgrade, Superseded, Uninstalled,
        Uninstalling, Unknown,
    };
    match entry.status {
        Deployed | Superseded => true,
        Failed | PendingInstall | PendingRollback | PendingUpgrade | Uninstalled | Uninstalling | Unknown => {
            false
        }
    }
}

fn hook_jobs(hooks: &[RenderedHook]) -> Vec<String> {
    let around = |hook: &&RenderedHook| {
        hook.object.kind == "Job" && hook.events.iter().any(|event| AROUND.contains(&event.as_str()))
    };
    hooks
        .iter()
        .filter(around)
        .map(|hook| hook.object.name.clone())
        .collect()
}

/// What pods and Jobs tell.
struct Seeing {
    running_hooks: Vec<String>,
    trouble: Trouble,
    /// Addresses of the pods of hook Jobs that run.
    addresses: Vec<String>,
    /// A workload whose pods are in trouble.
    ailing: Option<WorkloadName>,
}

async fn signs(question: &Question<'_>, jobs: &[String]) -> Result<Seeing, String> {
    let Question {
        cluster,
        namespace,
        observed,
        newest,
        ..
    } = question;
    let facts = known(&observed.observation.pods, "pods")?;
    let workloads = known(&observed.observation.workloads, "workloads")?;
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let events: Api<Event> = Api::namespaced(cluster.client.clone(), namespace);
    let (every, killing) = (
        ListParams::default(),
        ListParams::default().fields("reason=Killing"),
    );
    let (pods, events, found) = tokio::join!(
        pods.list(&every),
        events.list(&killing),
        cluster.hook_jobs(namespace, jobs)
    );
    let pods = pods.map_err(|error| causes(&error))?.items;
    let events = events.map_err(|error| causes(&error))?.items;
    let found = found.map_err(|error| causes(&error))?;
    let running_hooks: Vec<String> = running(&found);
    let states = states(question, &pods, &events, facts);
    let of = |migrates: bool| -> Vec<PodState> {
        let wanted = states.iter().filter(|one| one.migrates == migrates);
        wanted.map(|one| one.state.clone()).collect()
    };
    let (migrating, others) = (of(true), of(false));
    let release = &newest.release;
    let trouble = trouble(&Signs {
        migrating: &migrating,
        others: &others,
        running_hooks: &running_hooks,
        failed_hook: failed(&found),
        rolled_out: rolled_out(question.rendered, workloads),
        pending: release.status.is_pending(),
        failed: release.status == model::ReleaseStatus::Failed,
        description: &release.description,
    });
    let in_trouble = |migrates: bool| {
        states.iter().find(|one| {
            one.migrates == migrates && matches!(one.state, PodState::Killed(_) | PodState::Fails(_))
        })
    };
    Ok(Seeing {
        addresses: job_addresses(&pods, &running_hooks),
        ailing: in_trouble(true)
            .or_else(|| in_trouble(false))
            .map(|one| one.workload.clone()),
        running_hooks,
        trouble,
    })
}

fn known<'a, T>(seen: &'a Seen<T>, what: &str) -> Result<&'a T, String> {
    match seen {
        Seen::Present(value) => Ok(value),
        Seen::Absent => Err(format!("{what} were not found")),
        Seen::Unreadable(why) => Err(format!("{what}: {why}")),
    }
}

fn running(jobs: &[JobFacts]) -> Vec<String> {
    jobs.iter()
        .filter(|job| job.end.is_none())
        .map(|job| job.name.clone())
        .collect()
}

fn failed(jobs: &[JobFacts]) -> Option<(&str, &str)> {
    jobs.iter().find_map(|job| match &job.end {
        Some(JobEnd::Failed(why)) => Some((job.name.as_str(), why.as_str())),
        Some(JobEnd::Complete) | None => None,
    })
}

/// What one pod of the newer version does.
struct NewerPod {
    workload: WorkloadName,
    migrates: bool,
    state: PodState,
}

fn states(question: &Question<'_>, pods: &[Pod], events: &[Event], facts: &[PodFacts]) -> Vec<NewerPod> {
    let migrates = |name: &WorkloadName| {
        let mut migrators = question
            .members
            .iter()
            .filter(|member| member.kind == RoleKind::Migrator);
        migrators.any(|member| member.workload.name == *name)
    };
    let is_database = |name: &WorkloadName| {
        let mut databases = question
            .members
            .iter()
            .filter(|member| member.kind == RoleKind::Database);
        databases.any(|member| member.workload.name == *name)
    };
    pods.iter()
        .filter_map(|pod| {
            let name = pod.metadata.name.as_deref()?;
            let workload = facts.iter().find(|facts| facts.name == name)?.owner.as_ref()?;
            let rendered = question.rendered.iter().find(|one| one.name == *workload)?;
            if !controls(workload.kind) || is_database(workload) || !runs(pod, rendered) {
                return None;
            }
            Some(NewerPod {
                workload: workload.clone(),
                migrates: migrates(workload),
                state: pod_state(pod, events)?,
            })
        })
        .collect()
}

/// Whether a kind keeps pods running.
fn controls(kind: WorkloadKind) -> bool {
    match kind {
        WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => true,
        WorkloadKind::CronJob | WorkloadKind::Job => false,
    }
}

/// Whether every workload has the images of the newer version and all its pods, ready. One that somebody took to 0 has not.
fn rolled_out(rendered: &[RenderedWorkload], workloads: &[Workload]) -> bool {
    rendered
        .iter()
        .filter(|wanted| controls(wanted.name.kind))
        .all(|wanted| {
            let Some(live) = workloads.iter().find(|live| live.name == wanted.name) else {
                return false;
            };
            let has_images = wanted.containers.iter().all(|container| {
                let same = |live: &model::ContainerFacts| {
                    live.name == container.name && live.image == container.image
                };
                live.containers.iter().any(same)
            });
            let Some(desired) = live.desired else {
                return has_images;
            };
            let at_rest = desired == 0 && wanted.replicas.unwrap_or(0) > 0;
            has_images && !at_rest && live.ready >= desired && live.updated >= desired
        })
}

fn job_addresses(pods: &[Pod], jobs: &[String]) -> Vec<String> {
    let of_a_job = |pod: &&Pod| {
        let labels = pod.metadata.labels.as_ref();
        let job = labels.and_then(|labels| labels.get(JOB_NAME));
        job.is_some_and(|job| jobs.contains(job))
    };
    pods.iter()
        .filter(of_a_job)
        .filter_map(|pod| pod.status.as_ref()?.pod_ip.clone())
        .collect()
}

/// The addresses of the release's own pods, without its database's.
fn own_addresses(question: &Question<'_>) -> Vec<String> {
    let pods = question.observed.observation.pods.present();
    let is_database = |name: &WorkloadName| {
        question
            .members
            .iter()
            .any(|member| member.kind == RoleKind::Database && member.workload.name == *name)
    };
    pods.into_iter()
        .flatten()
        .filter(|pod| !pod.owner.as_ref().is_some_and(is_database))
        .filter_map(|pod| pod.ip.clone())
        .collect()
}

async fn sessions(observed: &Observed, own: &[String]) -> Seen<Vec<InTheWay>> {
    let Some(connector) = &observed.connector else {
        return Seen::Absent;
    };
    match connector.connect(&SessionOptions::default()).await {
        Ok(database) => in_the_way(&checks::observe_locks(&database, None).await, own),
        Err(error) => Seen::Unreadable(causes(&error)),
    }
}

#[cfg(test)]
mod tests {
    use model::ReleaseStatus;

    use super::*;

    fn history(statuses: &[ReleaseStatus]) -> Vec<RevisionSummary> {
        let numbered = (1..).zip(statuses);
        numbered
            .map(|(revision, status)| RevisionSummary {
                revision,
                status: *status,
                modified_at: None,
            })
            .collect()
    }

    #[test]
    fn what_is_gone_back_to_was_in_force_and_is_not_the_newest() {
        use ReleaseStatus::{Deployed, Failed, PendingInstall, PendingUpgrade, Superseded};
        for (statuses, wanted) in [
            (&[Superseded, Deployed][..], Some(1)),
            (&[Deployed, Failed], Some(1)),
            (&[Superseded, Deployed, Failed, Failed, PendingUpgrade], Some(2)),
            (&[Superseded, Failed, Deployed], Some(1)),
            (&[PendingInstall], None),
            (&[Failed, Failed], None),
        ] {
            let newest = u32::try_from(statuses.len()).unwrap();
            assert_eq!(last_in_force(&history(statuses), newest), wanted, "{statuses:?}");
        }
    }
}
