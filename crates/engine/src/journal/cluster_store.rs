//! Journals as Secrets of the release's namespace.

use cluster::Cluster;

/// Journals in one namespace of a cluster.
#[derive(Clone)]
pub struct ClusterStore {
    cluster: Cluster,
    namespace: String,
}

impl ClusterStore {
    /// The journals of a namespace.
    pub fn new(cluster: &Cluster, namespace: &str) -> Self {
        Self {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
        }
    }
}
