//! Who else deploys a release: found by the marks on what runs, then asked whether they act.

mod argo;
mod flux;
mod marks;

use std::collections::BTreeSet;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::{Api, ListParams};
use model::{Confidence, Deployer, DeployerActs, DeployerTool};
use serde::de::DeserializeOwned;

use crate::error::Asked;
use crate::workloads::belongs_to;
use crate::{ApiError, Cluster, ServedKinds};
use marks::{Mark, marks};

/// Whether a deployer acts, by its own object, and how sure that is.
struct Standing {
    acts: DeployerActs,
    confidence: Confidence,
}

impl Standing {
    /// Its object was read.
    fn seen(acts: DeployerActs) -> Self {
        Self {
            acts,
            confidence: Confidence::Observed,
        }
    }

    /// There are only the marks that it left.
    fn unknown(why: String) -> Self {
        Self {
            acts: DeployerActs::Unknown(why),
            confidence: Confidence::Inferred,
        }
    }
}

impl Cluster {
    /// Tools besides helm that deploy the release's workloads, by the labels, annotations and field managers that they
    /// leave; empty where none left any. Flux and Argo CD are asked for their own objects where these can be read.
    ///
    /// # Errors
    /// When the workloads cannot be listed.
    pub async fn deployers_of_release(
        &self,
        namespace: &str,
        release: &str,
    ) -> Result<Vec<Deployer>, ApiError> {
        let (deployments, stateful_sets, daemon_sets, cron_jobs) = tokio::try_join!(
            self.metadata_of::<Deployment>(namespace),
            self.metadata_of::<StatefulSet>(namespace),
            self.metadata_of::<DaemonSet>(namespace),
            self.metadata_of::<CronJob>(namespace),
        )?;
        let found: Vec<Mark> = [deployments, stateful_sets, daemon_sets, cron_jobs]
            .iter()
            .flatten()
            .filter(|(_, metadata)| belongs_to(metadata, namespace, release))
            .flat_map(|(kind, metadata)| marks(kind, metadata))
            .collect();
        let found = one_for_each(found);
        if found.is_empty() {
            return Ok(Vec::new());
        }
        // Only where somebody left a mark is it worth a question which kinds there are.
        let served = self.served_kinds().await;
        let mut deployers = Vec::new();
        for mark in found {
            let Standing { acts, confidence } = self.standing(&mark, served.as_ref()).await;
            deployers.push(Deployer {
                tool: mark.tool,
                object: mark.object.as_ref().map(ToString::to_string),
                evidence: mark.evidence,
                confidence,
                acts,
            });
        }
        Ok(deployers)
    }

    async fn standing(&self, mark: &Mark, served: Result<&ServedKinds, &ApiError>) -> Standing {
        let served = match (mark.tool, served) {
            (DeployerTool::Pulumi | DeployerTool::Terraform | DeployerTool::Helmfile, _) => {
                return Standing {
                    acts: DeployerActs::WhenRun,
                    confidence: Confidence::Inferred,
                };
            }
            (DeployerTool::Flux | DeployerTool::ArgoCd, Ok(served)) => served,
            (DeployerTool::Flux | DeployerTool::ArgoCd, Err(error)) => {
                return Standing::unknown(model::causes(error));
            }
        };
        let Some(object) = &mark.object else {
            return Standing::unknown("which of its objects it is does not stand on what runs".to_owned());
        };
        match mark.tool {
            DeployerTool::ArgoCd => argo::standing(self, served, &object.name).await,
            DeployerTool::Flux | DeployerTool::Pulumi | DeployerTool::Terraform | DeployerTool::Helmfile => {
                flux::standing(self, served, object).await
            }
        }
    }

    async fn metadata_of<K>(&self, namespace: &str) -> Result<Vec<(String, ObjectMeta)>, ApiError>
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
        let kind = K::kind(&()).into_owned();
        Ok(list
            .items
            .into_iter()
            .map(|object| (kind.clone(), object.metadata))
            .collect())
    }
}

