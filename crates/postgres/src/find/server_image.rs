//! An image that a namespace's nodes have already: that of a Postgres server that runs there.

use cluster::Cluster;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};

use super::server_pod::runs_postgres;

/// An image and what it is fetched with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerImage {
    /// The image.
    pub image: String,
    /// Names of Secrets for its registry.
    pub pull_secrets: Vec<String>,
}

/// The image of the first Postgres server of a namespace, by the pods' names; `None` where none runs or pods may not be
/// listed.
pub async fn image_of_a_server(cluster: &Cluster, namespace: &str) -> Option<ServerImage> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let mut pods = pods.list(&ListParams::default()).await.ok()?.items;
    pods.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
    pods.into_iter().find_map(image_of)
}

fn image_of(pod: Pod) -> Option<ServerImage> {
    let running = pod.status.as_ref()?.phase.as_deref() == Some("Running");
    let spec = pod.spec.filter(|_| running)?;
    let server = spec
        .containers
        .iter()
        .find(|container| runs_postgres(container))?;
    let secrets = spec.image_pull_secrets.iter().flatten();
    Some(ServerImage {
        image: server.image.clone()?,
        pull_secrets: secrets.map(|secret| secret.name.clone()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_server_that_runs_gives_its_image() {
        let of = |phase: &str, image: &str| {
            let pod = json!({
                "status": { "phase": phase },
                "spec": {
                    "imagePullSecrets": [{ "name": "registry" }],
                    "containers": [{ "name": "exporter", "image": "postgres-exporter:1" }, { "name": "db", "image": image }],
                },
            });
            image_of(serde_json::from_value(pod).unwrap())
        };
        let found = of("Running", "registry.example/postgres:17").unwrap();
        assert_eq!(found.image, "registry.example/postgres:17");
        assert_eq!(found.pull_secrets, ["registry"]);
        assert_eq!(of("Failed", "postgres:17"), None);
        assert_eq!(of("Running", "web:1"), None);
    }
}
