//! The journal's document: one JSON text in the head Secret.

use model::{Plan, StepReport, StepState, UpgradeOutcome};
use serde::{Deserialize, Serialize};

use super::JournalError;
use crate::clock;
use crate::transition::is_reachable;

/// Longest text kept of a step's detail, in characters: enough for an error with its causes.
const DETAIL_CHARACTERS: usize = 4_000;

/// What the journal says of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// The step's id.
    pub id: String,
    /// Its state.
    pub state: StepState,
    /// When it was first begun (RFC 3339).
    pub started_at: Option<String>,
    /// When it last ended, forward or back (RFC 3339).
    pub ended_at: Option<String>,
    /// What came out, or what went wrong.
    pub detail: Option<String>,
    /// Whether it ended with something that a person should look at.
    pub warning: bool,
    /// What the step wrote down before it acted.
    pub record: Option<serde_json::Value>,
}

/// A part of the run that lies in Secrets of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartEntry {
    /// Its name, such as `chart`.
    pub name: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// sha256 of the whole, lower-case hex.
    pub sha256: String,
    /// How many Secrets hold it.
    pub pieces: usize,
}

/// A run as the journal holds it. No secret is ever in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDocument {
    /// [`model::API_VERSION`].
    pub api_version: String,
    /// `Run`.
    pub kind: String,
    /// The run's id.
    pub run: String,
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// When the run was begun (RFC 3339).
    pub created_at: String,
    /// Who works on it, or who did last.
    pub holder: String,
    /// What it does.
    pub plan: Plan,
    /// What the program needs to continue that is not in the plan.
    pub inputs: serde_json::Value,
    /// What lies in Secrets of its own.
    pub parts: Vec<PartEntry>,
    /// The steps of the plan, in its order.
    pub steps: Vec<StepRecord>,
    /// Why the run turns back, once it does.
    pub turning_back: Option<String>,
    /// How it ended; `Stopped` is not for good.
    pub outcome: Option<UpgradeOutcome>,
    /// Why it did not end as wished.
    pub reason: Option<String>,
}
