//! Why no plan can be made.

use model::WorkloadName;
use thiserror::Error;

/// A reason to make no plan. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanRefusal {
    /// Turning back needs a revision to turn back to.
    #[error(
        "release {0} has no revision that was ever deployed, so there is nothing to turn back to; repair the release with helm first"
    )]
    NothingToTurnBackTo(String),
    /// An autoscaler that may start pods at 0.
    #[error(
        "autoscaler {scaler} may bring {target} from 0 to more by itself (its minReplicas is 0); set it to 1 for the time of the run"
    )]
    ScalesFromZero {
        /// The autoscaler.
        scaler: String,
        /// What it scales.
        target: WorkloadName,
    },
    /// KEDA was told to hold a count.
    #[error(
        "scaledobject {scaler} holds {target} at {count} by its annotation autoscaling.keda.sh/paused-replicas; take that off first"
    )]
    HeldAt {
        /// The ScaledObject.
        scaler: String,
        /// What it scales.
        target: WorkloadName,
        /// The annotation's value.
        count: String,
    },
    /// A role that nothing of the release has.
    #[error("nothing of the release that could be stopped has role {role}; there are: {}", known.join(", "))]
    NoSuchRole {
        /// The role.
        role: String,
        /// Roles that there are.
        known: Vec<String>,
    },
    /// A limit for the load of a database that there is not.
    #[error("--max-active and --max-tps need a database, and none was found")]
    NoLoadToMeasure,
    /// There is nothing to stop.
    #[error("nothing of the release writes and runs, so there is nothing to stop")]
    NothingToStop,
    /// The gate needs a workload that the profile or the chart does not name.
    #[error(
        "gate `traffic` needs the workload that starts first, and {0}; name it in a profile (role kind `migrator`) or use `--gate schema` or `--gate after`"
    )]
    NoMigratingWorkload(String),
    /// The gate cannot be held with this chart.
    #[error("gate `{gate}` cannot be held: {why}; use `--gate after`")]
    GateImpossible {
        /// The gate asked for.
        gate: &'static str,
        /// Why not.
        why: String,
    },
}
