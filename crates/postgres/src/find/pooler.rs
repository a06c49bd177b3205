//! The server behind a connection pooler: dumps and sessions of ours must not go through one.

use cluster::Cluster;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;

use super::mention::{self, Mention};
use super::operators::labelled_primary;
use super::pod::variables;
use super::resolve::{Poolers, Resolved, in_pod, resolve_to};
use super::server_pod;

/// The labels by which operators' poolers name their cluster: the label that only poolers bear, the one with the
/// cluster's name on pooler and server alike, and the one with the server's role.
const OPERATORS: [(&str, &str, &str); 3] = [
    ("cnpg.io/poolerName", "cnpg.io/cluster", "cnpg.io/instanceRole"),
    (
        "postgres-operator.crunchydata.com/role",
        "postgres-operator.crunchydata.com/cluster",
        "postgres-operator.crunchydata.com/role",
    ),
    ("connection-pooler", "cluster-name", "spilo-role"),
];

/// Follows a pooler's pod to the server: by the labels of its operator, else by the address in its environment. `None`
/// where neither says.
pub(crate) async fn behind(
    cluster: &Cluster,
    namespace: &str,
    pod: &Pod,
    container: &str,
) -> Result<Option<Resolved>, String> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let labels = pod.metadata.labels.clone().unwrap_or_default();
    for (mark, cluster_label, role) in OPERATORS {
        let (Some(_), Some(name)) = (labels.get(mark), labels.get(cluster_label)) else {
            continue;
        };
        if let Some(primary) = labelled_primary(&pods, &format!("{cluster_label}={name}"), role).await? {
            let target = IntOrString::Int(i32::from(mention::DEFAULT_PORT));
            let chosen = server_pod::in_pod(&primary, &target)?;
            let server = in_pod(cluster, namespace, &primary, chosen, name, Poolers::Refused);
            return Box::pin(server).await.map(Some);
        }
    }
    let own = pod
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .find(|found| found.name == container);
    let Some(own) = own else { return Ok(None) };
    let variables = variables(cluster, namespace, own).await;
    let (mentions, _) = mention::mentions(&variables);
    for Mention { host, port, .. } in mentions {
        if server_pod::is_loopback(&host) {
            continue;
        }
        let resolved = resolve_to(cluster, namespace, None, &host, port, Poolers::Refused);
        let resolved = Box::pin(resolved).await;
        if let Ok(resolved) = resolved {
            return Ok(Some(resolved));
        }
    }
    Ok(None)
}
