//! A plan: what a run will do, in order, with every value resolved.
//!
//! Undo runs through the started steps backwards, so the order carries the meaning of turning back: the pass stops what
//! it started, the database anchor puts the data back, the release anchor puts the revision back, and quiesce and
//! suspend give back the counts, each by its own undo.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Before, DatabaseLocation, LoadLimit, MigrationState, OnSlow, ReleaseIdentity, RestoreOptions,
    RestoreSource, RunTerms, Smoke, WorkloadKind, WorkloadName,
};

/// When the new version may be judged and what turning back costs then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateMode {
    /// One pod of the migrating workload behind our readiness gate, all else parked. Turning back loses nothing.
    Traffic,
    /// Hooks only, no pods. Turning back loses nothing; the new version's own health is judged after.
    Schema,
    /// The chart as it is. Turning back has a price.
    After,
}

impl GateMode {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Traffic => "traffic",
            Self::Schema => "schema",
            Self::After => "after",
        }
    }
}

/// What takes a step back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reversal {
    /// The step changes nothing that needs undoing.
    NotNeeded,
    /// Undone without asking.
    Automatic,
    /// Undone only when a person says so.
    OnConsent,
    /// Cannot be undone.
    Impossible,
}

/// Waits until the application says it is idle, by a profile's query, which must return no row, and until the load is low
/// enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitIdle {
    /// The database to ask.
    pub database: DatabaseLocation,
    /// What each query looks for, and the query; run read-only.
    pub queries: Vec<(String, String)>,
    /// Under how much load writers may be stopped.
    #[serde(default, skip_serializing_if = "LoadLimit::is_empty")]
    pub load: LoadLimit,
    /// How long to wait, in seconds.
    pub timeout_seconds: u64,
}

/// What starts pods by itself and is held: each has one field by which it is, and that field's value from before.
///
/// A HorizontalPodAutoscaler is none of them: it leaves a target at 0 alone, with all of its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "hold")]
pub enum SuspendTarget {
    /// `spec.suspend: true`.
    CronJob {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// `spec.suspend` as it was; `None` when the field was not written.
        original: Option<bool>,
    },
    /// A node selector that matches no node; its pods end as well.
    DaemonSet {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What our key of the node selector said before; `None` when it was not there.
        original: Option<String>,
    },
    /// KEDA's annotation `autoscaling.keda.sh/paused`.
    ScaledObject {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The annotation's value as it was; `None` when it was not there.
        original: Option<String>,
    },
}

impl SuspendTarget {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        match self {
            Self::CronJob { namespace, .. }
            | Self::DaemonSet { namespace, .. }
            | Self::ScaledObject { namespace, .. } => namespace,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::CronJob { name, .. } | Self::DaemonSet { name, .. } | Self::ScaledObject { name, .. } => {
                name
            }
        }
    }

    /// Whether both mean one object, whatever values they carry.
    pub fn is_same(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && (self.namespace(), self.name()) == (other.namespace(), other.name())
    }

    /// Whether the value it carries is the one by which it is held.
    pub fn is_held(&self) -> bool {
        match self {
            Self::CronJob { original, .. } => *original == Some(true),
            Self::DaemonSet { original, .. } => original.is_some(),
            Self::ScaledObject { original, .. } => original.as_deref() == Some("true"),
        }
    }

    /// The workload whose pods end with the hold; `None` where running pods stay.
    pub fn ends_pods_of(&self) -> Option<WorkloadName> {
        match self {
            Self::DaemonSet { namespace, name, .. } => Some(WorkloadName {
                kind: WorkloadKind::DaemonSet,
                namespace: namespace.clone(),
                name: name.clone(),
            }),
            Self::CronJob { .. } | Self::ScaledObject { .. } => None,
        }
    }
}

impl fmt::Display for SuspendTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::CronJob { .. } => "cronjob",
            Self::DaemonSet { .. } => "daemonset",
            Self::ScaledObject { .. } => "scaledobject",
        };
        write!(f, "{kind}/{}", self.name())
    }
}

