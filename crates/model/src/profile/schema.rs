//! The keys of a profile. Unknown keys are errors; every key here is read by some code.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Requires;
use crate::DeclaredDeployer;
use crate::path::UpgradePath;

/// What is particular to one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// `safe-upgrade.dev/v1alpha1`.
    pub api_version: String,
    /// `Profile`.
    pub kind: String,
    /// The profile's name, as `--profile` takes it.
    pub name: String,
    /// One line for `profile list`.
    #[serde(default)]
    pub description: String,
    /// Which releases it fits.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// What must be in the cluster before it can run.
    #[serde(default)]
    pub requires: Requires,
    /// Who else deploys it, where nothing in the cluster may tell.
    #[serde(default)]
    pub deployer: Option<DeclaredDeployer>,
    /// Where the database's address stands.
    #[serde(default)]
    pub database: Database,
    /// Which workload does what. A workload that no role selects is a writer that must be quiesced.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Where its release notes are, and what marks what matters in them.
    #[serde(default)]
    pub notes: Notes,
    /// How the schema is migrated.
    #[serde(default)]
    pub migrations: Migrations,
    /// The gate to use unless a flag says otherwise; without it, `traffic` for boot-run, `schema` for hook-run.
    #[serde(default)]
    pub gate: Option<GateWord>,
    /// Usual durations.
    #[serde(default)]
    pub budgets: Budgets,
    /// What must be idle before writers stop.
    #[serde(default)]
    pub busy: Vec<Busy>,
    /// How much load there may be when writers stop.
    #[serde(default)]
    pub off_peak: OffPeak,
    /// How the new version shows that it is well.
    #[serde(default)]
    pub health: Vec<Health>,
    /// What must be so once traffic is back.
    #[serde(default)]
    pub smoke: Vec<SmokeStep>,
    /// What is compared before and after.
    #[serde(default)]
    pub compare: Compare,
    /// What an older version needs to run again.
    #[serde(default)]
    pub rollback: Rollback,
    /// What a restore test asks of a restored copy.
    #[serde(default)]
    pub verify: Verify,
    /// What a rehearsal of the migration must know.
    #[serde(default)]
    pub rehearsal: Rehearsal,
    /// Without which a restored database is of no use.
    #[serde(default)]
    pub keys: Keys,
    /// Volumes and buckets that belong to the same moment as the database.
    #[serde(default)]
    pub artefacts: Vec<ArtefactPlace>,
    /// What is known of the ways between its versions.
    #[serde(default)]
    pub path: Option<UpgradePath>,
    /// The same in a file of its own: a path beside the profile, a built-in name, or `URL@sha256:…`.
    #[serde(default)]
    pub path_file: Option<String>,
}

/// Where the release notes of an application are, and what marks what matters in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notes {
    /// Where they are. The chart's own change log and annotations are always read.
    #[serde(default)]
    pub sources: Vec<NotesSource>,
    /// Words that mark what matters, besides the usual ones.
    #[serde(default)]
    pub markers: NotesMarkers,
}

/// A place where release notes are: either `github` or `changelog`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotesSource {
    /// A repository whose releases have notes, as `owner/repository`.
    #[serde(default)]
    pub github: Option<String>,
    /// A change log: an address or a file.
    #[serde(default)]
    pub changelog: Option<String>,
    /// Whose versions it tells about; found out by the target's versions where not said.
    #[serde(default)]
    pub of: Option<crate::VersionOf>,
    /// What stands before the version in a tag that counts, such as `app-`; any where not said.
    #[serde(default)]
    pub tags: Option<String>,
}

/// Words in a heading or a line that mark what matters, in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotesMarkers {
    /// Mark what does not work any more.
    #[serde(default)]
    pub breaking: Vec<String>,
    /// Mark migrations and steps by hand.
    #[serde(default)]
    pub migrations: Vec<String>,
    /// Mark what will not work for long.
    #[serde(default)]
    pub deprecations: Vec<String>,
    /// Mark mended weaknesses.
    #[serde(default)]
    pub security: Vec<String>,
    /// Mark what is known to fail.
    #[serde(default)]
    pub known_issues: Vec<String>,
}

/// What a restore test asks of a restored copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verify {
    /// What must be true.
    #[serde(default)]
    pub assertions: Vec<MustBeTrue>,
}

/// What a rehearsal of the migration must know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rehearsal {
    /// Environment variables that are empty in a rehearsal: credentials of others than the database.
    #[serde(default)]
    pub blank: Vec<String>,
}

/// What must be true of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MustBeTrue {
    /// What it says, in words: `every order has a customer`.
    pub what: String,
    /// One statement whose only row begins with true; run read-only.
    pub sql: String,
}

/// Keys without which a restored database is of no use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Keys {
    /// Secrets of the release's namespace, or single keys of them as `SECRET/KEY`.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Every Secret with these labels: `app=web,tier=backend`.
    #[serde(default)]
    pub selectors: Vec<String>,
    /// Paths in the release's values: `auth.signingKey`.
    #[serde(default)]
    pub values: Vec<String>,
}

