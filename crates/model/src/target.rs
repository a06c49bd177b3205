//! The version an upgrade would go to, as rendered by the user's own helm.

use serde::{Deserialize, Serialize};

use crate::{ChartIdentity, ContainerFacts, NotesReport, ObjectName, Seen, UpdateStrategy, WorkloadName};

/// A field of a live object that another manager owns with another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldConflict {
    /// Who owns it.
    pub manager: String,
    /// Its path.
    pub field: String,
}

/// What the API server said to a dry run of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum DryRunOutcome {
    /// It would be accepted.
    Accepted,
    /// Server-side apply conflicts with other managers.
    #[serde(rename_all = "camelCase")]
    Conflicts {
        /// Every conflicting field.
        fields: Vec<FieldConflict>,
    },
    /// It would be refused: immutable field, quota, webhook, policy, unknown kind.
    #[serde(rename_all = "camelCase")]
    Refused {
        /// The API server's words.
        reason: String,
    },
    /// The dry run itself could not be done (no right, webhook without dry-run support, no answer).
    #[serde(rename_all = "camelCase")]
    Unknown {
        /// Why.
        reason: String,
    },
}

/// One object of the target's manifest under a server-side dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectDryRun {
    /// The object.
    pub object: ObjectName,
    /// The answer.
    pub outcome: DryRunOutcome,
}

/// A workload as the target's manifest renders it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedWorkload {
    /// Which workload.
    pub name: WorkloadName,
    /// `spec.replicas` where the manifest says it. Where it does not, Helm leaves the live number, 0 included.
    pub replicas: Option<i32>,
    /// `metadata.labels`.
    pub labels: std::collections::BTreeMap<String, String>,
    /// How its pods will be replaced.
    pub strategy: UpdateStrategy,
    /// Its containers.
    pub containers: Vec<ContainerFacts>,
    /// `progressDeadlineSeconds` for Deployments.
    pub progress_deadline_seconds: Option<i32>,
}

/// A hook of the target chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedHook {
    /// The hook object.
    pub object: ObjectName,
    /// Its events, such as `pre-upgrade`.
    pub events: Vec<String>,
    /// `activeDeadlineSeconds` of a hook Job.
    pub active_deadline_seconds: Option<i64>,
    /// Images of a hook Job's containers.
    pub images: Vec<String>,
    /// Its delete policies; none written means `before-hook-creation`.
    pub delete_policies: Vec<String>,
}

/// What the chosen way of keeping values would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValuesHazard {
    /// Paths of values the user set in the running revision that the upgrade would drop.
    pub dropped: Vec<String>,
    /// Paths of defaults new in the target chart that `--reuse-values` would leave out.
    pub missing_defaults: Vec<String>,
    /// The way of keeping values in force, as a flag of `helm upgrade`.
    pub mode: String,
}

/// A Secret whose data the upgrade would change. Names only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedSecret {
    /// The Secret.
    pub name: String,
    /// Its keys whose value would change.
    pub keys: Vec<String>,
}

/// A definition of custom resources in the target chart's folder `crds`, beside the cluster's. Helm installs those that are
/// missing at the first installation alone, and never changes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartDefinition {
    /// Its name, such as `widgets.example.com`.
    pub name: String,
    /// How the cluster's one stands to it.
    pub state: DefinitionState,
}

/// How a cluster's definition stands to a chart's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum DefinitionState {
    /// It serves the same versions with the same schemas, and maybe others.
    Same,
    /// There is none.
    Missing,
    /// It does not serve these versions.
    #[serde(rename_all = "camelCase")]
    Lacks {
        /// The versions.
        versions: Vec<String>,
    },
    /// It has another schema for these versions.
    #[serde(rename_all = "camelCase")]
    Differs {
        /// The versions.
        versions: Vec<String>,
    },
}

/// A claim of a volume that the pods of a workload mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountedClaim {
    /// The workload.
    pub workload: WorkloadName,
    /// The claim.
    pub claim: String,
    /// Its access modes, such as `ReadWriteOnce`.
    pub modes: Vec<String>,
}

/// The files of the target's migrations, as the user named them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationFiles {
    /// Where they were listed.
    pub source: String,
    /// Their paths; other files may be among them.
    pub files: Vec<String>,
    /// What stands in them; `None` where only their names are known.
    #[serde(default)]
    pub work: Option<MigrationWork>,
}

/// What the texts of migrations do to whole tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationWork {
    /// Statements that take as long as their table is large.
    pub heavy: Vec<HeavyStatement>,
    /// Paths of files that are no SQL, or that hold code beside it: what they do is not known.
    pub unread: Vec<String>,
}

/// A statement of a migration that takes as long as its table is large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeavyStatement {
    /// The path of its file.
    pub file: String,
    /// The table, as a name without quotes, with its schema where one is written.
    pub table: String,
    /// What is done to it.
    pub work: TableWork,
}

/// What is done to the rows of a table, from mild to hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TableWork {
    /// Some rows are read or changed; how many, a condition or a query says, and not the text.
    SomeRows,
    /// It is read from end to end, while others read and write.
    Scans,
    /// Each row is changed, and stands there twice until the old ones are swept.
    ChangesEveryRow,
    /// It is read from end to end, and nobody may write meanwhile.
    Reads,
    /// It may be written anew with its indexes, and nobody may even read it meanwhile.
    Rewrites,
}

/// What an upgrade would go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The chart as the user named it.
    pub reference: String,
    /// What the chart calls itself.
    pub chart: ChartIdentity,
    /// The workloads it renders.
    pub workloads: Vec<RenderedWorkload>,
    /// The hooks it renders.
    pub hooks: Vec<RenderedHook>,
    /// What its values mode does.
    pub values: Seen<ValuesHazard>,
    /// The API server's answer to every object.
    pub dry_run: Seen<Vec<ObjectDryRun>>,
    /// Secrets that exist and that the upgrade would change.
    pub changed_secrets: Seen<Vec<ChangedSecret>>,
    /// Definitions of custom resources in the chart's own folder `crds`; `Absent` where it has none.
    #[serde(default = "Seen::not_asked")]
    pub definitions: Seen<Vec<ChartDefinition>>,
    /// Claims that the workloads mount by name; one that neither the manifest nor the cluster has is left out.
    #[serde(default = "Seen::not_asked")]
    pub claims: Seen<Vec<MountedClaim>>,
    /// Helm's own `--timeout` for the upgrade, in seconds.
    pub timeout_seconds: u64,
    /// The files of its migrations, where the user named them.
    #[serde(default)]
    pub migrations: Option<MigrationFiles>,
    /// What is known of the notes on the way there, where they were looked for; without their whole text.
    #[serde(default)]
    pub notes: Option<NotesReport>,
    /// The chart that would be applied cannot be the running one: false when judging the running revision alone.
    pub is_upgrade: bool,
}