/// Holds what would start pods by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspend {
    /// What is held.
    pub targets: Vec<SuspendTarget>,
}

/// A workload to take down and bring back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuiesceTarget {
    /// Which.
    pub workload: WorkloadName,
    /// The count before, which is the count after.
    pub replicas: i32,
    /// The role the profile gives it.
    pub role: String,
}

/// Takes writers to 0 through `/scale`, in the order given. The counts are read again and journaled before each act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quiesce {
    /// What is stopped, in order.
    pub targets: Vec<QuiesceTarget>,
}

/// Waits until the pods of the stopped workloads are gone and no writer is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// Whose pods must be gone.
    pub workloads: Vec<WorkloadName>,
    /// Where nobody may be connected.
    pub database: Option<DatabaseLocation>,
    /// How long to wait, in seconds: the longest grace period and some.
    pub timeout_seconds: u64,
}

/// Takes a revision over that somebody else's helm left behind: its hook Jobs end, by themselves within the time or ended
/// then; a record that is pending is marked failed, so that Helm goes on. Undo: the record says again what it said, as long
/// as it is the newest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleRevision {
    /// The newest revision.
    pub revision: u32,
    /// Its hook Jobs that may still run.
    pub hook_jobs: Vec<String>,
    /// How long they may take to end by themselves, in seconds.
    pub timeout_seconds: u64,
}

/// A session by which it is known again: a process id alone may belong to another one by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedSession {
    /// Process id.
    pub pid: i32,
    /// Role name.
    pub user: Option<String>,
    /// `application_name`.
    pub application: String,
    /// Client address; `None` for a local socket.
    pub client: Option<String>,
}

impl NamedSession {
    /// Whether a session is the one that is meant.
    pub fn is(&self, session: &crate::Session) -> bool {
        let Self {
            pid,
            user,
            application,
            client,
        } = self;
        (*pid, user, application, client)
            == (session.pid, &session.user, &session.application, &session.client)
    }
}

/// Ends sessions: those that stopped pods left behind, and those of others that a person has agreed to end. What they had
/// not committed is rolled back by the server; there is no undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndSessions {
    /// On which database.
    pub database: DatabaseLocation,
    /// Sessions of others.
    pub sessions: Vec<NamedSession>,
    /// Addresses of the pods that were stopped.
    pub addresses: Vec<String>,
}

/// Starts a Job of the cluster that brings everything back when the time is up, whatever became of the client. It ends by
/// itself as soon as the run is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeLimit {
    /// How long after the step has begun, in seconds.
    pub seconds: u64,
    /// The image that holds `helm-safe-upgrade`.
    pub image: String,
}

/// Proves that what was stopped stands still: counts at 0, holds in force, no pods, no writer connected. It is the last
/// step of a run that leaves a release stopped; only a person, or a [`TimeLimit`], brings it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StandStill {
    /// The workloads that are at 0.
    pub workloads: Vec<WorkloadName>,
    /// What is held.
    pub held: Vec<SuspendTarget>,
    /// Where nobody may be connected.
    pub database: Option<DatabaseLocation>,
}

/// Remembers the revision in force. Undo: `helm rollback` to it by number, without hooks, if another is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorRelease {
    /// The last revision that was deployed.
    pub revision: u32,
}

/// Backs the database up and proves the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackUp {
    /// What is backed up.
    pub database: DatabaseLocation,
    /// The store, as a URI or a folder.
    pub store: String,
    /// Why, for the manifest.
    pub reason: String,
}

/// Remembers the schema. Undo: if the data may have changed since, restore the run's backup into a new database and swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorDatabase {
    /// Which database.
    pub database: DatabaseLocation,
    /// The migration state when planning.
    pub before: Option<MigrationState>,
    /// Where the backup of this run lies: the `BackUp` step's store.
    pub store: String,
}

