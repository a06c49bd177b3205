//! CronJobs held and let go, without a trace in their managedFields.

use crate::{ApiError, Cluster};

impl Cluster {
    /// `spec.suspend` as written; `None` when it is not.
    ///
    /// # Errors
    /// When the CronJob cannot be read.
    pub async fn suspend(&self, _namespace: &str, _cron_job: &str) -> Result<Option<bool>, ApiError> {
        todo!()
    }

    /// Writes `spec.suspend` (`None` takes the field away) and takes our managedFields entry out again, under a
    /// `resourceVersion` test. Idempotent.
    ///
    /// # Errors
    /// When the CronJob cannot be patched.
    pub async fn set_suspend(
        &self,
        _namespace: &str,
        _cron_job: &str,
        _suspend: Option<bool>,
    ) -> Result<(), ApiError> {
        todo!()
    }
}
