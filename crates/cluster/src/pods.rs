//! The pods of workloads.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::Api;
use model::{PodFacts, Workload, WorkloadKind, WorkloadName};

use crate::wait::{Selector, matches};
use crate::{ApiError, Cluster};

/// The label that a Deployment puts on its ReplicaSets and their pods, and into the ReplicaSets' names.
const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// The annotation by which a pod says which of its containers commands are meant for.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Container states that every start passes through; anything else a container waits for is trouble.
const USUAL_WAITS: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// What is worth knowing of a pod.
pub fn pod_facts(pod: &Pod, owner: Option<WorkloadName>) -> PodFacts {
    let status = pod.status.as_ref();
    PodFacts {
        name: pod.metadata.name.clone().unwrap_or_default(),
        owner,
        ip: status.and_then(|status| status.pod_ip.clone()),
        phase: status.and_then(|status| status.phase.clone()).unwrap_or_default(),
        ready: has_condition(pod, "Ready"),
        terminating: pod.metadata.deletion_timestamp.is_some(),
        restarts: status.map_or(0, |status| {
            containers(status).map(|container| container.restart_count).sum()
        }),
        trouble: status.and_then(trouble),
    }
}

/// Whether a condition of the pod's status is `True`.
pub(crate) fn has_condition(pod: &Pod, condition: &str) -> bool {
    pod.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .any(|found| found.type_ == condition && found.status == "True")
}

/// Whether all of a pod's containers have ended for good. They hold no connection and write nothing.
pub(crate) fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn containers(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    status
        .init_container_statuses
        .iter()
        .flatten()
        .chain(status.container_statuses.iter().flatten())
}

/// The first reason why a pod does not run.
fn trouble(status: &PodStatus) -> Option<String> {
    let waiting = containers(status).find_map(|container| {
        let reason = container.state.as_ref()?.waiting.as_ref()?.reason.clone()?;
        (!USUAL_WAITS.contains(&reason.as_str())).then_some(reason)
    });
    let ended = || {
        containers(status).find_map(|container| {
            let end = container.state.as_ref()?.terminated.as_ref()?;
            (end.exit_code != 0).then(|| {
                end.reason
                    .clone()
                    .unwrap_or_else(|| format!("exit code {}", end.exit_code))
            })
        })
    };
    let unplaced = || {
        status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
            .and_then(|condition| condition.reason.clone())
    };
    // Eviction and such are reasons of the pod as a whole.
    waiting
        .or_else(|| status.reason.clone())
        .or_else(ended)
        .or_else(unplaced)
}

impl Cluster {
    /// The names of a namespace's living pods by their addresses. Pods on their node's own network share its address and
    /// are left out.
    ///
    /// # Errors
    /// When pods cannot be listed.
    pub async fn pods_by_address(&self, namespace: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let pods = self.listed::<Pod>(namespace).await?;
        let own = |pod: &&Pod| {
            let on_node = pod.spec.as_ref().and_then(|spec| spec.host_network);
            on_node != Some(true) && !has_ended(pod)
        };
        Ok(pods
            .iter()
            .filter(own)
            .filter_map(|pod| Some((pod.status.as_ref()?.pod_ip.clone()?, pod.metadata.name.clone()?)))
            .collect())
    }

    /// The container of a pod that is meant when none is named: the one that the pod's annotation says, else the first.
    ///
    /// # Errors
    /// When the pod cannot be read, or is not there.
    pub async fn default_container(&self, namespace: &str, pod: &str) -> Result<String, ApiError> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let found = pods
            .get(pod)
            .await
            .map_err(|error| ApiError::new(format!("read pod {pod}"), error))?;
        let annotated = found.metadata.annotations.as_ref();
        let annotated = annotated.and_then(|all| all.get(DEFAULT_CONTAINER)).cloned();
        let first = || {
            let containers = found.spec.iter().flat_map(|spec| &spec.containers);
            containers.map(|container| container.name.clone()).next()
        };
        Ok(annotated.or_else(first).unwrap_or_default())
    }

    /// The pods of these workloads, terminating ones included, finished ones (`Succeeded`, `Failed`) too. CronJobs'
    /// pods are those of their Jobs.
    ///
    /// # Errors
    /// When pods (or, with CronJobs among the workloads, Jobs) cannot be listed.
    pub async fn pods_of(&self, workloads: &[Workload]) -> Result<Vec<PodFacts>, ApiError> {
        let pods = self.whole_pods_of(workloads).await?;
        Ok(pods
            .into_iter()
            .map(|(pod, owner)| pod_facts(&pod, Some(owner)))
            .collect())
    }

    /// The same pods, with all that the API server knows of them.
    ///
    /// # Errors
    /// As [`Self::pods_of`].
    pub async fn whole_pods_of(&self, workloads: &[Workload]) -> Result<Vec<(Pod, WorkloadName)>, ApiError> {
        let namespaces: BTreeSet<&str> = workloads.iter().map(|one| one.name.namespace.as_str()).collect();
        let mut found = Vec::new();
        for namespace in namespaces {
            let here: Vec<&Workload> = workloads
                .iter()
                .filter(|one| one.name.namespace == namespace)
                .collect();
            let jobs = if here.iter().any(|one| one.name.kind == WorkloadKind::CronJob) {
                cron_jobs_of(&self.listed::<Job>(namespace).await?)
            } else {
                BTreeMap::new()
            };
            for pod in self.listed::<Pod>(namespace).await? {
                if let Some(owner) = owner(&pod, &here, &jobs) {
                    found.push((pod, owner));
                }
            }
        }
        Ok(found)
    }
}

