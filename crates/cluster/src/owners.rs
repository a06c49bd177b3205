//! Controllers that would undo what a person does to a release.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::{Api, ListParams};
use serde::de::DeserializeOwned;

use crate::error::Asked;
use crate::workloads::belongs_to;
use crate::{ApiError, Cluster};

impl Cluster {
    /// Flux and Argo CD objects that own the release's workloads by their labels and annotations, such as
    /// `Flux HelmRelease shop/web`; empty when nobody does.
    ///
    /// # Errors
    /// When the workloads cannot be listed.
    pub async fn owners_of_release(&self, namespace: &str, release: &str) -> Result<Vec<String>, ApiError> {
        let (deployments, stateful_sets, daemon_sets, cron_jobs) = tokio::try_join!(
            self.metadata_of::<Deployment>(namespace),
            self.metadata_of::<StatefulSet>(namespace),
            self.metadata_of::<DaemonSet>(namespace),
            self.metadata_of::<CronJob>(namespace),
        )?;
        let found: BTreeSet<String> = [deployments, stateful_sets, daemon_sets, cron_jobs]
            .iter()
            .flatten()
            .filter(|metadata| belongs_to(metadata, namespace, release))
            .flat_map(owners)
            .collect();
        Ok(found.into_iter().collect())
    }

    async fn metadata_of<K>(&self, namespace: &str) -> Result<Vec<ObjectMeta>, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let list = Api::<K>::namespaced(self.client.clone(), namespace)
            .list_metadata(&ListParams::default())
            .await
            .asked(|| format!("list {} in namespace {namespace}", K::plural(&())))?;
        Ok(list.items.into_iter().map(|object| object.metadata).collect())
    }
}

/// Who marked an object as its own. Flux writes labels, Argo CD a label or an annotation, as it is set up.
fn owners(metadata: &ObjectMeta) -> Vec<String> {
    let empty = BTreeMap::new();
    let labels = metadata.labels.as_ref().unwrap_or(&empty);
    let annotations = metadata.annotations.as_ref().unwrap_or(&empty);
    let flux = |kind: &str, group: &str| {
        let name = labels.get(&format!("{group}.toolkit.fluxcd.io/name"))?;
        let namespace = labels.get(&format!("{group}.toolkit.fluxcd.io/namespace"))?;
        Some(format!("Flux {kind} {namespace}/{name}"))
    };
    let argo = annotations
        .get("argocd.argoproj.io/tracking-id")
        .and_then(|tracking| tracking.split(':').next())
        .or(labels.get("argocd.argoproj.io/instance").map(String::as_str))
        .map(|application| format!("Argo CD Application {application}"));
    [
        flux("HelmRelease", "helm"),
        flux("Kustomization", "kustomize"),
        argo,
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::owners;
    use serde_json::json;

    fn found(metadata: serde_json::Value) -> Vec<String> {
        owners(&serde_json::from_value(metadata).unwrap())
    }

    #[test]
    fn flux_is_known_by_its_labels() {
        let labels = json!({"labels": {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop"}});
        assert_eq!(found(labels), ["Flux HelmRelease shop/web"]);
    }

    #[test]
    fn argo_cd_is_known_by_its_tracking_annotation() {
        let annotations =
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop-web:apps/Deployment:shop/web"}});
        assert_eq!(found(annotations), ["Argo CD Application shop-web"]);
    }

    #[test]
    fn helms_own_labels_own_nothing() {
        assert!(found(json!({"labels": {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "web"}})).is_empty());
    }
}
