//! Whose backups a database's are.

use cluster::Cluster;
use model::{DatabaseLocation, DatabaseRoute, Seen};

use crate::store::DIRECT;
use crate::{Filter, Place, Server};

/// How much of the UID of namespace kube-system names a cluster.
const UID_LENGTH: usize = 8;

impl Place {
    /// What a cluster is called in a store.
    pub async fn cluster_name(cluster: &Cluster) -> String {
        let uid = Self::cluster_uid(cluster).await;
        uid.unwrap_or_else(|| cluster.context.clone())
    }

    /// The name that does not depend on who asks; `None` where it may not be read.
    pub async fn cluster_uid(cluster: &Cluster) -> Option<String> {
        match cluster.facts().await.map(|facts| facts.uid) {
            Ok(Seen::Present(uid)) => Some(uid.chars().take(UID_LENGTH).collect()),
            Ok(Seen::Absent | Seen::Unreadable(_)) | Err(_) => None,
        }
    }

    /// The place of a server's database. A cluster is named by the UID of its namespace kube-system, or by its context
    /// where that may not be read.
    pub async fn observe(cluster: Option<&Cluster>, server: &Server) -> Self {
        let name = match cluster {
            None => DIRECT.to_owned(),
            Some(cluster) => Self::cluster_name(cluster).await,
        };
        let system = server.probe.server.system_identifier.clone();
        let (namespace, server_name) = filed(&server.location);
        Self {
            cluster: name,
            namespace,
            server: server_name
                .or(system)
                .unwrap_or_else(|| server.location.host.clone()),
            database: server.location.database.clone(),
        }
    }
}

impl Filter {
    /// The backups of a database, in whatever cluster's part of a store: of a server outside the cluster, those of every server
    /// of that kind, because only the server itself can say which it is.
    pub fn of(location: &DatabaseLocation) -> Self {
        let (namespace, server) = filed(location);
        Self {
            namespace: Some(namespace),
            server,
            database: Some(location.database.clone()),
            ..Self::default()
        }
    }
}

/// The namespace that a database's backups are filed under, and the name of the server, where the cluster has one for it.
fn filed(location: &DatabaseLocation) -> (String, Option<String>) {
    match &location.route {
        DatabaseRoute::Pod {
            namespace,
            pod,
            container: _,
            port: _,
            workload,
        } => {
            let name = workload.as_ref().map_or(pod, |workload| &workload.name);
            (namespace.clone(), Some(name.clone()))
        }
        DatabaseRoute::Direct => (DIRECT.to_owned(), None),
    }
}
