//! Who uses a PersistentVolumeClaim.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, PodSpec};
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use crate::error::Asked;
use crate::pods::has_ended;
use crate::{ApiError, Cluster};

/// The label by which CloudNativePG names the cluster that a claim belongs to.
const CNPG_CLUSTER: &str = "cnpg.io/cluster";

/// A workload that mounts a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimUser {
    /// The workload: `statefulset/db`.
    pub workload: String,
    /// The image of the container that mounts it.
    pub image: String,
    /// `runAsUser` of the container or the pod, where said.
    pub user: Option<i64>,
}

impl Cluster {
    /// The pods that use a claim and have not ended, by name, but for those that carry all of these labels; all of them
    /// where none is said.
    ///
    /// # Errors
    /// When the claim does not exist, or pods cannot be listed.
    pub async fn pods_of_claim(
        &self,
        namespace: &str,
        claim: &str,
        but: &[(&str, &str)],
    ) -> Result<Vec<String>, ApiError> {
        self.claim(namespace, claim).await?;
        let pods = self.pods_using(namespace, claim).await?;
        let left_out = |pod: &Pod| {
            let has =
                |(key, value): &(&str, &str)| pod.labels().get(*key).is_some_and(|found| found == value);
            !but.is_empty() && but.iter().all(has)
        };
        Ok(pods
            .iter()
            .filter(|pod| !left_out(pod))
            .map(ResourceExt::name_any)
            .collect())
    }

    /// The StatefulSet or Deployment that mounts a claim, running or not.
    ///
    /// # Errors
    /// When workloads cannot be listed.
    pub async fn user_of_claim(&self, namespace: &str, claim: &str) -> Result<Option<ClaimUser>, ApiError> {
        let (sets, deployments) = (
            Api::<StatefulSet>::namespaced(self.client.clone(), namespace),
            Api::<Deployment>::namespaced(self.client.clone(), namespace),
        );
        let all = ListParams::default();
        let (sets, deployments) = tokio::join!(sets.list(&all), deployments.list(&all));
        let sets = sets.asked(|| format!("list StatefulSets in namespace {namespace}"))?;
        for set in sets {
            let name = set.name_any();
            let Some(spec) = set.spec else { continue };
            let pod = spec.template.spec.unwrap_or_default();
            let template = spec
                .volume_claim_templates
                .iter()
                .flatten()
                .map(ResourceExt::name_any)
                .find(|template| is_of_template(claim, template, &name));
            let volume = template.or_else(|| mount(&pod, claim));
            if let Some(found) = volume.and_then(|volume| user(&pod, &volume, format!("statefulset/{name}")))
            {
                return Ok(Some(found));
            }
        }
        let deployments = deployments.asked(|| format!("list Deployments in namespace {namespace}"))?;
        Ok(deployments.into_iter().find_map(|deployment| {
            let name = deployment.name_any();
            let pod = deployment.spec?.template.spec?;
            user(&pod, &mount(&pod, claim)?, format!("deployment/{name}"))
        }))
    }

    /// The CloudNativePG cluster that a claim belongs to, by its label.
    ///
    /// # Errors
    /// When the claim does not exist or may not be read.
    pub async fn cnpg_cluster_of_claim(
        &self,
        namespace: &str,
        claim: &str,
    ) -> Result<Option<String>, ApiError> {
        let claim = self.claim(namespace, claim).await?;
        Ok(claim.labels().get(CNPG_CLUSTER).cloned())
    }

    /// The node of a running pod that uses a claim: where a volume can be mounted by one node only, another pod has to be
    /// there.
    ///
    /// # Errors
    /// When pods cannot be listed.
    pub async fn node_of_claim(&self, namespace: &str, claim: &str) -> Result<Option<String>, ApiError> {
        let pods = self.pods_using(namespace, claim).await?;
        Ok(pods.into_iter().find_map(|pod| pod.spec?.node_name))
    }

    /// The pods that mount a claim and have not ended.
    async fn pods_using(&self, namespace: &str, claim: &str) -> Result<Vec<Pod>, ApiError> {
        let mut pods = Api::<Pod>::namespaced(self.client.clone(), namespace)
            .list(&ListParams::default())
            .await
            .asked(|| format!("list pods in namespace {namespace}"))?
            .items;
        pods.retain(|pod| {
            !has_ended(pod) && pod.spec.as_ref().is_some_and(|spec| mount(spec, claim).is_some())
        });
        Ok(pods)
    }

