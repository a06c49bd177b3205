//! What runs for a release: controllers, their pods, and who else may scale them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of object that run pods for a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WorkloadKind {
    /// apps/v1 Deployment.
    Deployment,
    /// apps/v1 StatefulSet.
    StatefulSet,
    /// apps/v1 DaemonSet.
    DaemonSet,
    /// batch/v1 CronJob.
    CronJob,
    /// batch/v1 Job.
    Job,
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::CronJob => "CronJob",
            Self::Job => "Job",
        })
    }
}

/// A workload's full name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadName {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_string().to_lowercase(), self.name)
    }
}

/// Any object's name, for messages about objects that are no workloads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    /// `apiVersion` as the manifest says it.
    pub api_version: String,
    /// Kind as the manifest says it.
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// How a controller replaces its pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum UpdateStrategy {
    /// Old and new pods overlap within these bounds (as written: a number or a percentage).
    #[serde(rename_all = "camelCase")]
    RollingUpdate {
        /// How many pods may be missing.
        max_unavailable: Option<String>,
        /// How many pods may be too many.
        max_surge: Option<String>,
    },
    /// All old pods go before the first new one comes.
    Recreate,
    /// Pods change only when somebody deletes them.
    OnDelete,
    /// The kind has no such choice.
    None,
}

/// How long a container may take to start before the kubelet kills it, in seconds.
///
/// `initialDelaySeconds + periodSeconds × failureThreshold` of the startup probe, else of the liveness probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeBudget {
    /// The seconds a start may take; `None` means that no probe ever kills it.
    pub start_seconds: Option<u32>,
    /// Whether the budget comes from a startup probe.
    pub from_startup_probe: bool,
}

/// What a probe asks by HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpProbe {
    /// The container's port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// Whether it asks by TLS.
    pub tls: bool,
}

/// One container of a pod template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerFacts {
    /// The container's name.
    pub name: String,
    /// The image as written.
    pub image: String,
    /// How long its start may take.
    pub budget: ProbeBudget,
    /// What its readiness probe asks by HTTP, else its startup or liveness probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_probe: Option<HttpProbe>,
    /// Names of Secrets that its environment refers to.
    pub secrets: Vec<String>,
    /// Whether this is an init container.
    pub init: bool,
}

/// A workload of the release as it runs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Which workload.
    pub name: WorkloadName,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The labels its pods are selected by.
    pub selector: BTreeMap<String, String>,
    /// `spec.replicas` (1 when omitted); `None` for kinds without it.
    pub desired: Option<i32>,
    /// Ready pods by its status.
    pub ready: i32,
    /// Pods of the newest template by its status.
    pub updated: i32,
    /// Whether a CronJob is suspended; `None` for other kinds.
    pub suspended: Option<bool>,
    /// How its pods are replaced.
    pub strategy: UpdateStrategy,
    /// Its containers, init containers included.
    pub containers: Vec<ContainerFacts>,
    /// `terminationGracePeriodSeconds` of its template.
    pub grace_seconds: i64,
    /// Whether a roll-out has been paused by `spec.paused`.
    pub paused: bool,
    /// Whether its own pods run the release's database server.
    pub is_database: bool,
}

/// A pod that belongs to a workload of the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodFacts {
    /// The pod's name.
    pub name: String,
    /// The workload it belongs to, where known.
    pub owner: Option<WorkloadName>,
    /// The pod's address.
    pub ip: Option<String>,
    /// Its phase as the API server says it.
    pub phase: String,
    /// Whether its Ready condition is true.
    pub ready: bool,
    /// Whether it has been told to end.
    pub terminating: bool,
    /// The sum of its containers' restarts.
    pub restarts: i32,
    /// The first reason why it does not run, such as `ImagePullBackOff` or `CrashLoopBackOff`.
    pub trouble: Option<String>,
}

/// Something that changes a workload's replica count by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scaler {
    /// The scaler's kind, such as `HorizontalPodAutoscaler`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it scales.
    pub target: WorkloadName,
    /// The least count it allows.
    pub min_replicas: i32,
    /// The greatest count it allows.
    pub max_replicas: i32,
    /// The Helm release whose chart it came with, if it did.
    #[serde(default)]
    pub release: Option<String>,
    /// KEDA's annotation `autoscaling.keda.sh/paused`, as written.
    #[serde(default)]
    pub paused: Option<String>,
    /// KEDA's annotation `autoscaling.keda.sh/paused-replicas`, as written: it holds its target at that count.
    #[serde(default)]
    pub paused_at: Option<String>,
}

impl Scaler {
    /// The kind of KEDA's scalers.
    pub const KEDA: &'static str = "ScaledObject";
}

/// Something outside of the release that uses the release's database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sharer {
    /// The workload.
    pub workload: WorkloadName,
    /// The Helm release that it belongs to, if it does.
    pub release: Option<String>,
    /// How it was told: `secret shop-db`, or the place that names the database.
    pub by: String,
}

impl fmt::Display for Sharer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(release) = &self.release {
            write!(f, "release {release}: ")?;
        }
        write!(
            f,
            "{} in {} ({})",
            self.workload, self.workload.namespace, self.by
        )
    }
}
