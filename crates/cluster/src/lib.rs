//! Kubernetes for the rooms above: a connection from kubectl's flags, exec and port-forward streams that prove that they
//! are complete, scaling that leaves no field owner behind, what runs for a release, waits by watch, server-side dry
//! run and access reviews.
//!
//! Nothing else in the house names kube's exec or port-forward: their streams end quietly where data was lost.

mod access;
mod apply;
mod claims;
mod connect;
mod container;
mod container_end;
mod deployers;
mod disown;
mod dry_run;
mod endpoints;
mod error;
mod events;
mod exec;
mod facts;
#[cfg(test)]
mod fake;
mod gate;
mod generation;
mod hibernation;
mod http_get;
mod jobs;
mod keda;
mod kinds;
mod log_errors;
mod login;
mod logs;
mod manifest;
mod namespaces;
mod neighbours;
mod objects;
mod parking;
mod pods;
mod port_forward;
#[cfg(test)]
mod port_forward_tests;
mod remember;
mod scale;
mod scalers;
mod services;
mod strategy;
mod suspend;
mod wait;
mod workloads;

pub use apply::ObjectName;
pub use claims::ClaimUser;
pub use connect::{
    CONNECT_TIMEOUT, Cluster, ConnectError, ConnectOptions, RESPONSE_TIMEOUT, install_crypto_provider,
};
pub use container::{container_facts, probe_budget};
pub use container_end::container_end;
pub use error::{ApiError, RequestError};
pub use events::ClusterEvent;
pub use exec::{ExecEnd, ExecError, ExecRequest, ExecText};
pub use http_get::{HTTP_GET_TIMEOUT, HttpGetError};
pub use jobs::{JobEnd, JobFacts, job_pods};
pub use logs::{LogEnd, LogText};
pub use manifest::workload_from_manifest;
pub use neighbours::Neighbour;
pub use objects::{ListScope, Listed, ObjectKind, ServedKinds};
pub use parking::PARKED;
pub use pods::pod_facts;
pub use port_forward::{PortForward, PortForwardError};
pub use scale::{Scale, ScaleError};
pub use wait::{Judgement, Selector, WaitError};

/// The name under which this program writes fields (`fieldManager`).
pub const FIELD_MANAGER: &str = "safe-upgrade";
