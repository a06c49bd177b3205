//! What can go wrong with a journal.

use super::StoreError;
use crate::IllegalTransition;

/// Why the journal could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The store did not take or give it.
    #[error("could not reach the journal of run {run}")]
    Store {
        /// The run.
        run: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// There is no such run.
    #[error("there is no run {run} of release {release}")]
    NotFound {
        /// The release.
        release: String,
        /// The run.
        run: String,
    },
    /// An earlier run must be resumed or aborted first.
    #[error("run {run} of release {release} has not ended: resume or abort it first")]
    Unfinished {
        /// The release.
        release: String,
        /// The earlier run.
        run: String,
    },
    /// Somebody else wrote to the journal.
    #[error("the journal of run {run} was changed by {by}")]
    Changed {
        /// The run.
        run: String,
        /// Who, as far as the journal tells.
        by: String,
    },
    /// The lease is no longer ours.
    #[error("the lease was lost to {to}")]
    LeaseLost {
        /// Who holds it now, or why it is gone.
        to: String,
    },
    /// The journal's text is not what we write.
    #[error("the journal of run {run} cannot be understood: {why}")]
    Malformed {
        /// The run.
        run: String,
        /// What is wrong with it.
        why: String,
    },
    /// A step was to go where it cannot.
    #[error("the journal refuses a step's state")]
    Transition(#[source] IllegalTransition),
    /// The document would not fit into a Secret.
    #[error("the journal would grow to {bytes} bytes, more than the {limit} that fit")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A part's bytes are not those that were put there.
    #[error("part {name} of the run is damaged: {why}")]
    DamagedPart {
        /// The part.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A test's simulated death.
    #[error("the process was killed by a fault point")]
    SimulatedDeath,
}
