//! Getting, keeping and giving up a lease.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::LeaseStore;
use crate::journal::StoreError;
use crate::{Events, Holder};

/// Why a lease could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LeaseError {
    /// Another process works on this release.
    #[error("release {release} is being worked on by {holder}")]
    Held {
        /// The release.
        release: String,
        /// Who.
        holder: String,
    },
    /// The store does not answer or refuses.
    #[error("could not use the lease of release {release}")]
    Store {
        /// The release.
        release: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// In which situation a lease is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquire {
    /// A new run: a holder who renewed a moment ago by the time of day is refused at once.
    NewRun,
    /// `resume` and `abort`: the former process is expected to be dead, so its silence is waited for.
    TakeOver,
}

/// A lease that we hold, renewed by a task of its own. Clones share it; it is lost for all of them at once.
#[derive(Clone)]
pub struct Lease {
    shared: Arc<()>,
}

impl Lease {
    /// Gets the lease of a release, waiting at most its duration for a silent holder.
    ///
    /// # Errors
    /// [`LeaseError::Held`] names a holder who is alive.
    pub async fn acquire(
        _store: Arc<dyn LeaseStore>,
        _release: &str,
        _holder: &Holder,
        _situation: Acquire,
        _events: &Events,
    ) -> Result<Self, LeaseError> {
        todo!()
    }

    /// Who we are.
    pub fn holder(&self) -> &Holder {
        todo!()
    }

    /// Fails with the name of who took it as soon as it is no longer certainly ours.
    ///
    /// # Errors
    /// The new holder, or why it is gone.
    pub fn check(&self) -> Result<(), String> {
        todo!()
    }

    /// Cancelled when the lease is lost.
    pub fn lost(&self) -> CancellationToken {
        todo!()
    }

    /// Stops renewing and removes the lease, if it is still ours. The loop does this at the end of a run; a caller only
    /// where no run came of it.
    pub async fn release(&self) {
        todo!()
    }
}
