//! What was seen of what a profile requires of the cluster.

use serde::{Deserialize, Serialize};

use crate::{Seen, Workload};

/// What was seen, for every requirement of the profile in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequirementFacts {
    /// Kinds of objects.
    pub crds: Vec<CrdFacts>,
    /// Operators.
    pub operators: Vec<OperatorFacts>,
    /// Services behind webhooks.
    pub webhooks: Vec<WebhookFacts>,
}

/// Which versions of a kind the API server serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrdFacts {
    /// The name of its definition.
    pub name: String,
    /// The versions; `Absent` where the kind is not served at all.
    pub served: Seen<Vec<String>>,
}

/// The Deployments that carry an operator's labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorFacts {
    /// The operator, as the profile calls it.
    pub name: String,
    /// The Deployments; `Absent` where there is none.
    pub deployments: Seen<Vec<Workload>>,
}

/// Who would answer for a Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookFacts {
    /// The Service.
    pub service: String,
    /// Its namespace.
    pub namespace: String,
    /// How many of its endpoints are ready; `Absent` where there is no such Service.
    pub ready: Seen<usize>,
}
