//! How many lines of the logs of workloads' pods are errors.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use model::{LogErrors, Workload};

use crate::error::Asked;
use crate::{ApiError, Cluster};

/// The most that is read of one container's log, in bytes.
const LARGEST: i64 = 1 << 20;

impl Cluster {
    /// Counts the lines of the `window` seconds before `now` that `is_error` marks, in every container that runs.
    ///
    /// # Errors
    /// When pods or a log cannot be read.
    pub async fn log_errors(
        &self,
        workloads: &[Workload],
        now: Timestamp,
        window: i64,
        is_error: impl Fn(&str) -> bool,
    ) -> Result<LogErrors, ApiError> {
        let mut found = LogErrors::default();
        for facts in self.pods_of(workloads).await? {
            let Some(owner) = facts
                .owner
                .filter(|_| facts.phase == "Running" && !facts.terminating)
            else {
                continue;
            };
            let pods = Api::<Pod>::namespaced(self.client.clone(), &owner.namespace);
            let pod = pods
                .get_opt(&facts.name)
                .await
                .asked(|| format!("read pod {} in namespace {}", facts.name, owner.namespace))?;
            for (container, seconds) in pod.iter().flat_map(|pod| running(pod, now)) {
                let params = LogParams {
                    container: Some(container.clone()),
                    since_seconds: Some(window),
                    limit_bytes: Some(LARGEST),
                    ..LogParams::default()
                };
                let log = pods.logs(&facts.name, &params).await.asked(|| {
                    format!(
                        "read the log of container {container} of pod {} in namespace {}",
                        facts.name, owner.namespace
                    )
                })?;
                let errors = log.lines().filter(|line| is_error(line)).count();
                found.lines = found
                    .lines
                    .saturating_add(u64::try_from(errors).unwrap_or(u64::MAX));
                found.seconds = found
                    .seconds
                    .saturating_add(seconds.clamp(1, window).unsigned_abs());
            }
        }
        Ok(found)
    }
}

/// The containers that run, and for how many seconds they do.
fn running(pod: &Pod, now: Timestamp) -> Vec<(String, i64)> {
    let status = pod.status.as_ref();
    let containers = status.and_then(|status| status.container_statuses.as_ref());
    containers
        .into_iter()
        .flatten()
        .filter_map(|container| {
            let running = container.state.as_ref()?.running.as_ref()?;
            let started = running.started_at.as_ref()?.0;
            let seconds = now.duration_since(started).as_secs();
            Some((container.name.clone(), seconds))
        })
        .collect()
}
