//! Leases of coordination.k8s.io.

use async_trait::async_trait;
use cluster::{Cluster, FIELD_MANAGER};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;

use super::{LeaseRecord, LeaseStore};
use crate::answer::store_error;
use crate::journal::StoreError;
use crate::{clock, labels};

/// Leases in one namespace of a cluster.
#[derive(Clone)]
pub struct ClusterLeases {
    leases: Api<Lease>,
}

impl ClusterLeases {
    /// The leases of a namespace.
    pub fn new(cluster: &Cluster, namespace: &str) -> Self {
        Self {
            leases: Api::namespaced(cluster.client.clone(), namespace),
        }
    }
}

fn object(name: &str) -> String {
    format!("lease {name}")
}

fn version_of(lease: Lease) -> String {
    lease.metadata.resource_version.unwrap_or_default()
}

#[async_trait]
impl LeaseStore for ClusterLeases {
    async fn read(&self, release: &str) -> Result<Option<LeaseRecord>, StoreError> {
        let name = labels::object_name(release);
        let found = self.leases.get_opt(&name).await;
        let found = found.map_err(|error| store_error(object(&name), error))?;
        Ok(found.map(|lease| {
            let spec = lease.spec.unwrap_or_default();
            LeaseRecord {
                holder: spec.holder_identity.unwrap_or_default(),
                renewed: spec.renew_time.map(|time| time.0.to_string()),
                duration_seconds: u64::try_from(spec.lease_duration_seconds.unwrap_or_default())
                    .unwrap_or_default(),
                version: lease.metadata.resource_version.unwrap_or_default(),
            }
        }))
    }

    async fn write(
        &self,
        release: &str,
        holder: &str,
        duration_seconds: u64,
        version: Option<&str>,
    ) -> Result<String, StoreError> {
        let name = labels::object_name(release);
        let now = MicroTime(clock::now());
        let duration = i32::try_from(duration_seconds).unwrap_or(i32::MAX);
        let written = match version {
            None => {
                let lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(name.clone()),
                        labels: Some(labels::of_release(release)),
                        ..ObjectMeta::default()
                    },
                    spec: Some(LeaseSpec {
                        holder_identity: Some(holder.to_owned()),
                        lease_duration_seconds: Some(duration),
                        acquire_time: Some(now.clone()),
                        renew_time: Some(now),
                        ..LeaseSpec::default()
                    }),
                };
                let parameters = PostParams {
                    field_manager: Some(FIELD_MANAGER.to_owned()),
                    ..PostParams::default()
                };
                self.leases.create(&parameters, &lease).await
            }
            Some(version) => {
                let patch = json!({
                    "metadata": { "resourceVersion": version },
                    "spec": {
                        "holderIdentity": holder,
                        "leaseDurationSeconds": duration,
                        "renewTime": now,
                    },
                });
                let parameters = PatchParams {
                    field_manager: Some(FIELD_MANAGER.to_owned()),
                    ..PatchParams::default()
                };
                self.leases.patch(&name, &parameters, &Patch::Merge(patch)).await
            }
        };
        written.map(version_of).map_err(|error| match error {
            // It was there when it was read.
            kube::Error::Api(status) if status.code == 404 && version.is_some() => StoreError::Conflict {
                object: object(&name),
            },
            error => store_error(object(&name), error),
        })
    }

    async fn delete(&self, release: &str, version: &str) -> Result<(), StoreError> {
        let name = labels::object_name(release);
        let parameters = DeleteParams::default().preconditions(Preconditions {
            resource_version: Some(version.to_owned()),
            uid: None,
        });
        match self.leases.delete(&name, &parameters).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(store_error(object(&name), error)),
        }
    }
}
