//! The marks that deployers leave on what they deploy.
//!
//! Flux's helm-controller labels what it installs and writes as field manager `helm-controller`. Argo CD writes a tracking
//! annotation or a label, as it is set up, and is field manager `argocd-controller`. The providers of Terraform and Pulumi
//! use Helm's library, which takes the program's own name for the field manager where helm itself says `helm`.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use model::DeployerTool;

const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
const ARGO_INSTANCE: &str = "argocd.argoproj.io/instance";
const INSTANCE: &str = "app.kubernetes.io/instance";

/// A mark on one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) tool: DeployerTool,
    /// The deployer's own object, where the mark names it.
    pub(super) object: Option<DeployersObject>,
    /// What was read, and where.
    pub(super) evidence: String,
}

/// An object of a deployer's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeployersObject {
    pub(super) kind: &'static str,
    /// `None` where the mark does not tell it.
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

impl fmt::Display for DeployersObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            namespace,
            name,
        } = self;
        match namespace {
            Some(namespace) => write!(f, "{kind} {namespace}/{name}"),
            None => write!(f, "{kind} {name}"),
        }
    }
}

/// Every mark on an object of this kind.
pub(super) fn marks(kind: &str, metadata: &ObjectMeta) -> Vec<Mark> {
    let place = format!(
        "{}/{}",
        kind.to_lowercase(),
        metadata.name.as_deref().unwrap_or_default()
    );
    let labelled = [
        flux(metadata, &place, "HelmRelease", "helm.toolkit.fluxcd.io"),
        flux(metadata, &place, "Kustomization", "kustomize.toolkit.fluxcd.io"),
        argo(kind, metadata, &place),
    ];
    let managers = metadata.managed_fields.iter().flatten();
    labelled
        .into_iter()
        .flatten()
        .chain(managers.filter_map(|entry| managed(metadata, entry, &place)))
        .collect()
}

fn label<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    value(metadata.labels.as_ref(), key)
}

fn value<'a>(map: Option<&'a BTreeMap<String, String>>, key: &str) -> Option<&'a str> {
    map?.get(key).map(String::as_str)
}

fn flux(metadata: &ObjectMeta, place: &str, kind: &'static str, group: &str) -> Option<Mark> {
    let name = label(metadata, &format!("{group}/name"))?;
    let namespace = label(metadata, &format!("{group}/namespace"))?;
    Some(Mark {
        tool: DeployerTool::Flux,
        object: Some(DeployersObject {
            kind,
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        }),
        evidence: format!("label {group}/name on {place}"),
    })
}

fn argo(kind: &str, metadata: &ObjectMeta, place: &str) -> Option<Mark> {
    let tracked = value(metadata.annotations.as_ref(), TRACKING_ID)
        .and_then(|tracking| tracked_by(tracking, kind, metadata))
        .map(|name| (name, format!("annotation {TRACKING_ID} on {place}")));
    let (name, evidence) = tracked.or_else(|| {
        let name = label(metadata, ARGO_INSTANCE)?;
        Some((name, format!("label {ARGO_INSTANCE} on {place}")))
    })?;
    Some(Mark {
        tool: DeployerTool::ArgoCd,
        object: Some(application(name)),
        evidence,
    })
}

fn application(name: &str) -> DeployersObject {
    DeployersObject {
        kind: "Application",
        namespace: None,
        name: name.to_owned(),
    }
}

/// The application in a tracking annotation, `APPLICATION:GROUP/KIND:NAMESPACE/NAME`, if it means this very object: one
/// that was copied from another object means nothing to Argo CD either.
fn tracked_by<'a>(tracking: &'a str, kind: &str, metadata: &ObjectMeta) -> Option<&'a str> {
    let mut parts = tracking.splitn(3, ':');
    let (application, of_kind, object) = (parts.next()?, parts.next()?, parts.next()?);
    let own = format!(
        "{}/{}",
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default()
    );
    let means_this = of_kind.rsplit('/').next() == Some(kind) && object == own;
    means_this.then_some(application)
}

