//! What a workload's metadata tells: which object it is, and whether its spec was written since it was last looked at.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::Api;
use model::{WorkloadKind, WorkloadName};
use serde::de::DeserializeOwned;

use crate::error::Asked;
use crate::{ApiError, Cluster};

impl Cluster {
    /// A word that is the same as long as nobody writes the workload's spec: the object's UID and its
    /// `metadata.generation`, which the API server counts up. `None` where the workload does not exist.
    ///
    /// # Errors
    /// When the workload cannot be read.
    pub async fn generation(&self, name: &WorkloadName) -> Result<Option<String>, ApiError> {
        Ok(self.workload_metadata(name).await?.map(|metadata| {
            let uid = metadata.uid.unwrap_or_default();
            format!("{uid}/{}", metadata.generation.unwrap_or_default())
        }))
    }

    /// A workload's UID; `None` where it does not exist.
    ///
    /// # Errors
    /// When the workload cannot be read.
    pub async fn uid(&self, name: &WorkloadName) -> Result<Option<String>, ApiError> {
        Ok(self
            .workload_metadata(name)
            .await?
            .and_then(|metadata| metadata.uid))
    }

    async fn workload_metadata(&self, name: &WorkloadName) -> Result<Option<ObjectMeta>, ApiError> {
        match name.kind {
            WorkloadKind::Deployment => self.one_metadata::<Deployment>(name).await,
            WorkloadKind::StatefulSet => self.one_metadata::<StatefulSet>(name).await,
            WorkloadKind::DaemonSet => self.one_metadata::<DaemonSet>(name).await,
            WorkloadKind::CronJob => self.one_metadata::<CronJob>(name).await,
            WorkloadKind::Job => self.one_metadata::<Job>(name).await,
        }
        .asked(|| format!("read {name} in namespace {}", name.namespace))
    }

    async fn one_metadata<K>(&self, name: &WorkloadName) -> Result<Option<ObjectMeta>, kube::Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let api = Api::<K>::namespaced(self.client.clone(), &name.namespace);
        let found = api.get_metadata_opt(&name.name).await?;
        Ok(found.map(|found| found.metadata))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::answers;

    fn web() -> WorkloadName {
        WorkloadName {
            kind: WorkloadKind::Deployment,
            namespace: "shop".into(),
            name: "web".into(),
        }
    }

    #[tokio::test]
    async fn a_workload_that_was_made_anew_is_another_one_though_it_counts_from_the_same_number() {
        let mut uids = ["a", "b"].into_iter();
        let cluster = answers(move |_, _| {
            let metadata = json!({ "name": "web", "uid": uids.next(), "generation": 1 });
            let kind = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata });
            (200, kind)
        })
        .await;
        let before = cluster.generation(&web()).await.unwrap();
        assert_eq!(before.as_deref(), Some("a/1"));
        assert_ne!(cluster.generation(&web()).await.unwrap(), before);
    }

    #[tokio::test]
    async fn a_workload_that_does_not_exist_has_no_generation() {
        let cluster = answers(|_, _| {
            let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure",
                "reason": "NotFound", "code": 404 });
            (404, status)
        })
        .await;
        assert_eq!(cluster.generation(&web()).await.unwrap(), None);
    }
}