/// A volume or bucket that belongs to the same moment as the database. Exactly one of `claim`, `labels` and `bucket` is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArtefactPlace {
    /// A claim of the release's namespace, by name.
    #[serde(default)]
    pub claim: Option<String>,
    /// Claims of the release's namespace, by their labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// A folder in the claim; all of it where not said.
    #[serde(default)]
    pub path: Option<String>,
    /// A bucket: `s3://bucket/prefix`.
    #[serde(default)]
    pub bucket: Option<String>,
}

/// What an older version needs to run again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollback {
    /// After a migration: does the older version run on the newer schema?
    #[serde(default)]
    pub after_migration: AfterMigration,
}

/// Whether an older version runs on a newer schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AfterMigration {
    /// It does.
    Compatible,
    /// It does not, or nobody said: the database is put back first.
    #[default]
    Restore,
}

/// The gate's words in a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GateWord {
    /// See `docs/profiles.md`.
    Traffic,
    /// See `docs/profiles.md`.
    Schema,
    /// See `docs/profiles.md`.
    After,
}

impl From<GateWord> for crate::GateMode {
    fn from(word: GateWord) -> Self {
        match word {
            GateWord::Traffic => Self::Traffic,
            GateWord::Schema => Self::Schema,
            GateWord::After => Self::After,
        }
    }
}

/// Which releases a profile fits: any chart name, or any image repository that a workload runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// Chart names.
    #[serde(default)]
    pub charts: Vec<String>,
    /// Image repositories, compared without registry and tag.
    #[serde(default)]
    pub images: Vec<String>,
}

/// Where the database's address stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Database {
    /// Environment variables that hold a Postgres URL, most telling first.
    #[serde(default)]
    pub env: Vec<String>,
}

/// Selects workloads by labels and image. All given conditions must hold; an empty selector selects nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selector {
    /// Labels of the workload or its pod template.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// An image repository, compared without registry and tag.
    #[serde(default)]
    pub image: Option<String>,
    /// A kind, such as `StatefulSet`.
    #[serde(default)]
    pub kind: Option<String>,
}

/// What a workload is to the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleKind {
    /// Writes to the database.
    Writer,
    /// Writes, and migrates the schema when it boots.
    Migrator,
    /// Never writes.
    Reader,
    /// Runs the database itself. Never touched.
    Database,
}

/// Whether a role must stop for the upgrade.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QuiesceNeed {
    /// It must stop.
    #[default]
    Required,
    /// It may stop; flags decide.
    Optional,
    /// It must not be stopped.
    Never,
}

/// One role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// Its name, for messages.
    pub name: String,
    /// What it is.
    pub kind: RoleKind,
    /// Which workloads have it.
    pub select: Selector,
    /// Whether it must stop.
    #[serde(default)]
    pub quiesce: QuiesceNeed,
    /// Lower stops first and resumes last.
    #[serde(default)]
    pub order: i32,
}

/// Who runs the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunBy {
    /// The application when it boots.
    Boot,
    /// A Helm hook Job.
    Hook,
}

/// How the schema is migrated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Migrations {
    /// The tool; found by the columns of its table where not said.
    #[serde(default)]
    pub tool: Option<crate::MigrationTool>,
    /// Who runs it; where not said: `hook` if the chart has a pre-upgrade hook Job, else `boot`.
    #[serde(default)]
    pub run: Option<RunBy>,
    /// The schema version each application version brings (`from` this version on).
    #[serde(default)]
    pub schema: Vec<SchemaOf>,
    /// The newest application version that `schema` is known for; without it the last entry holds for all later ones.
    #[serde(default)]
    pub schema_to: Option<crate::Version>,
}

/// Which schema version an application version brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchemaOf {
    /// The first application version that brings it.
    pub from: String,
    /// The schema version.
    pub version: String,
}

/// Usual durations, in seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budgets {
    /// What a migration usually takes.
    #[serde(default)]
    pub usual_seconds: Option<u64>,
    /// After this a person should look.
    #[serde(default)]
    pub investigate_after_seconds: Option<u64>,
}

/// A condition that must not hold when writers stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Busy {
    /// What it looks for, in words: `a job is running`.
    pub what: String,
    /// A query that returns no row when idle. Run read-only.
    pub sql: String,
}

/// What must be so once traffic is back: either `sql` or `command`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmokeStep {
    /// What it says, in words: `an order can be placed`.
    pub what: String,
    /// One statement whose only row begins with true; run read-only.
    #[serde(default)]
    pub sql: Option<String>,
    /// A command that must end with 0; only run with `--allow-profile-commands`.
    #[serde(default)]
    pub command: Option<String>,
}

/// What is compared before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compare {
    /// Tables that must not lose rows: `orders`, `public.orders`.
    #[serde(default)]
    pub tables: Vec<String>,
    /// What marks an error in a line of a log: `level=error`.
    #[serde(default)]
    pub error_markers: Vec<String>,
}

/// How much load there may be when writers stop.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OffPeak {
    /// The most sessions that may be at work in the database.
    #[serde(default)]
    pub max_active: Option<u64>,
    /// The most transactions in a second.
    #[serde(default)]
    pub max_tps: Option<u64>,
    /// What must be true: `fewer than ten people are logged in`.
    #[serde(default)]
    pub activity: Vec<MustBeTrue>,
}

/// An HTTP question that the new version must answer with 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Health {
    /// The role whose pod is asked.
    pub role: String,
    /// The container port.
    pub port: u16,
    /// The path, with its leading slash.
    pub path: String,
}
