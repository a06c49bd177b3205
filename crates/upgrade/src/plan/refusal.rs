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
    /// The kind cannot be stopped yet.
    #[error(
        "{0} writes to the database and cannot be stopped by this version; mark its role `quiesce: never` in a profile if it may run through the migration"
    )]
    CannotStop(WorkloadName),
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
