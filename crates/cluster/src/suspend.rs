//! CronJobs held and let go, without a trace in their managedFields.

use k8s_openapi::api::batch::v1::CronJob;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::disown::disown;
use crate::error::Asked;
use crate::{ApiError, Cluster, FIELD_MANAGER};

impl Cluster {
    /// `spec.suspend` as the API server holds it; `None` when the field is not there.
    ///
    /// # Errors
    /// When the CronJob cannot be read.
    pub async fn suspend(&self, namespace: &str, cron_job: &str) -> Result<Option<bool>, ApiError> {
        let found = self.cron_jobs(namespace).get(cron_job).await;
        let found = found.asked(|| format!("read cronjob/{cron_job} in namespace {namespace}"))?;
        Ok(found.spec.and_then(|spec| spec.suspend))
    }

    /// Writes `spec.suspend` (`None` takes the field away) and takes our managedFields entry out again, under a
    /// `resourceVersion` test, so that the next `helm upgrade` meets no owner but its own. Idempotent.
    ///
    /// # Errors
    /// When the CronJob cannot be patched.
    pub async fn set_suspend(
        &self,
        namespace: &str,
        cron_job: &str,
        suspend: Option<bool>,
    ) -> Result<(), ApiError> {
        let api = self.cron_jobs(namespace);
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let change = Patch::Merge(json!({ "spec": { "suspend": suspend } }));
        let what = || format!("cronjob/{cron_job} in namespace {namespace}");
        api.patch(cron_job, &params, &change)
            .await
            .asked(|| format!("set suspend of {}", what()))?;
        disown(&api, cron_job, what).await
    }

    fn cron_jobs(&self, namespace: &str) -> Api<CronJob> {
        Api::namespaced(self.client.clone(), namespace)
    }
}
