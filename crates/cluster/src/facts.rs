//! The cluster itself.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;
use model::{ClusterFacts, Seen};

use crate::error::Asked;
use crate::{ApiError, Cluster};

/// The namespace that exists in every cluster from its first to its last day: its UID names the cluster.
const OLDEST_NAMESPACE: &str = "kube-system";

impl Cluster {
    /// The API server's version, the cluster's UID, the context's name.
    ///
    /// # Errors
    /// When the version cannot be read. A UID that may not be read is a fact of its own.
    pub async fn facts(&self) -> Result<ClusterFacts, ApiError> {
        let namespaces = Api::<Namespace>::all(self.client.clone());
        let (version, oldest) = tokio::join!(
            self.client.apiserver_version(),
            namespaces.get_metadata_opt(OLDEST_NAMESPACE),
        );
        let uid = oldest
            .asked(|| format!("read namespace {OLDEST_NAMESPACE}"))
            .map(|found| found.and_then(|namespace| namespace.metadata.uid));
        Ok(ClusterFacts {
            version: version
                .asked(|| "read the API server's version".to_owned())?
                .git_version,
            uid: Seen::from_result(uid),
            context: self.context.clone(),
        })
    }
}
