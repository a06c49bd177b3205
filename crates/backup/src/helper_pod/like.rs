//! What a pod of ours takes over from the server's pod: its image, and what it takes to run it.

use cluster::Cluster;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use thiserror::Error;

/// The user that Debian's Postgres images know, and with them most others.
const USUAL_USER: i64 = 999;

/// Why a server's pod is no pattern for one of ours.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LikeError {
    /// The server's pod.
    #[error("failed to read pod {pod} for its image")]
    Read {
        /// The pod.
        pod: String,
        /// The API server's answer.
        #[source]
        source: cluster::RequestError,
    },
    /// The pod has no such container.
    #[error("pod {pod} has no container {container} with an image")]
    NoImage {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
    },
}

/// What is taken over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Like {
    pub(crate) namespace: String,
    pub(crate) image: String,
    pub(crate) user: i64,
    /// Secrets that the image is fetched with.
    pub(crate) pull_secrets: Vec<String>,
    /// The pod's own address, where no Service leads to it.
    pub(crate) address: Option<String>,
}

impl Like {
    /// Reads the server's pod.
    pub(crate) async fn of(
        cluster: &Cluster,
        namespace: &str,
        pod: &str,
        container: &str,
    ) -> Result<Self, LikeError> {
        let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
        let found = pods.get(pod).await.map_err(|source| LikeError::Read {
            pod: pod.to_owned(),
            source: source.into(),
        })?;
        Self::read(namespace, container, found).ok_or_else(|| LikeError::NoImage {
            pod: pod.to_owned(),
            container: container.to_owned(),
        })
    }

    fn read(namespace: &str, container: &str, pod: Pod) -> Option<Self> {
        let spec = pod.spec?;
        let here = spec.containers.iter().find(|found| found.name == container)?;
        let own = here
            .security_context
            .as_ref()
            .and_then(|context| context.run_as_user);
        let user = own.or_else(|| {
            spec.security_context
                .as_ref()
                .and_then(|context| context.run_as_user)
        });
        Some(Self {
            namespace: namespace.to_owned(),
            image: here.image.clone()?,
            // Images that begin as root step down to this user by themselves.
            user: user.filter(|user| *user != 0).unwrap_or(USUAL_USER),
            pull_secrets: spec
                .image_pull_secrets
                .into_iter()
                .flatten()
                .map(|secret| secret.name)
                .collect(),
            address: pod.status.and_then(|status| status.pod_ip),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(spec: serde_json::Value) -> Option<Like> {
        let pod = serde_json::from_value(json!({ "spec": spec })).unwrap();
        Like::read("shop", "postgres", pod)
    }

    #[test]
    fn the_container_s_user_wins_over_the_pod_s_and_root_is_never_taken_over() {
        let user = |own: i64, of_pod: i64| {
            let spec = json!({
                "securityContext": { "runAsUser": of_pod },
                "imagePullSecrets": [{ "name": "registry" }],
                "containers": [{ "name": "postgres", "image": "pg:17", "securityContext": { "runAsUser": own } }],
            });
            let like = read(spec).unwrap();
            assert_eq!(
                (like.image.as_str(), like.pull_secrets),
                ("pg:17", vec!["registry".to_owned()])
            );
            like.user
        };
        assert_eq!(user(26, 70), 26);
        assert_eq!(user(0, 70), USUAL_USER);
        let plain = json!({ "containers": [{ "name": "postgres", "image": "pg:17" }] });
        assert_eq!(read(plain).unwrap().user, USUAL_USER);
    }

    #[test]
    fn another_container_s_image_is_not_taken() {
        assert_eq!(
            read(json!({ "containers": [{ "name": "proxy", "image": "x" }] })),
            None
        );
    }
}