    /// Whether there is a claim of this name.
    ///
    /// # Errors
    /// When that may not be looked up.
    pub async fn has_claim(&self, namespace: &str, claim: &str) -> Result<bool, ApiError> {
        match self.claim(namespace, claim).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn claim(&self, namespace: &str, claim: &str) -> Result<PersistentVolumeClaim, ApiError> {
        Api::<PersistentVolumeClaim>::namespaced(self.client.clone(), namespace)
            .get(claim)
            .await
            .asked(|| format!("read persistentvolumeclaim/{claim} in namespace {namespace}"))
    }
}

/// The volume of a pod that is this claim.
fn mount(pod: &PodSpec, claim: &str) -> Option<String> {
    let volumes = pod.volumes.iter().flatten();
    volumes
        .filter(|volume| {
            volume
                .persistent_volume_claim
                .as_ref()
                .is_some_and(|source| source.claim_name == claim)
        })
        .map(|volume| volume.name.clone())
        .next()
}

/// Whether a StatefulSet made this claim of this template: `<template>-<set>-<number>`.
fn is_of_template(claim: &str, template: &str, set: &str) -> bool {
    claim
        .strip_prefix(template)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_prefix(set))
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn user(pod: &PodSpec, volume: &str, workload: String) -> Option<ClaimUser> {
    let container = pod.containers.iter().find(|container| {
        container
            .volume_mounts
            .iter()
            .flatten()
            .any(|mount| mount.name == volume)
    })?;
    let own = container
        .security_context
        .as_ref()
        .and_then(|context| context.run_as_user);
    let of_pod = || pod.security_context.as_ref()?.run_as_user;
    Some(ClaimUser {
        workload,
        image: container.image.clone()?,
        user: own.or_else(of_pod),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::answers;

    #[tokio::test]
    async fn a_claim_is_used_by_pods_that_run_but_for_those_with_our_labels() {
        let pod = |name: &str, claim: &str, labels: serde_json::Value, phase: &str| {
            json!({
                "metadata": {"name": name, "labels": labels}, "status": {"phase": phase},
                "spec": {"nodeName": format!("node-of-{name}"), "containers": [],
                    "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]},
            })
        };
        let cluster = answers(move |request, _| {
            if request.contains("/persistentvolumeclaims/") {
                return (200, json!({"metadata": {"name": "data"}}));
            }
            let pods = [
                pod("ended", "data", json!({}), "Succeeded"),
                pod("other", "else", json!({}), "Running"),
                pod("ours", "data", json!({"by": "us", "for": "artefact"}), "Running"),
                pod("half", "data", json!({"by": "us"}), "Running"),
                pod("web", "data", json!({}), "Running"),
            ];
            (
                200,
                json!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": pods}),
            )
        })
        .await;
        let users = async |but: &[(&str, &str)]| cluster.pods_of_claim("shop", "data", but).await.unwrap();
        assert_eq!(users(&[]).await, ["ours", "half", "web"]);
        assert_eq!(users(&[("by", "us"), ("for", "artefact")]).await, ["half", "web"]);
        let node = cluster.node_of_claim("shop", "data").await.unwrap();
        assert_eq!(node.as_deref(), Some("node-of-ours"));
    }

    #[test]
    fn a_claim_is_of_its_own_set_only() {
        assert!(is_of_template("data-db-0", "data", "db"));
        assert!(!is_of_template("data-db-0", "data", "d"));
        assert!(!is_of_template("data-db-0", "data", "db-0"));
        assert!(!is_of_template("data-db-main-0", "data", "db"));
    }

    #[test]
    fn the_container_that_mounts_the_claim_says_image_and_user() {
        let pod: PodSpec = serde_json::from_value(json!({
            "securityContext": {"runAsUser": 26},
            "containers": [
                {"name": "exporter", "image": "exporter:1"},
                {"name": "db", "image": "postgres:17", "volumeMounts": [{"name": "v", "mountPath": "/x"}]}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}))
        .unwrap();
        let found = user(&pod, &mount(&pod, "data").unwrap(), "deployment/db".into()).unwrap();
        assert_eq!((found.image.as_str(), found.user), ("postgres:17", Some(26)));
        assert_eq!(mount(&pod, "other"), None);
    }
}