/// The first mark of each deployer, in order of tool and object. A mark that names no object says nothing beside one that
/// does.
fn one_for_each(mut marks: Vec<Mark>) -> Vec<Mark> {
    let named: BTreeSet<DeployerTool> = marks
        .iter()
        .filter(|mark| mark.object.is_some())
        .map(|mark| mark.tool)
        .collect();
    marks.retain(|mark| mark.object.is_some() || !named.contains(&mark.tool));
    marks.sort_by(|one, other| (one.tool, &one.object).cmp(&(other.tool, &other.object)));
    marks.dedup_by(|one, other| (one.tool, &one.object) == (other.tool, &other.object));
    marks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::answers;

    /// A cluster whose only Deployment has this metadata, and which answers one path besides.
    async fn seen(
        metadata: serde_json::Value,
        path: &'static str,
        answer: (u16, serde_json::Value),
    ) -> Vec<Deployer> {
        let mut metadata = metadata;
        metadata["name"] = json!("web");
        metadata["namespace"] = json!("shop");
        metadata["annotations"]["meta.helm.sh/release-name"] = json!("web");
        let kinds = |group: &str, version: &str, kind: &str, plural: &str| {
            json!({"metadata": {"name": group}, "versions": [{"version": version, "resources": [
                {"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced"}]}]})
        };
        let cluster = answers(move |asked, _| {
            if asked.contains("/deployments") {
                let list = json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": {},
                    "items": [{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata}]});
                return (200, list);
            }
            if asked.contains("/apis/apps/") || asked.contains("/apis/batch/") {
                return (200, json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList",
                    "metadata": {}, "items": []}));
            }
            if asked == "GET /apis" {
                return (200, json!({"apiVersion": "apidiscovery.k8s.io/v2", "kind": "APIGroupDiscoveryList",
                    "metadata": {}, "items": [
                        kinds("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases"),
                        kinds("argoproj.io", "v1alpha1", "Application", "applications")]}));
            }
            if asked.contains(path) {
                return answer.clone();
            }
            (404, json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
                "message": "not found", "metadata": {}}))
        })
        .await;
        cluster.deployers_of_release("shop", "web").await.unwrap()
    }

    fn flux_labels() -> serde_json::Value {
        json!({"labels": {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop"}})
    }

    fn release(suspend: bool) -> serde_json::Value {
        json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "web", "namespace": "shop"}, "spec": {"suspend": suspend}})
    }

    #[tokio::test]
    async fn flux_acts_by_itself_until_it_is_suspended() {
        let path = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/shop/helmreleases/web";
        for (suspend, acts) in [(false, DeployerActs::ByItself), (true, DeployerActs::Suspended)] {
            let found = seen(flux_labels(), path, (200, release(suspend))).await;
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(
                (&found[0].acts, found[0].confidence),
                (&acts, Confidence::Observed)
            );
            assert_eq!(found[0].to_string(), "Flux HelmRelease shop/web");
        }
    }

    #[tokio::test]
    async fn where_its_object_cannot_be_read_it_is_not_known_whether_it_acts() {
        let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
            "message": "helmreleases is forbidden", "metadata": {}});
        for answer in [
            (403, refusal),
            (
                404,
                json!({"kind": "Status", "code": 404, "reason": "NotFound",
            "status": "Failure", "message": "", "metadata": {}}),
            ),
        ] {
            let found = seen(flux_labels(), "/helmreleases/web", answer).await;
            assert!(matches!(found[0].acts, DeployerActs::Unknown(_)), "{found:?}");
        }
    }

    #[tokio::test]
    async fn argo_cd_acts_as_its_application_says() {
        let marked =
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop-web:apps/Deployment:shop/web"}});
        let list = |policy: serde_json::Value| {
            json!({"metadata": {}, "items": [{"metadata": {"name": "shop-web", "namespace": "argocd"},
                "spec": {"syncPolicy": policy}}]})
        };
        for (policy, acts) in [
            (json!({"automated": {"selfHeal": true}}), DeployerActs::ByItself),
            (json!({"automated": {}}), DeployerActs::OnChange),
            (
                json!({"automated": {"enabled": false, "selfHeal": true}}),
                DeployerActs::WhenRun,
            ),
            (json!({}), DeployerActs::WhenRun),
        ] {
            let found = seen(marked.clone(), "/applications", (200, list(policy))).await;
            assert_eq!(found[0].acts, acts, "{found:?}");
            assert_eq!(found[0].object.as_deref(), Some("Application shop-web"));
        }
        let found = seen(
            marked,
            "/applications",
            (200, json!({"metadata": {}, "items": []})),
        )
        .await;
        assert!(matches!(found[0].acts, DeployerActs::Unknown(_)), "{found:?}");
    }

    #[tokio::test]
    async fn who_left_no_mark_is_not_asked_about() {
        assert_eq!(seen(json!({}), "/nothing", (500, json!({}))).await, []);
    }
}
