//! How controllers replace their pods.

use k8s_openapi::api::apps::v1::{DaemonSetSpec, DeploymentSpec, StatefulSetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use model::UpdateStrategy;

const ON_DELETE: &str = "OnDelete";
const RECREATE: &str = "Recreate";

pub(crate) fn of_deployment(spec: &DeploymentSpec) -> UpdateStrategy {
    let strategy = spec.strategy.as_ref();
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some(RECREATE) {
        return UpdateStrategy::Recreate;
    }
    let bounds = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    UpdateStrategy::RollingUpdate {
        max_unavailable: bounds.and_then(|bounds| written(bounds.max_unavailable.as_ref())),
        max_surge: bounds.and_then(|bounds| written(bounds.max_surge.as_ref())),
    }
}

pub(crate) fn of_stateful_set(spec: &StatefulSetSpec) -> UpdateStrategy {
    let strategy = spec.update_strategy.as_ref();
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some(ON_DELETE) {
        return UpdateStrategy::OnDelete;
    }
    let bounds = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    UpdateStrategy::RollingUpdate {
        max_unavailable: bounds.and_then(|bounds| written(bounds.max_unavailable.as_ref())),
        max_surge: None,
    }
}

pub(crate) fn of_daemon_set(spec: &DaemonSetSpec) -> UpdateStrategy {
    let strategy = spec.update_strategy.as_ref();
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some(ON_DELETE) {
        return UpdateStrategy::OnDelete;
    }
    let bounds = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    UpdateStrategy::RollingUpdate {
        max_unavailable: bounds.and_then(|bounds| written(bounds.max_unavailable.as_ref())),
        max_surge: bounds.and_then(|bounds| written(bounds.max_surge.as_ref())),
    }
}

fn written(value: Option<&IntOrString>) -> Option<String> {
    value.map(|value| match value {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(text) => text.clone(),
    })
}
