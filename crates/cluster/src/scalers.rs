//! Who else scales a release's workloads.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::Api;
use kube::runtime::watcher::Config;
use model::{Scaler, Workload};

use crate::wait::{Judgement, watch_until};
use crate::workloads::RELEASE_NAME;
use crate::{ApiError, Cluster, WaitError};

/// The reason an autoscaler gives for leaving its target alone: the target is at 0, and its own least count is not.
const AT_ZERO: &str = "ScalingDisabled";

impl Cluster {
    /// The HorizontalPodAutoscalers (KEDA's included, which are such) whose target is one of these workloads.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn scalers_of(&self, workloads: &[Workload]) -> Result<Vec<Scaler>, ApiError> {
        let namespaces: BTreeSet<&str> = workloads.iter().map(|one| one.name.namespace.as_str()).collect();
        let mut scalers = Vec::new();
        for namespace in namespaces {
            let found = self.listed::<HorizontalPodAutoscaler>(namespace).await?;
            scalers.extend(
                found
                    .iter()
                    .filter_map(|autoscaler| scaler(autoscaler, workloads)),
            );
        }
        Ok(scalers)
    }

    /// Waits until an autoscaler itself says that it leaves its target alone, because that is at 0. It looks every 15 s.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Stalled`] when it is gone; or when it cannot be watched.
    pub async fn wait_scaler_still(
        &self,
        namespace: &str,
        name: &str,
        limit: Duration,
    ) -> Result<(), WaitError> {
        let api = Api::<HorizontalPodAutoscaler>::namespaced(self.client.clone(), namespace);
        let config = Config::default().fields(&format!("metadata.name={name}"));
        let what = format!("the word of autoscaler {name} that it stands still");
        watch_until(api, config, what, limit, |objects| match objects.get(name) {
            None => Judgement::Stalled("it is gone".to_owned()),
            Some(autoscaler) if stands_still(autoscaler) => Judgement::Done(()),
            Some(_) => Judgement::Wait("it has not looked since".to_owned()),
        })
        .await
    }
}

fn stands_still(autoscaler: &HorizontalPodAutoscaler) -> bool {
    let conditions = autoscaler
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref());
    conditions.into_iter().flatten().any(|condition| {
        condition.type_ == "ScalingActive"
            && condition.status == "False"
            && condition.reason.as_deref() == Some(AT_ZERO)
    })
}

fn scaler(autoscaler: &HorizontalPodAutoscaler, workloads: &[Workload]) -> Option<Scaler> {
    let spec = autoscaler.spec.as_ref()?;
    let namespace = autoscaler.metadata.namespace.as_deref()?;
    let target = workloads.iter().find(|workload| {
        workload.name.namespace == namespace
            && workload.name.name == spec.scale_target_ref.name
            && workload.name.kind.to_string() == spec.scale_target_ref.kind
    })?;
    Some(Scaler {
        kind: "HorizontalPodAutoscaler".to_owned(),
        name: autoscaler.metadata.name.clone()?,
        target: target.name.clone(),
        min_replicas: spec.min_replicas.unwrap_or(1),
        max_replicas: spec.max_replicas,
        release: autoscaler
            .metadata
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(RELEASE_NAME).cloned()),
        paused: None,
        paused_at: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn says(status: &str, reason: &str) -> bool {
        let autoscaler = json!({ "metadata": {}, "status": { "desiredReplicas": 0, "conditions": [
            { "type": "AbleToScale", "status": "True", "reason": "SucceededGetScale" },
            { "type": "ScalingActive", "status": status, "reason": reason },
        ] } });
        stands_still(&serde_json::from_value(autoscaler).unwrap())
    }

    #[test]
    fn an_autoscaler_stands_still_only_by_its_own_word() {
        assert!(says("False", "ScalingDisabled"));
        assert!(!says("False", "FailedGetResourceMetric"));
        assert!(!says("True", "ValidMetricFound"));
    }
}
