//! Everything seen of one release in one look.

use serde::{Deserialize, Serialize};

use crate::path::PathFacts;
use crate::{
    AccessDecision, BackupInventory, DatabaseFacts, DatabaseLocation, Deployer, ObjectName, PodFacts,
    Profile, RehearsedMigration, Release, RequirementFacts, RevisionSummary, Scaler, Seen, Sharer, Target,
    Workload,
};

/// The cluster itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterFacts {
    /// `gitVersion` of the API server, such as `v1.34.4`.
    pub version: String,
    /// The UID of namespace kube-system, which names a cluster for good.
    pub uid: Seen<String>,
    /// The kubeconfig context's name, for messages.
    pub context: String,
}

/// Who holds the release's lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseFacts {
    /// `holderIdentity`: the run's id and who runs it.
    pub holder: String,
    /// When it was last renewed by the holder's clock (RFC 3339).
    pub renewed: Option<String>,
}

/// A Job in the release's namespace that no controller made, as hooks make them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookJob {
    /// The Job's name.
    pub name: String,
    /// Whether pods of it still run or may still be started.
    pub active: bool,
    /// Whether it completed.
    pub succeeded: bool,
}

/// What was seen. No field can hold the data of a Secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// When the look began (RFC 3339).
    pub taken_at: String,
    /// The name of the release that was looked for.
    pub release_name: String,
    /// Its namespace.
    pub namespace: String,
    /// The cluster.
    pub cluster: ClusterFacts,
    /// The release's newest revision.
    pub release: Seen<Release>,
    /// Objects of that revision's manifest whose kind the API server does not have (any more).
    #[serde(default = "Seen::not_asked")]
    pub unserved: Seen<Vec<ObjectName>>,
    /// All its revisions, oldest first.
    pub history: Seen<Vec<RevisionSummary>>,
    /// The lease of a run on this release.
    pub lease: Seen<LeaseFacts>,
    /// A run of ours on this release whose outcome is not final.
    pub unfinished_run: Seen<String>,
    /// What runs for the release.
    pub workloads: Seen<Vec<Workload>>,
    /// The pods of those workloads.
    pub pods: Seen<Vec<PodFacts>>,
    /// Who else scales them.
    pub scalers: Seen<Vec<Scaler>>,
    /// What else uses the release's database.
    #[serde(default = "Seen::not_asked")]
    pub sharers: Seen<Vec<Sharer>>,
    /// Jobs of the namespace that no controller made: what hooks left behind is among them.
    pub hook_jobs: Seen<Vec<HookJob>>,
    /// Who else deploys the release, by the marks that it leaves on what runs.
    pub owners: Seen<Vec<Deployer>>,
    /// What was seen of what the profile requires.
    #[serde(default)]
    pub requirements: RequirementFacts,
    /// Where the database is; `Absent` where nothing names one.
    pub location: Seen<DatabaseLocation>,
    /// Further databases that the release names, as `database on host`; backups and checks leave them alone.
    pub other_databases: Vec<String>,
    /// The database, once connected to; `Unreadable` says why it could not be asked.
    pub database: Seen<DatabaseFacts>,
    /// Backups of that database, of every mechanism.
    pub backups: Seen<BackupInventory>,
    /// What we may do, for every later phase.
    pub access: Seen<Vec<AccessDecision>>,
    /// Seconds that the last migration of this release took, from the facts that earlier runs left behind.
    pub last_migration_seconds: Seen<u64>,
    /// What the last restore test of the release's database measured.
    pub last_restore: Seen<MeasuredRestore>,
    /// What the last rehearsal of a migration measured; which upgrade that was stands in it.
    #[serde(default)]
    pub rehearsed: Option<RehearsedMigration>,
    /// Why the target that was named could not be rendered; none where it was, or where none was named.
    #[serde(default)]
    pub target_unread: Option<String>,
    /// The name of the profile in force.
    pub profile: String,
    /// The upgrade path in force and what the database answered to it; none where no path knows the application.
    #[serde(default)]
    pub path: Option<PathFacts>,
}

impl Observation {
    /// The rehearsal of the very upgrade from the running chart to this version.
    pub fn rehearsed_to(&self, version: &str) -> Option<&RehearsedMigration> {
        let running = &self.release.present()?.chart.version;
        self.rehearsed
            .as_ref()
            .filter(|rehearsed| rehearsed.is_of(running, version))
    }
}

/// What a restore test measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredRestore {
    /// Seconds that filling the database took.
    pub seconds: u64,
    /// The database's size then, in bytes.
    pub bytes: u64,
    /// Seconds until the application was ready on it, where one was booted.
    #[serde(default)]
    pub boot_seconds: Option<u64>,
}

/// A look that was kept, so that it can be judged later and elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedObservation {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `Observation`.
    pub kind: String,
    /// What was seen.
    pub observation: Observation,
    /// What it would be upgraded to, where a chart was named.
    pub target: Option<Target>,
    /// The profile in force.
    pub profile: Profile,
}

impl SavedObservation {
    /// The word of [`Self::kind`].
    pub const KIND: &str = "Observation";

    /// A look to keep.
    pub fn new(observation: Observation, target: Option<Target>, profile: Profile) -> Self {
        Self {
            api_version: crate::API_VERSION.into(),
            kind: Self::KIND.into(),
            observation,
            target,
            profile,
        }
    }
}
