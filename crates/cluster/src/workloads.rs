//! What runs for a release now.

use model::{Workload, WorkloadName};

use crate::{ApiError, Cluster};

impl Cluster {
    /// The Deployments, StatefulSets, DaemonSets and CronJobs of one namespace that Helm marked as the release's own
    /// (annotation `meta.helm.sh/release-name`), in the order of kind and name. `is_database` is `false` throughout:
    /// whoever finds the database sets it.
    ///
    /// # Errors
    /// When one of the kinds cannot be listed.
    pub async fn workloads_of_release(
        &self,
        _namespace: &str,
        _release: &str,
    ) -> Result<Vec<Workload>, ApiError> {
        todo!()
    }

    /// One workload; `None` when it does not exist.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn workload(&self, _name: &WorkloadName) -> Result<Option<Workload>, ApiError> {
        todo!()
    }
}
