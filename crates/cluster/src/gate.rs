//! Readiness gates: conditions in a pod's status that we set.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::error::Asked;
use crate::{ApiError, Cluster, FIELD_MANAGER};

impl Cluster {
    /// Sets a condition of a pod's status to `True`, which opens the readiness gate of that name. The kubelet makes the
    /// pod ready one or two seconds later. Needs `patch` on `pods/status`. Idempotent.
    ///
    /// # Errors
    /// When the pod cannot be patched.
    pub async fn open_readiness_gate(
        &self,
        namespace: &str,
        pod: &str,
        condition: &str,
    ) -> Result<(), ApiError> {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        // Strategic: the list of conditions is merged by type, the kubelet's own stay.
        let change = json!({ "status": { "conditions": [{ "type": condition, "status": "True" }] } });
        Api::<Pod>::namespaced(self.client.clone(), namespace)
            .patch_status(pod, &params, &Patch::Strategic(change))
            .await
            .map(drop)
            .asked(|| format!("open the readiness gate {condition} of pod {pod} in namespace {namespace}"))
    }
}
