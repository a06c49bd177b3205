//! What is told about profiles themselves: which there are, what is wrong with a file, how one fits a release.

use serde::{Deserialize, Serialize};

use crate::profile::RoleKind;
use crate::{API_VERSION, ExitCode, NextStep, ReleaseIdentity, Severity};

/// The profiles that there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileListReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `ProfileList`.
    pub kind: String,
    /// In the order in which they are tried.
    pub items: Vec<ProfileSummary>,
}

/// One profile in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileSummary {
    /// Its name, as `--profile` takes it.
    pub name: String,
    /// Its file; none where it is built in.
    pub file: Option<String>,
    /// Whether a built-in one of the same name is hidden by it.
    pub hides_built_in: bool,
    /// Names of charts that it fits.
    pub charts: Vec<String>,
    /// Image repositories that it fits.
    pub images: Vec<String>,
    /// Its own line about itself.
    pub description: String,
}

impl ProfileListReport {
    /// A list.
    pub fn new(items: Vec<ProfileSummary>) -> Self {
        Self {
            api_version: API_VERSION.into(),
            kind: "ProfileList".into(),
            items,
        }
    }
}

/// What is wrong with files of profiles and paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileLintReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `ProfileLint`.
    pub kind: String,
    /// One entry for each file.
    pub files: Vec<LintedFile>,
}

/// A file that was read strictly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LintedFile {
    /// The file.
    pub file: String,
    /// The profile's or path's name, where it could be read.
    pub name: Option<String>,
    /// What is wrong with it.
    pub findings: Vec<LintFinding>,
}

/// Something wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LintFinding {
    /// `block` where the file cannot be used so, `warn` where it says something that can hardly be meant.
    pub severity: Severity,
    /// Line, counted from 1, where known.
    pub line: Option<u64>,
    /// Column, counted from 1, where known.
    pub column: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// The nearest known key, when a key is unknown.
    pub suggestion: Option<String>,
}

impl ProfileLintReport {
    /// A report.
    pub fn new(files: Vec<LintedFile>) -> Self {
        Self {
            api_version: API_VERSION.into(),
            kind: "ProfileLint".into(),
            files,
        }
    }

    /// 2 where a file cannot be used, else 0.
    pub fn exit_code(&self) -> ExitCode {
        let blocks = |file: &LintedFile| {
            file.findings
                .iter()
                .any(|finding| finding.severity == Severity::Block)
        };
        if self.files.iter().any(blocks) {
            ExitCode::Blocked
        } else {
            ExitCode::Done
        }
    }
}

/// How a profile fits a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileTrialReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `ProfileTrial`.
    pub kind: String,
    /// The profile's name.
    pub profile: String,
    /// The release.
    pub release: ReleaseIdentity,
    /// When the release was looked at (RFC 3339).
    pub taken_at: String,
    /// By what `match` fits it: `its chart is web`.
    pub matches: Vec<String>,
    /// The profile's roles with the workloads that have them.
    pub roles: Vec<TriedRole>,
    /// Workloads that no role selects, with what they are taken for.
    pub others: Vec<TriedWorkload>,
    /// The database, where one was found.
    pub database: Option<TriedDatabase>,
    /// What the migration tool recorded: `goose at 4 in public.goose_db_version`.
    pub migration: Option<String>,
    /// The profile's questions with their answers.
    pub questions: Vec<TriedQuestion>,
    /// What does not fit, and what could not be told.
    pub findings: Vec<TrialFinding>,
    /// What to type next.
    pub next: Vec<NextStep>,
}

/// A role with its workloads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriedRole {
    /// The role.
    pub role: String,
    /// What it is.
    pub kind: RoleKind,
    /// The workloads, as `deployment/web`.
    pub workloads: Vec<String>,
}

/// A workload that no role selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriedWorkload {
    /// The workload.
    pub workload: String,
    /// What it is taken for.
    pub kind: RoleKind,
    /// Why.
    pub reason: String,
}

/// The database that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriedDatabase {
    /// Its name.
    pub database: String,
    /// Its host, as the application writes it.
    pub host: String,
    /// The variable or file that names it, and whose.
    pub found_in: String,
    /// The Secret with the credentials and its keys.
    pub secret: Option<String>,
    /// Further databases that the release names.
    pub others: Vec<String>,
}

/// Which part of a profile asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum QuestionOf {
    /// `busy`.
    Busy,
    /// `verify.assertions`.
    Assertion,
    /// `offPeak.activity`.
    OffPeak,
    /// `path`: a hazard, or versions that must not run together.
    Path,
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriedQuestion {
    /// Which part asks.
    pub of: QuestionOf,
    /// What is asked, in the profile's words, or its id.
    pub what: String,
    /// Whether it could be asked.
    pub asked: bool,
    /// The answer, none where there is none: busy, true of the data, applies.
    pub holds: Option<bool>,
    /// The answer's evidence, or why there is none.
    pub words: String,
}

/// How much a finding of a trial means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TrialLevel {
    /// The profile does not fit.
    Wrong,
    /// It could not be told.
    Unknown,
    /// Something to know.
    Note,
}

/// Something that a trial found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialFinding {
    /// How much it means.
    pub level: TrialLevel,
    /// What was found.
    pub message: String,
}

impl ProfileTrialReport {
    /// The word of [`Self::kind`].
    pub const KIND: &str = "ProfileTrial";

    /// 2 where something does not fit, else 3 where something could not be told, else 0.
    pub fn exit_code(&self) -> ExitCode {
        let any = |level| self.findings.iter().any(|finding| finding.level == level);
        if any(TrialLevel::Wrong) {
            ExitCode::Blocked
        } else if any(TrialLevel::Unknown) {
            ExitCode::CannotTell
        } else {
            ExitCode::Done
        }
    }
}
