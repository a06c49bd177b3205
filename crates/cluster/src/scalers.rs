//! Who else scales a release's workloads.

use std::collections::BTreeSet;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use model::{Scaler, Workload};

use crate::{ApiError, Cluster};

/// The annotation by which helm marks what it made.
const RELEASE_NAME: &str = "meta.helm.sh/release-name";

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
    })
}
