//! What the post-renderer is told.

use model::WorkloadName;
use serde::{Deserialize, Serialize};

/// What to park and what to gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostRenderSpec {
    /// The release's namespace, for objects that name none.
    pub namespace: String,
    /// The workload that migrates at boot: one pod behind the gate. `None` parks everything (gate `schema`).
    pub migrating: Option<WorkloadName>,
    /// Workloads that keep their counts: the database.
    pub never_park: Vec<WorkloadName>,
    /// The readiness gate's condition type.
    pub gate_condition: String,
}

impl PostRenderSpec {
    /// The condition type of our readiness gate.
    pub const GATE: &'static str = "safe-upgrade.dev/gate";
    /// The node label that parks a DaemonSet: no node carries it.
    pub const PARKED: &'static str = cluster::PARKED;
}
