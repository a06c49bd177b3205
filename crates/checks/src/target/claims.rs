//! Which claims of volumes the target's workloads mount, and how many may mount them.

use cluster::{ApiError, Cluster};
use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::Api;
use model::{MountedClaim, ObjectName, Seen, WorkloadName};
use serde_json::Value;

/// How many claims are read at once.
const AT_ONCE: usize = 8;

/// The claims, with the modes that the manifest gives them, else those of the live claim.
pub(super) async fn claims(
    cluster: &Cluster,
    namespace: &str,
    objects: &[(ObjectName, Value)],
) -> Seen<Vec<MountedClaim>> {
    let mut mounts: Vec<(WorkloadName, String)> = Vec::new();
    for (_, object) in objects {
        if let Some(workload) = cluster::workload_from_manifest(object, namespace) {
            mounts.extend(mounted(object).map(|claim| (workload.name.clone(), claim)));
        }
    }
    let read: Result<Vec<Option<MountedClaim>>, ApiError> = stream::iter(mounts)
        .map(|(workload, claim)| async move {
            let modes = match rendered_modes(objects, &claim) {
                Some(modes) => Some(modes),
                None => live_modes(cluster, &workload.namespace, &claim).await?,
            };
            Ok(modes.map(|modes| MountedClaim {
                workload,
                claim,
                modes,
            }))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await;
    Seen::from_result(read.map(|claims| Some(claims.into_iter().flatten().collect())))
}

/// The claims that a workload's template names.
fn mounted(object: &Value) -> impl Iterator<Item = String> {
    object["spec"]["template"]["spec"]["volumes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
        .map(str::to_owned)
}

fn rendered_modes(objects: &[(ObjectName, Value)], claim: &str) -> Option<Vec<String>> {
    let (_, object) = objects
        .iter()
        .find(|(name, _)| name.kind == "PersistentVolumeClaim" && name.name == claim)?;
    let modes = object["spec"]["accessModes"].as_array()?;
    Some(
        modes
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

async fn live_modes(
    cluster: &Cluster,
    namespace: &str,
    claim: &str,
) -> Result<Option<Vec<String>>, ApiError> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(cluster.client.clone(), namespace);
    let live = api
        .get_opt(claim)
        .await
        .map_err(|source| ApiError::new(format!("read claim {claim} in namespace {namespace}"), source))?;
    Ok(live.map(|live| live.spec.and_then(|spec| spec.access_modes).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_claims_of_a_template_and_their_modes_are_read_from_the_manifest() {
        let workload = json!({"spec": {"template": {"spec": {"volumes": [
            {"name": "tmp", "emptyDir": {}}, {"name": "files", "persistentVolumeClaim": {"claimName": "files"}}]}}}});
        assert_eq!(mounted(&workload).collect::<Vec<_>>(), ["files"]);
        let name = ObjectName {
            api_version: "v1".into(),
            kind: "PersistentVolumeClaim".into(),
            namespace: String::new(),
            name: "files".into(),
        };
        let objects = [(name, json!({"spec": {"accessModes": ["ReadWriteOnce"]}}))];
        assert_eq!(
            rendered_modes(&objects, "files"),
            Some(vec!["ReadWriteOnce".to_owned()])
        );
        assert_eq!(rendered_modes(&objects, "other"), None);
    }
}
