//! Who else scales a release's workloads.

use model::{Scaler, Workload};

use crate::{ApiError, Cluster};

impl Cluster {
    /// The HorizontalPodAutoscalers (KEDA's included, which are such) whose target is one of these workloads.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn scalers_of(&self, _workloads: &[Workload]) -> Result<Vec<Scaler>, ApiError> {
        todo!()
    }
}
