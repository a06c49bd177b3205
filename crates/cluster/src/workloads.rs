//! What runs for a release now.

use std::collections::BTreeMap;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::Resource;
use kube::api::{Api, ListParams};
use model::{UpdateStrategy, Workload, WorkloadKind, WorkloadName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::container::container_facts;
use crate::error::Asked;
use crate::{ApiError, Cluster, strategy};

/// Helm marks every object of a manifest (not of a hook) with these.
pub(crate) const RELEASE_NAME: &str = "meta.helm.sh/release-name";
pub(crate) const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// What the API server fills in for a template that does not say it.
const DEFAULT_GRACE_SECONDS: i64 = 30;

impl Cluster {
    /// The Deployments, StatefulSets, DaemonSets and CronJobs of one namespace that Helm marked as the release's own
    /// (annotation `meta.helm.sh/release-name`), in the order of kind and name. `is_database` is `false` throughout:
    /// whoever finds the database sets it.
    ///
    /// # Errors
    /// When one of the kinds cannot be listed.
    pub async fn workloads_of_release(
        &self,
        namespace: &str,
        release: &str,
    ) -> Result<Vec<Workload>, ApiError> {
        let (deployments, stateful_sets, daemon_sets, cron_jobs) = tokio::try_join!(
            self.listed::<Deployment>(namespace),
            self.listed::<StatefulSet>(namespace),
            self.listed::<DaemonSet>(namespace),
            self.listed::<CronJob>(namespace),
        )?;
        let is_ours = |metadata: &ObjectMeta| belongs_to(metadata, namespace, release);
        let mut workloads: Vec<Workload> = Vec::new();
        workloads.extend(
            deployments
                .iter()
                .filter(|one| is_ours(&one.metadata))
                .map(of_deployment),
        );
        workloads.extend(
            stateful_sets
                .iter()
                .filter(|one| is_ours(&one.metadata))
                .map(of_stateful_set),
        );
        workloads.extend(
            daemon_sets
                .iter()
                .filter(|one| is_ours(&one.metadata))
                .map(of_daemon_set),
        );
        workloads.extend(
            cron_jobs
                .iter()
                .filter(|one| is_ours(&one.metadata))
                .map(of_cron_job),
        );
        workloads.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(workloads)
    }

    /// One workload; `None` when it does not exist.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn workload(&self, name: &WorkloadName) -> Result<Option<Workload>, ApiError> {
        let WorkloadName {
            kind,
            namespace,
            name: object,
        } = name;
        let client = || self.client.clone();
        match kind {
            WorkloadKind::Deployment => Api::<Deployment>::namespaced(client(), namespace)
                .get_opt(object)
                .await
                .map(|found| found.as_ref().map(of_deployment)),
            WorkloadKind::StatefulSet => Api::<StatefulSet>::namespaced(client(), namespace)
                .get_opt(object)
                .await
                .map(|found| found.as_ref().map(of_stateful_set)),
            WorkloadKind::DaemonSet => Api::<DaemonSet>::namespaced(client(), namespace)
                .get_opt(object)
                .await
                .map(|found| found.as_ref().map(of_daemon_set)),
            WorkloadKind::CronJob => Api::<CronJob>::namespaced(client(), namespace)
                .get_opt(object)
                .await
                .map(|found| found.as_ref().map(of_cron_job)),
            WorkloadKind::Job => Api::<Job>::namespaced(client(), namespace)
                .get_opt(object)
                .await
                .map(|found| found.as_ref().map(of_job)),
        }
        .asked(|| format!("read {name} in namespace {namespace}"))
    }

    /// A workload with all that the API server knows of it; `None` when it does not exist.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn whole_workload(&self, name: &WorkloadName) -> Result<Option<Value>, ApiError> {
        match name.kind {
            WorkloadKind::Deployment => self.whole::<Deployment>(name).await,
            WorkloadKind::StatefulSet => self.whole::<StatefulSet>(name).await,
            WorkloadKind::DaemonSet => self.whole::<DaemonSet>(name).await,
            WorkloadKind::CronJob => self.whole::<CronJob>(name).await,
            WorkloadKind::Job => self.whole::<Job>(name).await,
        }
    }

    async fn whole<K>(&self, name: &WorkloadName) -> Result<Option<Value>, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Serialize
            + std::fmt::Debug,
    {
        let asked = || format!("read {name} in namespace {}", name.namespace);
        let found = Api::<K>::namespaced(self.client.clone(), &name.namespace)
            .get_opt(&name.name)
            .await
            .asked(asked)?;
        let value = found.map(serde_json::to_value).transpose();
        value.map_err(kube::Error::SerdeError).asked(asked)
    }

    /// The Deployments with all these labels, in one namespace or in all of them, in the order of their names.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn deployments_labelled(
        &self,
        namespace: Option<&str>,
        labels: &BTreeMap<String, String>,
    ) -> Result<Vec<Workload>, ApiError> {
        let client = self.client.clone();
        let (api, place): (Api<Deployment>, String) = match namespace {
            Some(namespace) => (
                Api::namespaced(client, namespace),
                format!("in namespace {namespace}"),
            ),
            None => (Api::all(client), "in all namespaces".to_owned()),
        };
        let labels: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let found = api
            .list(&ListParams::default().labels(&labels.join(",")))
            .await
            .asked(|| format!("list deployments {place}"))?;
        let mut found: Vec<Workload> = found.items.iter().map(of_deployment).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// All objects of a kind in a namespace.
    pub(crate) async fn listed<K>(&self, namespace: &str) -> Result<Vec<K>, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        Api::<K>::namespaced(self.client.clone(), namespace)
            .list(&ListParams::default())
            .await
            .map(|list| list.items)
            .asked(|| format!("list {} in namespace {namespace}", K::plural(&())))
    }
}

