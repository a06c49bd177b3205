//! How a run ends.

use model::{StepReport, UpgradeOutcome};

use crate::JournalError;

/// The end of a run, as far as the engine knows it; the report is made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// How it ended.
    pub outcome: UpgradeOutcome,
    /// Why it did not end as wished.
    pub reason: Option<String>,
    /// Seconds from the first writer stopped to all counts back; `None` where nothing was stopped or it is still down.
    pub downtime_seconds: Option<f64>,
    /// Every step with its last state.
    pub steps: Vec<StepReport>,
    /// Whether the outcome is in the journal. `false` after a lost lease or an API server that does not answer.
    pub journaled: bool,
}

/// Why a run could not be begun, resumed or aborted. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal cannot be read or written.
    #[error("could not use the journal of run {run}")]
    Journal {
        /// The run.
        run: String,
        /// Why.
        #[source]
        source: JournalError,
    },
    /// The run has ended for good.
    #[error("run {run} has already ended: {outcome:?}")]
    Finished {
        /// The run.
        run: String,
        /// How it ended.
        outcome: UpgradeOutcome,
    },
    /// The steps given are not those of the journaled plan.
    #[error("the steps given are not those of the plan: expected {expected}, got {got}")]
    WrongSteps {
        /// Ids in the plan.
        expected: String,
        /// Ids given.
        got: String,
    },
    /// Turning back has a price that nobody agreed to.
    #[error("turning back from step {step} has a price: {price}")]
    Priced {
        /// The last step begun.
        step: String,
        /// What it costs.
        price: String,
    },
}
