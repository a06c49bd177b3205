//! What the caller may do in the cluster.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The phase of an upgrade that needs a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Reading facts.
    Observe,
    /// Journal and lease.
    Journal,
    /// Scaling and suspending.
    Quiesce,
    /// Dumping the database.
    Backup,
    /// `helm upgrade` and the gate.
    Upgrade,
    /// Putting the database and the revision back.
    TurnBack,
}

/// One right that may be needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequest {
    /// The phase that needs it.
    pub phase: Phase,
    /// The API verb.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource's plural name.
    pub resource: String,
    /// The subresource, if any.
    pub subresource: Option<String>,
    /// The one object that is meant; `None` means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace; empty for what lives in none.
    pub namespace: String,
}

impl fmt::Display for AccessRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        if self.namespace.is_empty() {
            write!(f, " in the cluster")
        } else {
            write!(f, " in {}", self.namespace)
        }
    }
}

/// The API server's answer to one request (SelfSubjectAccessReview).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessDecision {
    /// What was asked.
    pub request: AccessRequest,
    /// Whether it is allowed.
    pub allowed: bool,
    /// The authorizer's reason, if it gave one.
    pub reason: Option<String>,
}