/// Whether Helm marked an object as a release's own.
pub(crate) fn belongs_to(metadata: &ObjectMeta, namespace: &str, release: &str) -> bool {
    let Some(annotations) = &metadata.annotations else {
        return false;
    };
    let said = |key| annotations.get(key).map(String::as_str);
    said(RELEASE_NAME) == Some(release)
        && said(RELEASE_NAMESPACE).is_none_or(|release_namespace| release_namespace == namespace)
}

pub(crate) fn of_deployment(deployment: &Deployment) -> Workload {
    let spec = deployment.spec.as_ref();
    let status = deployment.status.as_ref();
    Workload {
        desired: Some(spec.and_then(|spec| spec.replicas).unwrap_or(1)),
        ready: status.and_then(|status| status.ready_replicas).unwrap_or(0),
        updated: status.and_then(|status| status.updated_replicas).unwrap_or(0),
        strategy: spec.map_or(UpdateStrategy::None, strategy::of_deployment),
        paused: spec.and_then(|spec| spec.paused).unwrap_or(false),
        ..common(
            WorkloadKind::Deployment,
            &deployment.metadata,
            spec.map(|spec| &spec.selector),
            spec.map(|spec| &spec.template),
        )
    }
}

pub(crate) fn of_stateful_set(set: &StatefulSet) -> Workload {
    let spec = set.spec.as_ref();
    let status = set.status.as_ref();
    Workload {
        desired: Some(spec.and_then(|spec| spec.replicas).unwrap_or(1)),
        ready: status.and_then(|status| status.ready_replicas).unwrap_or(0),
        updated: status.and_then(|status| status.updated_replicas).unwrap_or(0),
        strategy: spec.map_or(UpdateStrategy::None, strategy::of_stateful_set),
        ..common(
            WorkloadKind::StatefulSet,
            &set.metadata,
            spec.map(|spec| &spec.selector),
            spec.map(|spec| &spec.template),
        )
    }
}

pub(crate) fn of_daemon_set(set: &DaemonSet) -> Workload {
    let spec = set.spec.as_ref();
    let status = set.status.as_ref();
    Workload {
        ready: status.map_or(0, |status| status.number_ready),
        updated: status
            .and_then(|status| status.updated_number_scheduled)
            .unwrap_or(0),
        strategy: spec.map_or(UpdateStrategy::None, strategy::of_daemon_set),
        ..common(
            WorkloadKind::DaemonSet,
            &set.metadata,
            spec.map(|spec| &spec.selector),
            spec.map(|spec| &spec.template),
        )
    }
}

pub(crate) fn of_cron_job(cron_job: &CronJob) -> Workload {
    let spec = cron_job.spec.as_ref();
    let template = spec
        .and_then(|spec| spec.job_template.spec.as_ref())
        .map(|job| &job.template);
    Workload {
        suspended: Some(spec.and_then(|spec| spec.suspend).unwrap_or(false)),
        ..common(WorkloadKind::CronJob, &cron_job.metadata, None, template)
    }
}

pub(crate) fn of_job(job: &Job) -> Workload {
    let spec = job.spec.as_ref();
    Workload {
        ready: job.status.as_ref().and_then(|status| status.ready).unwrap_or(0),
        ..common(
            WorkloadKind::Job,
            &job.metadata,
            spec.and_then(|spec| spec.selector.as_ref()),
            spec.map(|spec| &spec.template),
        )
    }
}

/// What all kinds have in common; the rest as for a kind that has none of it.
fn common(
    kind: WorkloadKind,
    metadata: &ObjectMeta,
    selector: Option<&LabelSelector>,
    template: Option<&PodTemplateSpec>,
) -> Workload {
    let pod = template.and_then(|template| template.spec.as_ref());
    // A selector of expressions alone has no labels to match by; the template's labels are on every pod of it.
    let selector = selector
        .and_then(|selector| selector.match_labels.clone())
        .filter(|labels| !labels.is_empty())
        .or_else(|| template?.metadata.as_ref()?.labels.clone())
        .unwrap_or_default();
    Workload {
        name: WorkloadName {
            kind,
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        },
        labels: metadata.labels.clone().unwrap_or_default(),
        selector,
        desired: None,
        ready: 0,
        updated: 0,
        suspended: None,
        strategy: UpdateStrategy::None,
        containers: pod.map(container_facts).unwrap_or_default(),
        grace_seconds: pod
            .and_then(|pod| pod.termination_grace_period_seconds)
            .unwrap_or(DEFAULT_GRACE_SECONDS),
        paused: false,
        is_database: false,
    }
}

#[cfg(test)]
mod tests {
    use super::{belongs_to, of_deployment};
    use serde_json::json;

    #[test]
    fn only_objects_of_this_release_in_its_namespace_belong_to_it() {
        let marked = |name: &str, namespace: &str| {
            serde_json::from_value(json!({"annotations":
                {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace}}))
            .unwrap()
        };
        assert!(belongs_to(&marked("web", "shop"), "shop", "web"));
        assert!(!belongs_to(&marked("web", "other"), "shop", "web"));
        assert!(!belongs_to(&marked("api", "shop"), "shop", "web"));
        assert!(!belongs_to(
            &serde_json::from_value(json!({})).unwrap(),
            "shop",
            "web"
        ));
    }

    #[test]
    fn a_selector_without_labels_falls_back_to_those_of_the_template() {
        let deployment = json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {
            "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]},
            "template": {"metadata": {"labels": {"app": "web"}}}}});
        let workload = of_deployment(&serde_json::from_value(deployment).unwrap());
        assert_eq!(workload.selector["app"], "web");
        assert_eq!(workload.desired, Some(1));
        assert_eq!(workload.grace_seconds, 30);
    }
}
