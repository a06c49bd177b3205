//! What a check is called, how grave it is, and what it found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Waived;

/// The room of the catalogue a check stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Category {
    /// The cluster and our rights in it.
    Cluster,
    /// The Helm release and the chart.
    Helm,
    /// What runs.
    Workload,
    /// The database.
    Postgres,
    /// Backups.
    Backup,
    /// The way from version to version.
    Path,
}

/// What a failed check means for the upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The upgrade must not begin.
    Block,
    /// The upgrade may begin; somebody should know.
    Warn,
    /// For information.
    Info,
}

/// How sure the evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Confidence {
    /// It follows from what was read.
    Certain,
    /// It was seen at the time of looking and may change.
    Observed,
    /// Another program says so.
    Reported,
    /// It is likely by what was read.
    Inferred,
}

/// What a check found. Unknown is never green.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict", content = "message")]
pub enum Verdict {
    /// The title's condition holds; the text says by which evidence.
    Pass(String),
    /// It holds, with something to know.
    Warn(String),
    /// It does not hold.
    Fail(String),
    /// It does not apply here, and why.
    Skip(String),
    /// It could not be judged, and why.
    Unknown(String),
}

impl Verdict {
    /// The text of the verdict.
    pub fn message(&self) -> &str {
        match self {
            Self::Pass(text)
            | Self::Warn(text)
            | Self::Fail(text)
            | Self::Skip(text)
            | Self::Unknown(text) => text,
        }
    }

    /// The verdict's word, as it stands in JSON and tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass(_) => "pass",
            Self::Warn(_) => "warn",
            Self::Fail(_) => "fail",
            Self::Skip(_) => "skip",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Named facts behind a verdict; values are short and hold no secret.
pub type Evidence = BTreeMap<String, serde_json::Value>;

/// One thing the user can do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// What it does, in a sentence.
    pub text: String,
    /// The command to type, if there is one.
    pub command: Option<String>,
}

/// One evaluated row of the catalogue, as it stands in a `CheckReport`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    /// Stable id, never reused.
    pub id: String,
    /// The room it stands in.
    pub category: Category,
    /// The healthy condition, in words.
    pub title: String,
    /// What a failure means.
    pub severity: Severity,
    /// `pass`, `warn`, `fail`, `skip` or `unknown`, with the message.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How sure the evidence is.
    pub confidence: Confidence,
    /// The facts behind it.
    pub evidence: Evidence,
    /// What can be done.
    pub remedy: Vec<Remedy>,
    /// Who answers for the finding, where somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
    /// The anchor in `docs/checks.md`.
    pub docs: String,
}

impl CheckResult {
    /// Whether this result keeps an upgrade from beginning: a failure or an unknown of a blocking row that nobody
    /// answers for.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Block
            && self.waived.is_none()
            && matches!(self.verdict, Verdict::Fail(_) | Verdict::Unknown(_))
    }

    /// Whether something is to be told: it neither passed nor was skipped.
    pub fn is_finding(&self) -> bool {
        !matches!(self.verdict, Verdict::Pass(_) | Verdict::Skip(_))
    }
}
