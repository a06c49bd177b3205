//! The one that writes a run's journal: every write is bounded, validated, leased and conditional.

use std::sync::Arc;

use model::Plan;

use super::{JournalError, JournalStore, RunDocument};
use crate::{Faults, Lease};

/// What a new run begins with.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The run's id, from [`Journal::new_run_id`].
    pub run: String,
    /// What it will do.
    pub plan: Plan,
    /// What the program needs to continue that is not in the plan: helm's flags without secrets, helm's major version.
    pub inputs: serde_json::Value,
    /// The pinned chart, the pinned values, … by name.
    pub parts: Vec<(String, Vec<u8>)>,
}

/// The journal of one run, open for writing. Clones share one state.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<()>,
}

impl Journal {
    /// A new run's id: its time and random hex, so that ids sort by time and never meet.
    pub fn new_run_id() -> String {
        todo!()
    }

    /// Writes the head and the parts of a new run.
    ///
    /// # Errors
    /// The store refuses or does not answer, the plan does not fit, the lease is lost.
    pub async fn create(
        _store: Arc<dyn JournalStore>,
        _lease: Lease,
        _faults: Faults,
        _new: NewRun,
    ) -> Result<Self, JournalError> {
        todo!()
    }

    /// Takes an existing run over: reads, validates, and writes our name into it.
    ///
    /// # Errors
    /// As [`Journal::create`]; also a run that is not there or cannot be understood.
    pub async fn open(
        _store: Arc<dyn JournalStore>,
        _lease: Lease,
        _faults: Faults,
        _release: &str,
        _run: &str,
    ) -> Result<Self, JournalError> {
        todo!()
    }

    /// The document as last written.
    pub fn document(&self) -> RunDocument {
        todo!()
    }

    /// What a step recorded.
    pub fn recorded(&self, _step: &str) -> Option<serde_json::Value> {
        todo!()
    }

    /// Puts a part of the run into Secrets of its own.
    ///
    /// # Errors
    /// As [`Journal::create`].
    pub async fn put_part(&self, _name: &str, _bytes: &[u8]) -> Result<(), JournalError> {
        todo!()
    }

    /// The bytes of a part, checked; `None` if the run has no such part.
    ///
    /// # Errors
    /// The store does not answer or the part is damaged.
    pub async fn get_part(&self, _name: &str) -> Result<Option<Vec<u8>>, JournalError> {
        todo!()
    }

    pub(crate) async fn record(&self, _step: &str, _value: serde_json::Value) -> Result<(), JournalError> {
        todo!()
    }
}
