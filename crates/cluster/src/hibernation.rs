//! Putting a CloudNativePG cluster to sleep and waking it up, by its documented annotation:
//! <https://cloudnative-pg.io/documentation/current/declarative_hibernation/>.

use std::time::Duration;

use kube::ResourceExt;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use serde_json::json;

use crate::error::Asked;
use crate::{ApiError, Cluster, FIELD_MANAGER, Selector, WaitError};

/// `on` puts a cluster to sleep.
const HIBERNATION: &str = "cnpg.io/hibernation";

/// What was said before us, so that a run that was killed can still give it back: empty means nothing.
const BEFORE: &str = "safe-upgrade.dev/hibernation-before";

/// The label of a cluster's pods.
const CLUSTER: &str = "cnpg.io/cluster";

impl Cluster {
    /// Puts a cluster to sleep; what its annotation said before is remembered in another one.
    ///
    /// # Errors
    /// When the cluster cannot be read or changed.
    pub async fn hibernate(&self, namespace: &str, cluster: &str) -> Result<(), ApiError> {
        let clusters = self.cnpg_clusters(namespace);
        let reading = || format!("read CloudNativePG cluster {cluster} in namespace {namespace}");
        let found = clusters.get(cluster).await.asked(reading)?;
        let said = found.annotations();
        // Ours from a run that was killed: what it remembers is what there was.
        let before = said.get(BEFORE).or_else(|| said.get(HIBERNATION));
        let before = before.cloned().unwrap_or_default();
        self.annotate(namespace, cluster, json!({ HIBERNATION: "on", BEFORE: before }))
            .await
    }

    /// Gives back what the annotation said before [`Cluster::hibernate`]; does nothing where it was not called.
    ///
    /// # Errors
    /// When the cluster cannot be read or changed.
    pub async fn wake(&self, namespace: &str, cluster: &str) -> Result<(), ApiError> {
        let clusters = self.cnpg_clusters(namespace);
        let reading = || format!("read CloudNativePG cluster {cluster} in namespace {namespace}");
        let found = clusters.get(cluster).await.asked(reading)?;
        let Some(before) = found.annotations().get(BEFORE) else {
            return Ok(());
        };
        let before = (!before.is_empty()).then_some(before);
        self.annotate(namespace, cluster, json!({ HIBERNATION: before, BEFORE: null }))
            .await
    }

    /// Waits until none of the cluster's pods is there any more.
    ///
    /// # Errors
    /// When it takes longer than `limit`, or pods cannot be watched.
    pub async fn wait_hibernated(
        &self,
        namespace: &str,
        cluster: &str,
        limit: Duration,
    ) -> Result<(), WaitError> {
        let selector = Selector::from([(CLUSTER.to_owned(), cluster.to_owned())]);
        self.wait_pods_gone(namespace, &[selector], limit, |_| ()).await
    }

    async fn annotate(
        &self,
        namespace: &str,
        cluster: &str,
        annotations: serde_json::Value,
    ) -> Result<(), ApiError> {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = json!({ "metadata": { "annotations": annotations } });
        self.cnpg_clusters(namespace)
            .patch(cluster, &params, &Patch::Merge(patch))
            .await
            .asked(|| format!("annotate CloudNativePG cluster {cluster} in namespace {namespace}"))
            .map(drop)
    }

    fn cnpg_clusters(&self, namespace: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("postgresql.cnpg.io", "v1", "Cluster");
        let resource = ApiResource::from_gvk_with_plural(&kind, "clusters");
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }
}
