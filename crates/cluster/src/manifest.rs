//! Workloads as a rendered manifest says them.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use model::{RenderedWorkload, UpdateStrategy, WorkloadKind, WorkloadName};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::container::container_facts;
use crate::strategy;

/// A workload of a rendered manifest; `None` for objects of other kinds and for what does not parse as its kind.
/// `default_namespace` is the release's, for objects that name none.
pub fn workload_from_manifest(object: &Value, default_namespace: &str) -> Option<RenderedWorkload> {
    let kind = object.get("kind")?.as_str()?;
    let group = object.get("apiVersion")?.as_str()?.split_once('/')?.0;
    match (group, kind) {
        ("apps", "Deployment") => {
            let deployment: Deployment = parsed(object)?;
            let spec = deployment.spec?;
            Some(RenderedWorkload {
                replicas: spec.replicas,
                progress_deadline_seconds: spec.progress_deadline_seconds,
                strategy: strategy::of_deployment(&spec),
                ..rendered(
                    WorkloadKind::Deployment,
                    deployment.metadata,
                    spec.template.spec.as_ref(),
                    default_namespace,
                )?
            })
        }
        ("apps", "StatefulSet") => {
            let set: StatefulSet = parsed(object)?;
            let spec = set.spec?;
            Some(RenderedWorkload {
                replicas: spec.replicas,
                strategy: strategy::of_stateful_set(&spec),
                ..rendered(
                    WorkloadKind::StatefulSet,
                    set.metadata,
                    spec.template.spec.as_ref(),
                    default_namespace,
                )?
            })
        }
        ("apps", "DaemonSet") => {
            let set: DaemonSet = parsed(object)?;
            let spec = set.spec?;
            Some(RenderedWorkload {
                strategy: strategy::of_daemon_set(&spec),
                ..rendered(
                    WorkloadKind::DaemonSet,
                    set.metadata,
                    spec.template.spec.as_ref(),
                    default_namespace,
                )?
            })
        }
        ("batch", "CronJob") => {
            let cron_job: CronJob = parsed(object)?;
            let template = cron_job.spec?.job_template.spec?.template;
            rendered(
                WorkloadKind::CronJob,
                cron_job.metadata,
                template.spec.as_ref(),
                default_namespace,
            )
        }
        ("batch", "Job") => {
            let job: Job = parsed(object)?;
            rendered(
                WorkloadKind::Job,
                job.metadata,
                job.spec?.template.spec.as_ref(),
                default_namespace,
            )
        }
        _ => None,
    }
}

fn parsed<K: DeserializeOwned>(object: &Value) -> Option<K> {
    K::deserialize(object).ok()
}

/// What all kinds have in common; the rest as for a kind that has none of it.
fn rendered(
    kind: WorkloadKind,
    metadata: ObjectMeta,
    pod: Option<&PodSpec>,
    default_namespace: &str,
) -> Option<RenderedWorkload> {
    Some(RenderedWorkload {
        name: WorkloadName {
            kind,
            namespace: metadata
                .namespace
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or_else(|| default_namespace.to_owned()),
            name: metadata.name?,
        },
        replicas: None,
        labels: metadata.labels.unwrap_or_default(),
        strategy: UpdateStrategy::None,
        containers: pod.map(container_facts).unwrap_or_default(),
        progress_deadline_seconds: None,
    })
}

#[cfg(test)]
mod tests {
    use super::workload_from_manifest;
    use model::{UpdateStrategy, WorkloadKind};
    use serde_json::json;

    #[test]
    fn a_deployment_without_replicas_has_none() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"selector": {}, "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
                "template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}});
        let workload = workload_from_manifest(&object, "shop").unwrap();
        assert_eq!(workload.name.namespace, "shop");
        assert_eq!(workload.replicas, None);
        assert_eq!(workload.containers[0].image, "web:2");
        assert_eq!(
            workload.strategy,
            UpdateStrategy::RollingUpdate {
                max_unavailable: Some("0".to_owned()),
                max_surge: Some("25%".to_owned()),
            }
        );
    }

    #[test]
    fn a_cron_job_shows_the_containers_of_its_jobs() {
        let object = json!({"apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": "nightly", "namespace": "jobs"},
            "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec":
                {"containers": [{"name": "clean", "image": "clean:1"}]}}}}}});
        let workload = workload_from_manifest(&object, "shop").unwrap();
        assert_eq!(workload.name.kind, WorkloadKind::CronJob);
        assert_eq!(workload.name.namespace, "jobs");
        assert_eq!(workload.containers[0].name, "clean");
    }

    #[test]
    fn other_kinds_and_kinds_of_other_groups_are_no_workloads() {
        for object in [
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}),
            json!({"apiVersion": "example.com/v1", "kind": "Deployment", "metadata": {"name": "web"}}),
            json!({}),
        ] {
            assert_eq!(workload_from_manifest(&object, "shop"), None);
        }
    }
}
