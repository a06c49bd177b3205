//! Finding the server's pod again: pods are replaced, the workload that makes them stays.

use std::time::Duration;

use cluster::{ApiError, Cluster, WaitError};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use model::{DatabaseLocation, DatabaseRoute, WorkloadKind};
use thiserror::Error;

/// Why the server's pod could not be found again.
#[derive(Debug, Error)]
pub enum FindAgainError {
    /// The API server refused.
    #[error("failed to look for the pod of database {database}")]
    Look {
        /// The database.
        database: String,
        /// Why.
        #[source]
        source: ApiError,
    },
    /// Its workload has no pod that is ready.
    #[error("no pod runs the server of database {database}")]
    Gone {
        /// The database.
        database: String,
        /// What was waited for.
        #[source]
        source: WaitError,
    },
}

/// The location with the pod that runs the server now: a pod that was deleted or evicted comes back under another name
/// where a Deployment makes it, and under its own where a StatefulSet does. Waits at most `limit` until it is ready. A
/// location without a pod, or whose pod belongs to no workload, is returned as it is.
///
/// # Errors
/// See [`FindAgainError`].
pub async fn find_again(
    cluster: &Cluster,
    location: &DatabaseLocation,
    limit: Duration,
) -> Result<DatabaseLocation, FindAgainError> {
    let DatabaseRoute::Pod {
        namespace,
        pod,
        container,
        port: _,
        workload: Some(workload),
    } = &location.route
    else {
        return Ok(location.clone());
    };
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    match pods.get_opt(pod).await {
        Ok(Some(found)) if serves(&found, container) => return Ok(location.clone()),
        Ok(_) => {}
        // Who may forward a port to a pod but not read it goes on with the name at hand.
        Err(kube::Error::Api(status)) if status.code == 403 => return Ok(location.clone()),
        Err(error) => {
            return Err(FindAgainError::Look {
                database: location.database.clone(),
                source: ApiError::new(format!("read pod {pod} in namespace {namespace}"), error),
            });
        }
    }
    let owner = cluster
        .workload(workload)
        .await
        .map_err(|source| FindAgainError::Look {
            database: location.database.clone(),
            source,
        })?;
    // Without its workload nothing tells which pod it would be.
    let Some(owner) = owner.filter(|owner| !owner.selector.is_empty()) else {
        return Ok(location.clone());
    };
    let keeps_its_name = match workload.kind {
        // One of several may be a standby: the pod that was chosen is the one to wait for.
        WorkloadKind::StatefulSet => true,
        WorkloadKind::Deployment | WorkloadKind::DaemonSet | WorkloadKind::CronJob | WorkloadKind::Job => {
            false
        }
    };
    let found = cluster
        .wait_pod(namespace, &owner.selector, limit, |candidate| {
            serves(candidate, container)
                && (!keeps_its_name || candidate.metadata.name.as_deref() == Some(pod))
        })
        .await
        .map_err(|source| FindAgainError::Gone {
            database: location.database.clone(),
            source,
        })?;
    let mut location = location.clone();
    if let DatabaseRoute::Pod { pod, .. } = &mut location.route {
        *pod = found.metadata.name.unwrap_or_default();
    }
    Ok(location)
}

/// Whether a pod is up with this container ready and not on its way down.
fn serves(pod: &Pod, container: &str) -> bool {
    let Some(status) = &pod.status else { return false };
    pod.metadata.deletion_timestamp.is_none()
        && status
            .container_statuses
            .iter()
            .flatten()
            .any(|found| found.name == container && found.ready)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(deleted: Value, ready: bool) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "db-1", "deletionTimestamp": deleted },
            "status": { "containerStatuses": [{
                "name": "postgres", "image": "i", "imageID": "", "ready": ready, "restartCount": 0,
            }] },
        }))
        .unwrap()
    }

    #[test]
    fn a_pod_serves_while_its_container_is_ready_and_it_is_not_on_its_way_down() {
        assert!(serves(&pod(Value::Null, true), "postgres"));
        assert!(!serves(&pod(Value::Null, true), "sidecar"));
        assert!(!serves(&pod(Value::Null, false), "postgres"));
        assert!(!serves(&pod(json!("2026-01-01T00:00:00Z"), true), "postgres"));
    }
}
