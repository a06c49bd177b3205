//! Whether a Flux object acts.

use model::DeployerActs;

use super::Standing;
use super::marks::DeployersObject;
use crate::{Cluster, ObjectKind, ServedKinds};

const HELM_RELEASE: ObjectKind = ObjectKind {
    group: "helm.toolkit.fluxcd.io",
    kind: "HelmRelease",
    versions: &["v2", "v2beta2", "v2beta1"],
};
const KUSTOMIZATION: ObjectKind = ObjectKind {
    group: "kustomize.toolkit.fluxcd.io",
    kind: "Kustomization",
    versions: &["v1", "v1beta2"],
};

/// Reads `spec.suspend`. An object that is not there may be in another cluster, from which Flux can deploy, too.
pub(super) async fn standing(cluster: &Cluster, served: &ServedKinds, object: &DeployersObject) -> Standing {
    let kind = if object.kind == HELM_RELEASE.kind {
        &HELM_RELEASE
    } else {
        &KUSTOMIZATION
    };
    let namespace = object.namespace.as_deref().unwrap_or_default();
    match cluster.read_object(served, kind, namespace, &object.name).await {
        Ok(Some(found)) if found["spec"]["suspend"] == true => Standing::seen(DeployerActs::Suspended),
        Ok(Some(_)) => Standing::seen(DeployerActs::ByItself),
        Ok(None) => Standing::unknown(format!(
            "there is no {object} in this cluster: it may be in another one, or its labels were left behind"
        )),
        Err(error) => Standing::unknown(model::causes(&error)),
    }
}
