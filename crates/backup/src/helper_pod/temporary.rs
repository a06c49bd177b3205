//! An object of ours that must not stay in the cluster.

use std::time::Duration;

use cluster::Cluster;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;

use crate::background::afterwards;

/// How long deleting may take us; the object's own deadline ends it anyhow.
const DELETE_TIME: Duration = Duration::from_secs(20);

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TemporaryKind {
    Pod,
    Job,
}

/// A pod or a Job that is deleted when told to, or when this is dropped.
pub(crate) struct Temporary {
    object: Object,
    deleted: bool,
}

#[derive(Clone)]
struct Object {
    cluster: Cluster,
    kind: TemporaryKind,
    namespace: String,
    name: String,
}

impl Temporary {
    /// Takes care of an object that has just been made.
    pub(crate) fn new(cluster: &Cluster, kind: TemporaryKind, namespace: &str, name: &str) -> Self {
        Self {
            object: Object {
                cluster: cluster.clone(),
                kind,
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            },
            deleted: false,
        }
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.object.namespace
    }

    pub(crate) fn name(&self) -> &str {
        &self.object.name
    }

    /// Deletes it. Where that fails, dropping tries again, and the object's deadline ends it.
    pub(crate) async fn delete(mut self) {
        self.deleted = self.object.clone().delete_in_time().await;
    }

    /// The same for whoever only borrows it; dropping asks once more, which does no harm.
    pub(crate) async fn delete_now(&self) {
        self.object.clone().delete_in_time().await;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.deleted {
            let object = self.object.clone();
            afterwards(async move {
                // Nobody is left to be told; its deadline ends it.
                object.delete().await;
            });
        }
    }
}

impl Object {
    async fn delete_in_time(self) -> bool {
        let deleted = tokio::time::timeout(DELETE_TIME, self.delete()).await;
        deleted.unwrap_or(false)
    }

    /// Whether it is certain to go.
    async fn delete(self) -> bool {
        let Self {
            cluster,
            kind,
            namespace,
            name,
        } = self;
        let deleted = match kind {
            TemporaryKind::Pod => {
                let pods: Api<Pod> = Api::namespaced(cluster.client, &namespace);
                let at_once = DeleteParams::default().grace_period(0);
                pods.delete(&name, &at_once).await.map(drop)
            }
            TemporaryKind::Job => {
                let jobs: Api<Job> = Api::namespaced(cluster.client, &namespace);
                jobs.delete(&name, &DeleteParams::background()).await.map(drop)
            }
        };
        match deleted {
            Ok(()) => true,
            Err(kube::Error::Api(status)) => status.code == 404,
            Err(_) => false,
        }
    }
}