/// One `helm upgrade` with the pinned chart and values, watched until the migration has ended.
///
/// Undo stops what it started: hook Jobs end, every workload but the database goes to 0, no pod remains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmPass {
    /// The gate, which says what the post-renderer parks.
    pub gate: GateMode,
    /// The newest revision before this pass; the pass writes the next one.
    pub base_revision: u32,
    /// The workload that starts behind the gate, for gate `traffic`; it alone runs, with one pod.
    pub migrating: Option<WorkloadName>,
    /// The database's own workloads, which are never parked and never stopped.
    pub database_workloads: Vec<WorkloadName>,
    /// The workloads this pass may start or change.
    pub workloads: Vec<WorkloadName>,
    /// Writers that the profile lets run through the migration: what they write after the backup is lost by turning back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serving: Vec<WorkloadName>,
    /// Hook Jobs that the chart runs around the upgrade.
    pub hook_jobs: Vec<String>,
    /// The database to watch.
    pub database: Option<DatabaseLocation>,
    /// The limit for hooks and for the gated pod to become ready, in seconds.
    pub timeout_seconds: u64,
    /// Seconds after which the migration is slower than usual, from the profile.
    pub usual_seconds: Option<u64>,
}

/// Judges the new version before anybody is served: schema, readiness, the application's own health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// The gate.
    pub mode: GateMode,
    /// The workload whose gated pod is asked, for gate `traffic`.
    pub migrating: Option<WorkloadName>,
    /// The database whose migration state is read.
    pub database: Option<DatabaseLocation>,
    /// The migration state before the pass.
    pub before: Option<MigrationState>,
    /// The schema version that the profile expects of the target, where it knows.
    pub expected_schema: Option<String>,
    /// What the gated pod must answer with 2xx.
    pub health: Vec<HealthQuestion>,
}

/// An HTTP question to a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthQuestion {
    /// Whose pod is asked.
    pub workload: WorkloadName,
    /// The container port.
    pub port: u16,
    /// The path, with its leading slash.
    pub path: String,
}

/// The second pass: the same chart and values without hooks and without our edits. It opens the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenTraffic {
    /// The workload whose gated pod serves until the roll-out replaces it.
    pub migrating: Option<WorkloadName>,
    /// Helm's own `--timeout`, in seconds.
    pub timeout_seconds: u64,
}

/// Gives the workloads their counts back where the chart does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resume {
    /// What is resumed, in order.
    pub targets: Vec<QuiesceTarget>,
}

/// Waits until every workload of the release runs its newest template with all pods ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollOut {
    /// Which workloads.
    pub workloads: Vec<WorkloadName>,
    /// How long to wait, in seconds.
    pub timeout_seconds: u64,
}

/// Looks at the result: revision, counts, schema, health; what must be so once traffic is back; what was so before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostCheck {
    /// The counts every workload must have.
    pub targets: Vec<QuiesceTarget>,
    /// The database whose migration state is recorded.
    pub database: Option<DatabaseLocation>,
    /// The schema version that the profile expects of the target, where it knows.
    pub expected_schema: Option<String>,
    /// What a pod of each workload named must answer with 2xx.
    pub health: Vec<HealthQuestion>,
    /// What must be so once traffic is back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub smoke: Vec<Smoke>,
    /// How long the chart's own tests may take, in seconds; `None` where they are not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helm_test_seconds: Option<u64>,
    /// Tables that must not have fewer rows than in this run's backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// Whose logs are compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs_of: Vec<WorkloadName>,
    /// What marks an error in a line of a log; the usual words where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_markers: Vec<String>,
    /// How the release stood before.
    #[serde(default)]
    pub before: Before,
}

/// Takes the gated revision out of Helm's history, so that a numberless `helm rollback` cannot land on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForgetRevision {
    /// Id of the `HelmPass` step, which recorded the revision that it wrote.
    pub pass: String,
}

/// Restores a backup into a new database and swaps it in; what was in use is kept under another name. Undo swaps back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreDatabase {
    /// The database to replace.
    pub database: DatabaseLocation,
    /// What it is filled from.
    pub source: RestoreSource,
    /// The restore's id, which names the databases that it makes; chosen when the step first runs where not said.
    #[serde(default)]
    pub id: Option<String>,
    /// A person's answers.
    #[serde(default)]
    pub options: RestoreOptions,
}

