//! The pods of workloads.

use k8s_openapi::api::core::v1::Pod;
use model::{PodFacts, Workload, WorkloadName};

use crate::{ApiError, Cluster};

/// What is worth knowing of a pod.
pub fn pod_facts(_pod: &Pod, _owner: Option<WorkloadName>) -> PodFacts {
    todo!()
}

impl Cluster {
    /// The pods of these workloads, terminating ones included, finished ones (`Succeeded`, `Failed`) too.
    ///
    /// # Errors
    /// When pods (or, with CronJobs among the workloads, Jobs) cannot be listed.
    pub async fn pods_of(&self, _workloads: &[Workload]) -> Result<Vec<PodFacts>, ApiError> {
        todo!()
    }
}
