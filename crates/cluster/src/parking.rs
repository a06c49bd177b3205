//! DaemonSets without pods: a node selector that matches no node, without a trace in their managedFields.
//!
//! A DaemonSet has no count. Its controller ends every pod whose node its selector does not match, whatever its update
//! strategy, and each pod has its own grace period.

use k8s_openapi::api::apps::v1::DaemonSet;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::disown::disown;
use crate::error::Asked;
use crate::{ApiError, Cluster, FIELD_MANAGER};

/// The key of a node selector that no node has as a label.
pub const PARKED: &str = "safe-upgrade.dev/parked";

impl Cluster {
    /// What our key of a DaemonSet's node selector says; `None` when it is not there.
    ///
    /// # Errors
    /// When the DaemonSet cannot be read.
    pub async fn parked(&self, namespace: &str, daemon_set: &str) -> Result<Option<String>, ApiError> {
        let found = self.daemon_sets(namespace).get(daemon_set).await;
        let found = found.asked(|| format!("read daemonset/{daemon_set} in namespace {namespace}"))?;
        let pod = found.spec.and_then(|spec| spec.template.spec);
        Ok(pod
            .and_then(|pod| pod.node_selector)
            .and_then(|mut selector| selector.remove(PARKED)))
    }

    /// Writes our key of a DaemonSet's node selector (`None` takes it away, and with the last key the selector) and takes
    /// our managedFields entry out again, under a `resourceVersion` test, so that the next `helm upgrade` meets no owner
    /// but its own. Idempotent.
    ///
    /// # Errors
    /// When the DaemonSet cannot be patched.
    pub async fn set_parked(
        &self,
        namespace: &str,
        daemon_set: &str,
        value: Option<&str>,
    ) -> Result<(), ApiError> {
        let api = self.daemon_sets(namespace);
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let selector = json!({ PARKED: value });
        let change = json!({ "spec": { "template": { "spec": { "nodeSelector": selector } } } });
        let what = || format!("daemonset/{daemon_set} in namespace {namespace}");
        api.patch(daemon_set, &params, &Patch::Merge(change))
            .await
            .asked(|| format!("set the node selector of {}", what()))?;
        disown(&api, daemon_set, what).await
    }

    fn daemon_sets(&self, namespace: &str) -> Api<DaemonSet> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;
    use crate::fake::answers;

    fn daemon_set(selector: Value) -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": { "name": "agent", "namespace": "shop", "resourceVersion": "7" },
            "spec": { "selector": {}, "template": { "spec": { "containers": [], "nodeSelector": selector } } } })
    }

    #[tokio::test]
    async fn a_selector_of_the_application_s_own_is_no_parking() {
        let cluster = answers(|_, _| (200, daemon_set(json!({ "disk": "fast" })))).await;
        assert_eq!(cluster.parked("shop", "agent").await.unwrap(), None);
        let cluster = answers(|_, _| (200, daemon_set(json!({ "disk": "fast", PARKED: "true" })))).await;
        assert_eq!(
            cluster.parked("shop", "agent").await.unwrap().as_deref(),
            Some("true")
        );
    }

    #[tokio::test]
    async fn parking_touches_one_key_and_leaves_no_owner_behind() {
        let asked: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let heard = Arc::clone(&asked);
        let cluster = answers(move |request, body| {
            heard.lock().unwrap().push((request.to_owned(), body.to_owned()));
            let mut answer = daemon_set(json!({ PARKED: "true" }));
            answer["metadata"]["managedFields"] = json!([
                { "manager": "helm", "operation": "Apply" },
                { "manager": FIELD_MANAGER, "operation": "Update" },
            ]);
            (200, answer)
        })
        .await;
        cluster.set_parked("shop", "agent", Some("true")).await.unwrap();
        let asked = asked.lock().unwrap();
        let patches: Vec<Value> = asked
            .iter()
            .filter(|(request, _)| request.starts_with("PATCH"))
            .map(|(_, body)| serde_json::from_str(body).unwrap())
            .collect();
        assert_eq!(
            patches[0],
            json!({ "spec": { "template": { "spec": { "nodeSelector": { PARKED: "true" } } } } })
        );
        assert_eq!(
            patches[1],
            json!([
                { "op": "test", "path": "/metadata/resourceVersion", "value": "7" },
                { "op": "remove", "path": "/metadata/managedFields/1" },
            ])
        );
    }
}
