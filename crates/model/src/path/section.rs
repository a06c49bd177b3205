//! The keys of an upgrade path, as they stand in a profile's `path` and in a file of its own. Unknown keys are errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Confidence, Severity, Version, VersionRange};

/// What is known of the ways between an application's versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpgradePath {
    /// Where its chart is had, for the commands that are proposed.
    #[serde(default)]
    pub chart: Option<PathChart>,
    /// Where the running version is read.
    #[serde(default)]
    pub running: RunningVersion,
    /// The newest version whose way was looked at when this was written. Beyond it nothing is known.
    #[serde(default)]
    pub reviewed_to: Option<Version>,
    /// How far one upgrade may go.
    #[serde(default)]
    pub largest_jump: Option<LargestJump>,
    /// Versions that exist. A way over every version of some kind can be told only where they are listed.
    #[serde(default)]
    pub known: Vec<KnownVersion>,
    /// Versions that must be visited.
    #[serde(default)]
    pub stops: Vec<Stop>,
    /// What an upgrade between some versions meets.
    #[serde(default)]
    pub hazards: Vec<Hazard>,
    /// Versions whose pods must not run at the same time.
    #[serde(default)]
    pub must_not_overlap: Vec<MustNotOverlap>,
}

/// Where a chart is had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathChart {
    /// As `helm upgrade` takes it: `oci://registry/charts/app`, or `repository/chart`.
    pub reference: String,
    /// How the chart's version is known.
    #[serde(default)]
    pub versions: ChartVersions,
}

/// How the version of the chart is known that brings a version of the application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChartVersions {
    /// It is the application's.
    SameAsApp,
    /// It stands in the list of known versions.
    #[default]
    Listed,
}

/// Where the running version is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunningVersion {
    /// The place.
    #[serde(default)]
    pub read: ReadFrom,
    /// The image repository whose tag it is, compared without registry; for `imageTag`. For `label`, the workloads with
    /// this image are meant, and all where not said.
    #[serde(default)]
    pub image: Option<String>,
    /// The label whose value it is; for `label`.
    #[serde(default)]
    pub label: Option<String>,
}

/// Places where a version stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReadFrom {
    /// The chart's `appVersion`, else its version.
    #[default]
    AppVersion,
    /// The chart's version.
    ChartVersion,
    /// The tag of an image that runs.
    ImageTag,
    /// A label of the workloads.
    Label,
}

/// How far one upgrade may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LargestJump {
    /// How many steps at once; 1 visits every one.
    pub count: usize,
    /// What a step is.
    pub of: JumpUnit,
    /// What going farther means: `block`, or `warn` where it is only advised.
    #[serde(default = "block")]
    pub severity: Severity,
    /// Why, for the user.
    pub why: String,
    /// Where this is known from.
    pub source: String,
    /// How sure it is.
    #[serde(default = "reported")]
    pub confidence: Confidence,
}

/// What the steps of a jump are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum JumpUnit {
    /// The first number.
    Major,
    /// The first two numbers.
    Minor,
    /// Every version that exists.
    Version,
}

/// A version that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownVersion {
    /// The version.
    pub version: Version,
    /// The day it came out (`2026-01-27`).
    #[serde(default)]
    pub released: Option<String>,
    /// The version of the chart that brings it.
    #[serde(default)]
    pub chart: Option<String>,
}

/// A version that must be visited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stop {
    /// The version to visit.
    pub visit: Version,
    /// Versions that one leaves; those before the stop where not said.
    #[serde(default)]
    pub from: Option<VersionRange>,
    /// Versions that one goes to; those after the stop where not said.
    #[serde(default)]
    pub to: Option<VersionRange>,
    /// What passing it by means: `block`, or `warn` where the stop is only advised.
    #[serde(default = "block")]
    pub severity: Severity,
    /// Why, for the user.
    pub why: String,
    /// Where this is known from.
    pub source: String,
    /// How sure it is.
    #[serde(default = "reported")]
    pub confidence: Confidence,
}

impl Stop {
    /// Whether an upgrade between these passes it by.
    pub fn is_skipped(&self, from: &Version, to: &Version) -> bool {
        from < &self.visit
            && &self.visit < to
            && self.from.as_ref().is_none_or(|range| range.contains(from))
            && self.to.as_ref().is_none_or(|range| range.contains(to))
    }
}

/// What an upgrade between some versions meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hazard {
    /// Its name in reports: small letters, digits and dashes.
    pub id: String,
    /// Versions that one leaves.
    #[serde(default)]
    pub from: VersionRange,
    /// Versions that one goes to.
    #[serde(default)]
    pub to: VersionRange,
    /// What it means where it applies: `block`, `warn` or `info`.
    #[serde(default = "warn")]
    pub severity: Severity,
    /// What happens, for the user.
    pub what: String,
    /// What to do about it.
    #[serde(rename = "do")]
    pub remedy: String,
    /// A command for it.
    #[serde(default)]
    pub command: Option<String>,
    /// One statement whose only row begins with true where it applies; further columns are shown. Run read-only. Without
    /// it the versions alone decide.
    #[serde(default)]
    pub sql: Option<String>,
    /// Where this is known from.
    pub source: String,
    /// How sure it is.
    #[serde(default = "reported")]
    pub confidence: Confidence,
}

/// Versions whose pods must not run at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MustNotOverlap {
    /// Its name in reports: small letters, digits and dashes.
    pub id: String,
    /// Versions of the old pods.
    #[serde(default)]
    pub from: VersionRange,
    /// Versions of the new pods.
    #[serde(default)]
    pub to: VersionRange,
    /// Why, for the user.
    pub why: String,
    /// As that of a hazard.
    #[serde(default)]
    pub sql: Option<String>,
    /// Where this is known from.
    pub source: String,
    /// How sure it is.
    #[serde(default = "reported")]
    pub confidence: Confidence,
}

fn reported() -> Confidence {
    Confidence::Reported
}

fn block() -> Severity {
    Severity::Block
}

fn warn() -> Severity {
    Severity::Warn
}

impl UpgradePath {
    /// What must be asked of the database: the names of hazards and overlaps with their statements. `from` is the
    /// running version; without it everything is asked.
    pub fn questions(&self, from: Option<&Version>) -> Vec<(&str, &str)> {
        let meant = |range: &VersionRange| from.is_none_or(|from| range.contains(from));
        let hazards = self
            .hazards
            .iter()
            .filter(|hazard| meant(&hazard.from))
            .filter_map(|hazard| Some((hazard.id.as_str(), hazard.sql.as_deref()?)));
        let overlaps = self
            .must_not_overlap
            .iter()
            .filter(|overlap| meant(&overlap.from))
            .filter_map(|overlap| Some((overlap.id.as_str(), overlap.sql.as_deref()?)));
        hazards.chain(overlaps).collect()
    }

    /// The known version that this is, if it is listed.
    pub fn known(&self, version: &Version) -> Option<&KnownVersion> {
        self.known.iter().find(|known| known.version == *version)
    }
}
