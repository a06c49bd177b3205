//! CronJobs held and let go, without a trace in their managedFields.

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use crate::error::Asked;
use crate::{ApiError, Cluster, FIELD_MANAGER};

/// How often the taking out of our entry is tried anew when somebody else writes the object meanwhile. The CronJob
/// controller writes once per started Job; three losses in a row mean a fight.
pub(crate) const CLEAN_UP_TRIES: usize = 3;

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
        let mut written = api
            .patch(cron_job, &params, &change)
            .await
            .asked(|| format!("set suspend of cronjob/{cron_job} in namespace {namespace}"))?;
        for tries_left in (0..CLEAN_UP_TRIES).rev() {
            let Some(clean_up) = without_our_entry(&written.metadata) else {
                return Ok(());
            };
            let action = || {
                format!(
                    "take our entry out of the managed fields of cronjob/{cron_job} in namespace {namespace}"
                )
            };
            let clean_up = serde_json::from_value(clean_up)
                .map_err(kube::Error::SerdeError)
                .asked(action)?;
            let cleaned = api
                .patch(cron_job, &PatchParams::default(), &Patch::<()>::Json(clean_up))
                .await
                .asked(action);
            match cleaned {
                Ok(_) => return Ok(()),
                // A failed test of a JSON patch is 422, a lost race inside the API server 409.
                Err(error) if tries_left > 0 && matches!(error.code(), Some(409 | 422)) => {
                    written = api
                        .get(cron_job)
                        .await
                        .asked(|| format!("read cronjob/{cron_job} in namespace {namespace}"))?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn cron_jobs(&self, namespace: &str) -> Api<CronJob> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// The patch that takes our entries out of an object's managed fields; `None` when there are none.
pub(crate) fn without_our_entry(metadata: &ObjectMeta) -> Option<Value> {
    let entries = metadata.managed_fields.as_deref()?;
    let mut operations = vec![json!({
        "op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version,
    })];
    // From the back, so that earlier indices stay true.
    operations.extend(
        entries
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, entry)| is_ours(entry))
            .map(|(index, _)| json!({ "op": "remove", "path": format!("/metadata/managedFields/{index}") })),
    );
    (operations.len() > 1).then_some(Value::Array(operations))
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
}
