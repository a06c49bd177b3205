//! KEDA's ScaledObjects: found by what the API server serves, paused and let go by KEDA's own annotation:
//! <https://keda.sh/docs/latest/reference/scaledobject-spec/#pause-autoscaling>.
//!
//! Paused, KEDA leaves the count alone and takes its own HorizontalPodAutoscaler away; let go, it makes it again.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::ResourceExt;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use kube::runtime::watcher::Config;
use model::{Scaler, Workload};
use serde_json::{Value, json};

use crate::disown::disown;
use crate::error::Asked;
use crate::wait::{Judgement, watch_until};
use crate::workloads::RELEASE_NAME;
use crate::{ApiError, Cluster, FIELD_MANAGER, ListScope, Listed, ObjectKind, WaitError};

const VERSION: &str = "v1alpha1";

const SCALED_OBJECT: ObjectKind = ObjectKind {
    group: "keda.sh",
    kind: Scaler::KEDA,
    versions: &[VERSION],
};

/// `true` leaves the count as it is until the annotation goes.
const PAUSED: &str = "autoscaling.keda.sh/paused";
/// Holds the target at this count.
const PAUSED_AT: &str = "autoscaling.keda.sh/paused-replicas";

/// What KEDA takes for a kind, a least and a greatest count that are not written.
const DEFAULT_KIND: &str = "Deployment";
const DEFAULT_LEAST: i64 = 0;
const DEFAULT_GREATEST: i64 = 100;

impl Cluster {
    /// The ScaledObjects whose target is one of these workloads; none where KEDA is not installed.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn scaled_objects_of(&self, workloads: &[Workload]) -> Result<Vec<Scaler>, ApiError> {
        let namespaces: BTreeSet<&str> = workloads.iter().map(|one| one.name.namespace.as_str()).collect();
        if namespaces.is_empty() {
            return Ok(Vec::new());
        }
        let served = self.served_kinds().await?;
        let mut scalers = Vec::new();
        for namespace in namespaces {
            let scope = ListScope::Namespace(namespace.to_owned());
            match self.list_objects(&served, &SCALED_OBJECT, &scope).await? {
                Listed::Objects(objects) => {
                    scalers.extend(objects.iter().filter_map(|object| scaler(object, workloads)));
                }
                // A kind that a CustomResourceDefinition brings is served by the API server itself, which is never away.
                Listed::Absent | Listed::Away => return Ok(Vec::new()),
            }
        }
        Ok(scalers)
    }

    /// What the annotation that pauses a ScaledObject says; `None` when it is not there.
    ///
    /// # Errors
    /// When the ScaledObject cannot be read.
    pub async fn keda_paused(&self, namespace: &str, name: &str) -> Result<Option<String>, ApiError> {
        let found = self.scaled_objects(namespace).get(name).await;
        let found = found.asked(|| format!("read scaledobject/{name} in namespace {namespace}"))?;
        Ok(found.annotations().get(PAUSED).cloned())
    }

    /// Writes the annotation that pauses a ScaledObject (`None` takes it away) and takes our managedFields entry out
    /// again. Idempotent.
    ///
    /// # Errors
    /// When the ScaledObject cannot be patched.
    pub async fn set_keda_paused(
        &self,
        namespace: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), ApiError> {
        let api = self.scaled_objects(namespace);
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let change = json!({ "metadata": { "annotations": { PAUSED: value } } });
        let what = || format!("scaledobject/{name} in namespace {namespace}");
        api.patch(name, &params, &Patch::Merge(change))
            .await
            .asked(|| format!("set the pause of {}", what()))?;
        disown(&api, name, what).await
    }

    /// Waits until KEDA itself says that it has paused a ScaledObject. A KEDA that does not run, or is too old to know
    /// the annotation, never says so.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Stalled`] when it is gone; or when it cannot be watched.
    pub async fn wait_keda_paused(
        &self,
        namespace: &str,
        name: &str,
        limit: Duration,
    ) -> Result<(), WaitError> {
        let config = Config::default().fields(&format!("metadata.name={name}"));
        let what = format!("KEDA's word that scaledobject/{name} is paused");
        watch_until(
            self.scaled_objects(namespace),
            config,
            what,
            limit,
            |objects| match objects.get(name) {
                None => Judgement::Stalled("it is gone".to_owned()),
                Some(object) if says_paused(&object.data) => Judgement::Done(()),
                Some(_) => Judgement::Wait("its condition Paused is not True".to_owned()),
            },
        )
        .await
    }

    fn scaled_objects(&self, namespace: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk(SCALED_OBJECT.group, VERSION, SCALED_OBJECT.kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, "scaledobjects");
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }
}

fn says_paused(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Paused" && condition["status"] == "True")
}

fn scaler(object: &Value, workloads: &[Workload]) -> Option<Scaler> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (metadata, spec) = (&object["metadata"], &object["spec"]);
    let namespace = text(&metadata["namespace"])?;
    let target = &spec["scaleTargetRef"];
    let (name, kind) = (text(&target["name"])?, text(&target["kind"]));
    let kind = kind.as_deref().unwrap_or(DEFAULT_KIND);
    let workload = workloads.iter().find(|workload| {
        workload.name.namespace == namespace
            && workload.name.name == name
            && workload.name.kind.to_string() == kind
    })?;
    let count = |value: &Value, otherwise: i64| {
        i32::try_from(value.as_i64().unwrap_or(otherwise)).unwrap_or(i32::MAX)
    };
    let annotation = |key: &str| text(&metadata["annotations"][key]);
    Some(Scaler {
        kind: Scaler::KEDA.to_owned(),
        name: text(&metadata["name"])?,
        target: workload.name.clone(),
        min_replicas: count(&spec["minReplicaCount"], DEFAULT_LEAST),
        max_replicas: count(&spec["maxReplicaCount"], DEFAULT_GREATEST),
        release: annotation(RELEASE_NAME),
        paused: annotation(PAUSED),
        paused_at: annotation(PAUSED_AT),
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;

    use super::*;
    use crate::workloads::of_deployment;

    fn web() -> Workload {
        let web = json!({ "metadata": { "name": "web", "namespace": "shop" } });
        of_deployment(&serde_json::from_value::<Deployment>(web).unwrap())
    }

    #[test]
    fn a_scaled_object_is_read_with_what_keda_takes_for_granted() {
        let object = json!({
            "metadata": { "name": "web", "namespace": "shop", "annotations": { PAUSED_AT: "3" } },
            "spec": { "scaleTargetRef": { "name": "web" }, "triggers": [] },
        });
        let found = scaler(&object, &[web()]).unwrap();
        assert_eq!((found.min_replicas, found.max_replicas), (0, 100));
        assert_eq!((found.paused, found.paused_at.as_deref()), (None, Some("3")));
    }

    #[test]
    fn a_scaled_object_of_another_kind_or_namespace_is_not_ours() {
        let object = |kind: &str, namespace: &str| {
            json!({
                "metadata": { "name": "web", "namespace": namespace },
                "spec": { "scaleTargetRef": { "name": "web", "kind": kind } },
            })
        };
        assert!(scaler(&object("StatefulSet", "shop"), &[web()]).is_none());
        assert!(scaler(&object("Deployment", "other"), &[web()]).is_none());
    }

    #[test]
    fn only_keda_s_own_word_is_a_pause() {
        let said = |status: &str| {
            json!({ "status": { "conditions": [
                { "type": "Ready", "status": "True" }, { "type": "Paused", "status": status },
            ] } })
        };
        assert!(says_paused(&said("True")));
        assert!(!says_paused(&said("Unknown")));
        assert!(!says_paused(&json!({})));
    }
}
