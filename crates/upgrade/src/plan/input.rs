//! What a plan is made from.

use std::collections::BTreeMap;

use checks::Assigned;
use model::{
    Before, DatabaseLocation, GateMode, LoadLimit, MeasuredRestore, MigrationState, Profile,
    RehearsedMigration, Release, RunTerms, Scaler, Target, WorkloadName,
};

use super::{Adopted, AfterWishes};

/// Everything a plan is made from. No clock, no cluster: the same input gives the same plan.
#[derive(Debug, Clone)]
pub struct PlanInput<'a> {
    /// When the plan is made (RFC 3339).
    pub created_at: String,
    /// The release as it is.
    pub release: &'a Release,
    /// The last revision that was deployed: where a rollback leads. `None` when the history has none.
    pub anchor_revision: Option<u32>,
    /// The target.
    pub target: &'a Target,
    /// The profile in force.
    pub profile: &'a Profile,
    /// Who plays which part.
    pub members: &'a [Assigned],
    /// Who else scales them.
    pub scalers: &'a [Scaler],
    /// `spec.replicas` that the running revision's own manifest says, where it says one.
    pub manifest_replicas: &'a BTreeMap<WorkloadName, i32>,
    /// The database, if one was found.
    pub database: Option<&'a DatabaseLocation>,
    /// Its migration state now.
    pub migration: Option<&'a MigrationState>,
    /// Its size now, in bytes.
    pub database_bytes: Option<u64>,
    /// What the last restore test of it measured.
    pub last_restore: Option<MeasuredRestore>,
    /// What the last rehearsal measured, of whatever upgrade.
    pub rehearsed: Option<&'a RehearsedMigration>,
    /// Why the database could not be put back, if it could not.
    pub no_way_back: Option<String>,
    /// The user's `--gate`.
    pub gate: Option<GateMode>,
    /// The user's `--max-active` and `--max-tps`.
    pub load: LoadLimit,
    /// `--smoke`, `--helm-test`, `--allow-profile-commands`.
    pub after: AfterWishes,
    /// Whether the chart has tests of its own.
    pub has_tests: bool,
    /// How the release stands, for the comparison afterwards.
    pub before: Before,
    /// When the run may begin and until when.
    pub terms: Option<RunTerms>,
    /// The backup store's URI.
    pub store: String,
    /// sha256 of the pinned chart.
    pub chart_sha256: String,
    /// Keyed digest of the pinned values.
    pub values_digest: String,
    /// Flags that every pass gets.
    pub helm_flags: Vec<String>,
    /// The user's `--timeout`, in seconds.
    pub timeout_seconds: Option<u64>,
    /// What somebody else's upgrade left behind, where this run finishes it.
    pub adopted: Option<&'a Adopted>,
}
