//! Facts of a pod template's containers.

use k8s_openapi::api::core::v1::{Container, PodSpec};
use model::{ContainerFacts, ProbeBudget};

/// How long a container may take to start before the kubelet kills it.
pub fn probe_budget(_container: &Container) -> ProbeBudget {
    todo!()
}

/// The containers of a pod template, init containers first.
pub fn container_facts(_pod: &PodSpec) -> Vec<ContainerFacts> {
    todo!()
}
