//! What runs in a namespace beside a release.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use model::Workload;

use crate::workloads::{
    RELEASE_NAME, belongs_to, of_cron_job, of_daemon_set, of_deployment, of_stateful_set,
};
use crate::{ApiError, Cluster};

/// A workload that is not the release's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// The Helm release that it belongs to, if it does.
    pub release: Option<String>,
    /// The workload.
    pub workload: Workload,
}

impl Cluster {
    /// The Deployments, StatefulSets, DaemonSets and CronJobs of a namespace that do not belong to a release, which may
    /// live in another one.
    ///
    /// # Errors
    /// When one of the kinds cannot be listed.
    pub async fn neighbours(
        &self,
        namespace: &str,
        release: &str,
        release_namespace: &str,
    ) -> Result<Vec<Neighbour>, ApiError> {
        let (deployments, stateful_sets, daemon_sets, cron_jobs) = tokio::try_join!(
            self.listed::<Deployment>(namespace),
            self.listed::<StatefulSet>(namespace),
            self.listed::<DaemonSet>(namespace),
            self.listed::<CronJob>(namespace),
        )?;
        let all = deployments
            .iter()
            .map(|one| (&one.metadata, of_deployment(one)))
            .chain(
                stateful_sets
                    .iter()
                    .map(|one| (&one.metadata, of_stateful_set(one))),
            )
            .chain(daemon_sets.iter().map(|one| (&one.metadata, of_daemon_set(one))))
            .chain(cron_jobs.iter().map(|one| (&one.metadata, of_cron_job(one))));
        Ok(all
            .filter(|(metadata, _)| !belongs_to(metadata, release_namespace, release))
            .map(|(metadata, workload)| Neighbour {
                release: release_of(metadata),
                workload,
            })
            .collect())
    }
}

fn release_of(metadata: &ObjectMeta) -> Option<String> {
    metadata.annotations.as_ref()?.get(RELEASE_NAME).cloned()
}
