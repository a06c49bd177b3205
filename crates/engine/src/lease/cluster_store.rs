//! Leases of coordination.k8s.io.

use cluster::Cluster;

/// Leases in one namespace of a cluster.
#[derive(Clone)]
pub struct ClusterLeases {
    cluster: Cluster,
    namespace: String,
}

impl ClusterLeases {
    /// The leases of a namespace.
    pub fn new(cluster: &Cluster, namespace: &str) -> Self {
        Self {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
        }
    }
}
