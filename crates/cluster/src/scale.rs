//! Replica counts through `/scale`, which leaves no field owner behind: writing 0 there takes `spec.replicas` from
//! every owner, and going back up records none, so that the next `helm upgrade` finds no conflict.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v1;
use kube::api::{Api, Patch, PatchParams};
use model::{WorkloadKind, WorkloadName};
use serde_json::json;
use thiserror::Error;

use crate::disown::disown;
use crate::error::Asked;
use crate::{ApiError, Cluster, FIELD_MANAGER};

/// A workload's count as `/scale` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// `spec.replicas`.
    pub replicas: i32,
    /// `status.replicas`; pods that are still terminating do not count.
    pub observed: i32,
    /// The version this was read at, a precondition for [`Cluster::set_scale`].
    pub resource_version: String,
}

/// Why a count could not be read or set.
#[derive(Debug, Error)]
pub enum ScaleError {
    /// The kind has no replica count.
    #[error("{0} has no replica count")]
    NotScalable(WorkloadName),
    /// Somebody else changed the workload since it was read.
    #[error("{workload} was changed by somebody else meanwhile")]
    Changed {
        /// The workload.
        workload: WorkloadName,
        /// The API server's answer.
        #[source]
        source: ApiError,
    },
    /// The API server refused or could not be reached.
    #[error(transparent)]
    Api(ApiError),
}

/// The two kinds that have a count.
enum Scalable {
    Deployment(Api<Deployment>),
    StatefulSet(Api<StatefulSet>),
}

impl Cluster {
    /// Reads a Deployment's or StatefulSet's count.
    ///
    /// # Errors
    /// For other kinds, a missing workload or right.
    pub async fn scale(&self, workload: &WorkloadName) -> Result<Scale, ScaleError> {
        let name = &workload.name;
        match self.scalable(workload)? {
            Scalable::Deployment(api) => api.get_scale(name).await,
            Scalable::StatefulSet(api) => api.get_scale(name).await,
        }
        .asked(|| {
            format!(
                "read the replica count of {workload} in namespace {}",
                workload.namespace
            )
        })
        .map(told)
        .map_err(ScaleError::Api)
    }

    /// Sets a Deployment's or StatefulSet's count, only if it is still at the version given (if one is).
    ///
    /// # Errors
    /// [`ScaleError::Changed`] when the version is stale; for other kinds, a missing workload or right.
    pub async fn set_scale(
        &self,
        workload: &WorkloadName,
        replicas: i32,
        expected_resource_version: Option<&str>,
    ) -> Result<Scale, ScaleError> {
        let mut change = json!({ "spec": { "replicas": replicas } });
        if let Some(version) = expected_resource_version {
            change["metadata"] = json!({ "resourceVersion": version });
        }
        let name = &workload.name;
        let patch = Patch::Merge(change);
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        match self.scalable(workload)? {
            Scalable::Deployment(api) => api.patch_scale(name, &params, &patch).await,
            Scalable::StatefulSet(api) => api.patch_scale(name, &params, &patch).await,
        }
        .asked(|| {
            format!(
                "scale {workload} in namespace {} to {replicas}",
                workload.namespace
            )
        })
        .map(told)
        .map_err(|source| {
            if source.is_conflict() {
                ScaleError::Changed {
                    workload: workload.clone(),
                    source,
                }
            } else {
                ScaleError::Api(source)
            }
        })
    }

    /// Takes our managedFields entry out of a workload whose count we raised from another than 0, under a
    /// `resourceVersion` test: the next `helm upgrade` would meet us as the count's owner. Idempotent.
    ///
    /// # Errors
    /// For other kinds, a missing workload or right, or when others write it all the time.
    pub async fn disown_scale(&self, workload: &WorkloadName) -> Result<(), ScaleError> {
        let what = || format!("{workload} in namespace {}", workload.namespace);
        match self.scalable(workload)? {
            Scalable::Deployment(api) => disown(&api, &workload.name, what).await,
            Scalable::StatefulSet(api) => disown(&api, &workload.name, what).await,
        }
        .map_err(ScaleError::Api)
    }

    fn scalable(&self, workload: &WorkloadName) -> Result<Scalable, ScaleError> {
        let client = self.client.clone();
        let namespace = &workload.namespace;
        match workload.kind {
            WorkloadKind::Deployment => Ok(Scalable::Deployment(Api::namespaced(client, namespace))),
            WorkloadKind::StatefulSet => Ok(Scalable::StatefulSet(Api::namespaced(client, namespace))),
            WorkloadKind::DaemonSet | WorkloadKind::CronJob | WorkloadKind::Job => {
                Err(ScaleError::NotScalable(workload.clone()))
            }
        }
    }
}

/// The API server leaves 0 out of both counts.
fn told(scale: v1::Scale) -> Scale {
    Scale {
        replicas: scale.spec.and_then(|spec| spec.replicas).unwrap_or(0),
        observed: scale.status.map_or(0, |status| status.replicas),
        resource_version: scale.metadata.resource_version.unwrap_or_default(),
    }
}