/// `helm rollback` to a named revision, without hooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmRollback {
    /// The revision to go back to.
    pub revision: u32,
    /// The newest revision before; the rollback writes the next one.
    pub base_revision: u32,
}

/// What a step does. Each has its own struct with resolved values only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum StepSpec {
    /// See [`WaitIdle`].
    WaitIdle(WaitIdle),
    /// See [`Suspend`].
    Suspend(Suspend),
    /// See [`Quiesce`].
    Quiesce(Quiesce),
    /// See [`Drain`].
    Drain(Drain),
    /// See [`SettleRevision`].
    SettleRevision(SettleRevision),
    /// See [`EndSessions`].
    EndSessions(EndSessions),
    /// See [`TimeLimit`].
    TimeLimit(TimeLimit),
    /// See [`StandStill`].
    StandStill(StandStill),
    /// See [`AnchorRelease`].
    AnchorRelease(AnchorRelease),
    /// See [`BackUp`].
    BackUp(BackUp),
    /// See [`AnchorDatabase`].
    AnchorDatabase(AnchorDatabase),
    /// See [`HelmPass`].
    HelmPass(HelmPass),
    /// See [`Gate`].
    Gate(Gate),
    /// See [`OpenTraffic`].
    OpenTraffic(OpenTraffic),
    /// See [`Resume`].
    Resume(Resume),
    /// See [`RollOut`].
    RollOut(RollOut),
    /// See [`RestoreDatabase`].
    RestoreDatabase(RestoreDatabase),
    /// See [`HelmRollback`].
    HelmRollback(HelmRollback),
    /// Ends the holds of the suspend step.
    Unsuspend(Suspend),
    /// See [`PostCheck`].
    PostCheck(PostCheck),
    /// See [`ForgetRevision`].
    ForgetRevision(ForgetRevision),
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// Its id, unique in the plan: `03-quiesce`.
    pub id: String,
    /// What it will do, in a sentence with the values in it.
    pub title: String,
    /// How it is taken back.
    pub reversal: Reversal,
    /// Its values.
    pub spec: StepSpec,
}

/// A plan. Printed, saved, compared, journaled and run; nothing else decides what a run does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `Plan`.
    pub kind: String,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// What runs now.
    pub from: ReleaseIdentity,
    /// What will run.
    pub to: crate::ChartIdentity,
    /// The profile in force.
    pub profile: String,
    /// The gate.
    pub gate: GateMode,
    /// sha256 of the pinned chart archive.
    pub chart_sha256: String,
    /// sha256 of the pinned values, under a key that is never saved: equal only within one run.
    pub values_digest: String,
    /// The flags of `helm upgrade` that every pass gets, secrets excluded by construction (values are pinned apart).
    pub helm_flags: Vec<String>,
    /// When it may begin and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<RunTerms>,
    /// The steps in order.
    pub steps: Vec<PlannedStep>,
    /// Index of the first step after which turning back has a price; `None` when it is free to the end.
    pub priced_from: Option<usize>,
    /// Why the database cannot be put back, if it cannot.
    pub no_way_back: Option<String>,
    /// What the user should know before agreeing.
    pub notices: Vec<String>,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunPurpose {
    /// Another version, or other data, in force.
    #[default]
    Change,
    /// The release stopped until a person brings it back.
    Quiesce,
}

impl Plan {
    /// What happens where the run takes longer than it should.
    pub fn on_slow(&self) -> OnSlow {
        self.terms.as_ref().map(|terms| terms.on_slow).unwrap_or_default()
    }

    /// What the run is for, by its steps.
    pub fn purpose(&self) -> RunPurpose {
        match self
            .steps
            .iter()
            .any(|step| matches!(step.spec, StepSpec::StandStill(_)))
        {
            true => RunPurpose::Quiesce,
            false => RunPurpose::Change,
        }
    }
}
