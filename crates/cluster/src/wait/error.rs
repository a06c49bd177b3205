//! Why a wait ended without what it waited for.

use std::time::Duration;

use thiserror::Error;

use crate::RequestError;

/// Why a wait ended without what it waited for.
#[derive(Debug, Error)]
pub enum WaitError {
    /// The time was up.
    #[error("{what} did not come within {} s: {state}", limit.as_secs())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// The timeout in force.
        limit: Duration,
        /// How things stood at last.
        state: String,
    },
    /// It will not come by waiting: the roll-out's own deadline has passed, the object is gone.
    #[error("{what} will not come: {reason}")]
    Stalled {
        /// What was waited for.
        what: String,
        /// Why not.
        reason: String,
    },
    /// The API server refused the watch or could not be reached until the time was up.
    #[error("failed to watch for {what}")]
    Watch {
        /// What was waited for.
        what: String,
        /// Why.
        #[source]
        source: RequestError,
    },
}
