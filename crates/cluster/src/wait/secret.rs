//! Waits for what a Secret's labels say.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use kube::runtime::watcher::Config;

use super::{Judgement, WaitError, watch_until};
use crate::Cluster;

impl Cluster {
    /// Waits until `wanted` is true of a Secret's labels, or the Secret is gone.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], or when it cannot be watched.
    pub async fn wait_secret_labels(
        &self,
        namespace: &str,
        name: &str,
        limit: Duration,
        mut wanted: impl FnMut(&BTreeMap<String, String>) -> bool + Send,
    ) -> Result<(), WaitError> {
        let api = Api::<Secret>::namespaced(self.client.clone(), namespace);
        let config = Config::default().fields(&format!("metadata.name={name}"));
        let what = format!("a change of secret/{name}");
        watch_until(api, config, what, limit, |secrets| {
            let labels = secrets.get(name).map(|secret| secret.metadata.labels.as_ref());
            match labels {
                Some(Some(labels)) if !wanted(labels) => Judgement::Wait("it is as it was".to_owned()),
                Some(None) => Judgement::Wait("it has no labels".to_owned()),
                Some(Some(_)) | None => Judgement::Done(()),
            }
        })
        .await
    }
}