/// A field manager that is a deployer's, where it wrote what runs and not only a label or a count.
fn managed(metadata: &ObjectMeta, entry: &ManagedFieldsEntry, place: &str) -> Option<Mark> {
    let manager = entry.manager.as_deref()?;
    let tool = tool_of(manager)?;
    let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
    let wrote = fields.is_some_and(|fields| fields.get("f:spec").is_some());
    let whole = entry.subresource.as_deref().is_none_or(str::is_empty);
    if !wrote || !whole {
        return None;
    }
    let last = entry
        .time
        .as_ref()
        .map(|time| format!(", last at {}", time.0))
        .unwrap_or_default();
    // By its label alone nothing is known: Helm charts write the same one. Beside the field manager it is the application.
    let object = match tool {
        DeployerTool::ArgoCd => label(metadata, INSTANCE).map(application),
        DeployerTool::Flux | DeployerTool::Pulumi | DeployerTool::Terraform | DeployerTool::Helmfile => None,
    };
    Some(Mark {
        tool,
        object,
        evidence: format!("field manager {manager} of {place}{last}"),
    })
}

fn tool_of(manager: &str) -> Option<DeployerTool> {
    let manager = manager.to_ascii_lowercase();
    let known = [
        (manager == "helm-controller", DeployerTool::Flux),
        (manager == "kustomize-controller", DeployerTool::Flux),
        (manager.starts_with("argocd-"), DeployerTool::ArgoCd),
        (
            manager.contains("terraform") || manager.contains("opentofu") || manager == "hashicorp",
            DeployerTool::Terraform,
        ),
        (manager.starts_with("pulumi-"), DeployerTool::Pulumi),
    ];
    known.into_iter().find(|(is, _)| *is).map(|(_, tool)| tool)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(metadata: serde_json::Value) -> Vec<String> {
        let mut metadata = metadata;
        metadata["name"] = json!("web");
        metadata["namespace"] = json!("shop");
        marks("Deployment", &serde_json::from_value(metadata).unwrap())
            .into_iter()
            .map(|mark| {
                let object = mark.object.map(|object| format!(" {object}")).unwrap_or_default();
                format!("{}{object}: {}", mark.tool, mark.evidence)
            })
            .collect()
    }

    fn by(manager: &str, fields: serde_json::Value) -> Vec<String> {
        found(json!({
            "labels": {"app.kubernetes.io/instance": "shop-web"},
            "managedFields": [{"manager": manager, "operation": "Update", "fieldsType": "FieldsV1",
                "time": "2026-05-01T10:00:00Z", "fieldsV1": fields}]}))
    }

    #[test]
    fn flux_is_known_by_its_labels() {
        let labels = json!({"labels": {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop"}});
        assert_eq!(
            found(labels),
            ["Flux HelmRelease shop/web: label helm.toolkit.fluxcd.io/name on deployment/web"]
        );
    }

    #[test]
    fn argo_cd_is_known_by_its_tracking_annotation_unless_that_was_copied() {
        let tracked = |of: &str| found(json!({"annotations": {"argocd.argoproj.io/tracking-id": of}}));
        assert_eq!(
            tracked("shop-web:apps/Deployment:shop/web"),
            ["Argo CD Application shop-web: annotation argocd.argoproj.io/tracking-id on deployment/web"]
        );
        assert!(tracked("shop-web:apps/Deployment:shop/api").is_empty());
        assert!(tracked("shop-web:apps/StatefulSet:shop/web").is_empty());
        assert!(tracked("shop-web").is_empty());
    }

    #[test]
    fn the_rest_is_known_by_the_field_manager_that_wrote_what_runs() {
        let spec = || json!({"f:spec": {"f:template": {}}});
        assert_eq!(
            by("terraform-provider-helm_v2.6.0_x5", spec()),
            [
                "Terraform: field manager terraform-provider-helm_v2.6.0_x5 of deployment/web, last at 2026-05-01T10:00:00Z"
            ]
        );
        for manager in ["pulumi-kubernetes-1a2b3c4d", "pulumi-resource-kubernetes"] {
            assert!(by(manager, spec())[0].starts_with("Pulumi: "), "{manager}");
        }
        // The usual label names an application only where Argo CD wrote the object.
        assert!(by("argocd-controller", spec())[0].starts_with("Argo CD Application shop-web: "));
        assert!(by("helm-controller", spec())[0].starts_with("Flux: "));
        // Who wrote a label alone deploys nothing.
        assert!(by("Terraform", json!({"f:metadata": {"f:labels": {}}})).is_empty());
        for manager in ["helm", "kubectl", "kube-controller-manager", "safe-upgrade"] {
            assert!(by(manager, spec()).is_empty(), "{manager}");
        }
    }

    #[test]
    fn helms_own_labels_own_nothing() {
        assert!(found(json!({"labels": {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "web"}})).is_empty());
    }
}