/// Which CronJob each Job was started by.
fn cron_jobs_of(jobs: &[Job]) -> BTreeMap<String, String> {
    jobs.iter()
        .filter_map(|job| {
            let (kind, cron_job) = controller(&job.metadata)?;
            (kind == "CronJob").then(|| (job.metadata.name.clone().unwrap_or_default(), cron_job.to_owned()))
        })
        .collect()
}

/// The workload that a pod belongs to: by its controller, else (a pod that lost its controller) by the labels.
fn owner(pod: &Pod, workloads: &[&Workload], jobs: &BTreeMap<String, String>) -> Option<WorkloadName> {
    let named = |kind: WorkloadKind, name: &str| {
        workloads
            .iter()
            .find(|one| one.name.kind == kind && one.name.name == name)
            .map(|one| one.name.clone())
    };
    let labels = pod.metadata.labels.as_ref();
    match controller(&pod.metadata) {
        Some(("ReplicaSet", set)) => {
            let hash = labels?.get(POD_TEMPLATE_HASH)?;
            named(
                WorkloadKind::Deployment,
                set.strip_suffix(hash.as_str())?.strip_suffix('-')?,
            )
        }
        Some(("StatefulSet", name)) => named(WorkloadKind::StatefulSet, name),
        Some(("DaemonSet", name)) => named(WorkloadKind::DaemonSet, name),
        Some(("Job", job)) => {
            named(WorkloadKind::Job, job).or_else(|| named(WorkloadKind::CronJob, jobs.get(job)?))
        }
        Some(_) => None,
        None => workloads
            .iter()
            .find(|one| {
                one.name.kind != WorkloadKind::CronJob
                    && matches(&one.selector, labels.unwrap_or(&Selector::new()))
            })
            .map(|one| one.name.clone()),
    }
}

/// Kind and name of the controller in an object's owner references.
fn controller(metadata: &ObjectMeta) -> Option<(&str, &str)> {
    metadata
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))
        .map(|owner| (owner.kind.as_str(), owner.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::{cron_jobs_of, owner, pod_facts};
    use crate::workloads::{of_cron_job, of_deployment};
    use serde_json::json;

    #[test]
    fn a_replica_sets_pod_belongs_to_its_deployment_and_to_none_with_a_longer_name() {
        let deployment = |name: &str| {
            of_deployment(
                &serde_json::from_value(json!({"metadata": {"name": name, "namespace": "shop"},
                    "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {}}}))
                .unwrap(),
            )
        };
        let (web, web_api) = (deployment("web"), deployment("web-api"));
        let pod = serde_json::from_value(json!({"metadata": {"name": "web-api-77-x", "namespace": "shop",
            "labels": {"app": "web", "pod-template-hash": "77"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-api-77", "uid": "u",
                "controller": true}]}}))
        .unwrap();
        let found = owner(&pod, &[&web, &web_api], &Default::default()).unwrap();
        assert_eq!(found.name, "web-api");
    }

    #[test]
    fn a_cron_jobs_pod_is_found_through_its_job() {
        let owned = |kind: &str, name: &str| json!([{"apiVersion": "batch/v1", "kind": kind, "name": name, "uid": "u", "controller": true}]);
        let cron_job = of_cron_job(
            &serde_json::from_value(json!({"metadata": {"name": "nightly", "namespace": "shop"}})).unwrap(),
        );
        let job = serde_json::from_value(
            json!({"metadata": {"name": "by-hand", "ownerReferences": owned("CronJob", "nightly")}}),
        )
        .unwrap();
        let pod = serde_json::from_value(
            json!({"metadata": {"name": "by-hand-x", "ownerReferences": owned("Job", "by-hand")}}),
        )
        .unwrap();
        let found = owner(&pod, &[&cron_job], &cron_jobs_of(&[job])).unwrap();
        assert_eq!(found.name, "nightly");
    }

    #[test]
    fn a_crash_loop_is_trouble_and_a_start_is_none() {
        let waiting = |reason: &str| {
            let pod = json!({"metadata": {"name": "web"}, "status": {"containerStatuses": [
                {"name": "web", "image": "web", "imageID": "", "ready": false, "restartCount": 3,
                 "state": {"waiting": {"reason": reason}}}]}});
            pod_facts(&serde_json::from_value(pod).unwrap(), None)
        };
        assert_eq!(
            waiting("CrashLoopBackOff").trouble.as_deref(),
            Some("CrashLoopBackOff")
        );
        assert_eq!(waiting("CrashLoopBackOff").restarts, 3);
        assert_eq!(waiting("ContainerCreating").trouble, None);
    }
}
