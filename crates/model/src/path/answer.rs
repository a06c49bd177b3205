//! What was seen for a path: which one is in force, and what the database answered to its questions.

use serde::{Deserialize, Serialize};

use crate::Seen;

/// The path in force and the answers to its questions. The path itself stands in the profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathFacts {
    /// Which path it is, for the user: `path coder, built in`.
    pub origin: String,
    /// What the database said.
    pub answers: Vec<PathAnswer>,
}

/// The answer to one question of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathAnswer {
    /// The hazard or overlap that asks.
    pub id: String,
    /// The answer; `Unreadable` says why there is none.
    pub answer: Seen<PredicateAnswer>,
}

/// What a statement answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PredicateAnswer {
    /// Whether it said true.
    pub applies: bool,
    /// The answer with the further columns of its row.
    pub words: String,
}
