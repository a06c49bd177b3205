//! The loop.

use cluster::Cluster;
use tokio_util::sync::CancellationToken;

use crate::{Events, Faults, Journal, Lease, RunEnd, RunError, Step};

/// What a run works with. The journal is open and holds the lease already.
pub struct Act {
    /// The cluster.
    pub cluster: Cluster,
    /// The open journal: [`Journal::create`] for a new run, [`Journal::open`] for an old one.
    pub journal: Journal,
    /// The lease under which the journal was opened; given up and removed when the run has ended.
    pub lease: Lease,
    /// The steps, in the plan's order and with its ids.
    pub steps: Vec<Box<dyn Step>>,
    /// Where events go.
    pub events: Events,
    /// Cancelled by the user's interrupt.
    pub cancel: CancellationToken,
    /// Fault points.
    pub faults: Faults,
}

/// What a person agreed to when aborting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortConsent {
    /// Only a way back that loses nothing.
    FreeOnly,
    /// The price of turning back, whatever the plan says it is.
    Price,
}

/// Runs a new run's plan to its end.
///
/// # Errors
/// Nothing was begun: the steps are not the plan's.
pub async fn run(_act: Act) -> Result<RunEnd, RunError> {
    todo!()
}

/// Carries an unfinished run on in the direction that it had: forward, or back where it was turning back.
///
/// # Errors
/// The run has ended for good, or the steps are not the plan's.
pub async fn resume(_act: Act) -> Result<RunEnd, RunError> {
    todo!()
}

/// Turns an unfinished run back, whatever its direction was.
///
/// # Errors
/// The run has ended for good, the steps are not the plan's, or turning back has a price that was not agreed to.
pub async fn abort(_act: Act, _consent: AbortConsent) -> Result<RunEnd, RunError> {
    todo!()
}
