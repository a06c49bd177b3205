//! A release whose newest revision is stuck in a pending state.

use serde::{Deserialize, Serialize};

use crate::{NextStep, ReleaseIdentity, ReleaseStatus, Seen, WorkloadName};

/// Which revision's images a workload has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stands {
    /// Those of the pending revision.
    Newest,
    /// Those of the revision before.
    Before,
    /// Both revisions have the same.
    Either,
    /// Neither revision's.
    Neither,
    /// The workload is not there.
    Missing,
}

/// A workload of the pending revision, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StandingWorkload {
    /// Which workload.
    pub name: WorkloadName,
    /// Which revision's images it has.
    pub stands: Stands,
    /// Ready pods.
    pub ready: i32,
    /// Wanted pods; `None` for kinds that have no count.
    pub desired: Option<i32>,
}

/// What is known about a pending revision. Every fact that could not be read says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingEvidence {
    /// Seconds since the record was last written, by this machine's clock.
    pub age_seconds: Option<i64>,
    /// What Helm wrote beside the status.
    pub description: String,
    /// Hook Jobs of the revision that have not ended.
    pub running_hooks: Seen<Vec<String>>,
    /// A run of this program that is not over.
    pub unfinished_run: Seen<String>,
    /// Who holds this program's lease on the release.
    pub lease_holder: Seen<String>,
    /// The workloads.
    pub workloads: Seen<Vec<StandingWorkload>>,
}

/// What `unlock` found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnlockReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `UnlockReport`.
    pub kind: String,
    /// The release at its newest revision.
    pub release: ReleaseIdentity,
    /// The status of that revision, read after whatever was done.
    pub status: ReleaseStatus,
    /// What speaks for and against; `None` where the revision was not pending.
    pub evidence: Option<PendingEvidence>,
    /// Why it was not unlocked: something is still at work.
    pub refused: Vec<String>,
    /// Why it was not unlocked: what could not be read.
    pub unknown: Vec<String>,
    /// Whether the record was changed.
    pub changed: bool,
    /// What to type next.
    pub next: Vec<NextStep>,
}
