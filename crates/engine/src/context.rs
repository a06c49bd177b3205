//! What a step is given to work with.

use cluster::Cluster;
use model::Plan;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::{Asking, Clock, Events, Journal, StepFailure, StepKind, clock};

/// Which run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    /// The run's id: its time and random hex.
    pub id: String,
    /// The release.
    pub release: String,
    /// The release's namespace, in which the journal lies.
    pub namespace: String,
}

/// The world as a step may touch it.
#[derive(Clone)]
pub struct StepContext {
    pub(crate) cluster: Cluster,
    pub(crate) run: RunInfo,
    pub(crate) plan: std::sync::Arc<Plan>,
    pub(crate) step: String,
    pub(crate) journal: Journal,
    pub(crate) events: Events,
    pub(crate) cancel: CancellationToken,
    pub(crate) hurry: CancellationToken,
    pub(crate) clock: Clock,
    pub(crate) asking: Asking,
}

impl StepContext {
    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Which run this is.
    pub fn run(&self) -> &RunInfo {
        &self.run
    }

    /// The whole plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// This step's id.
    pub fn step_id(&self) -> &str {
        &self.step
    }

    /// Where events go.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Cancelled when the user wants the run to end. A step that waits should end with a failure soon after; one that
    /// does not is dropped. While turning back it is never cancelled.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Cancelled when the user wants a wait of the way back cut short. Nothing else of the way back may listen to it.
    pub fn hurry(&self) -> &CancellationToken {
        &self.hurry
    }

    /// The same context under another token, for a part of the step that the step itself may end.
    #[must_use]
    pub fn under(&self, cancel: CancellationToken) -> Self {
        Self {
            cancel,
            ..self.clone()
        }
    }

    /// The clock by which the run keeps its terms.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The person who can be asked.
    pub fn asking(&self) -> &Asking {
        &self.asking
    }

    /// The time of day as the journal writes it (RFC 3339, UTC).
    pub fn now(&self) -> String {
        self.clock.now().to_string()
    }

    /// Seconds since a time that the journal holds; `None` if it cannot be read.
    pub fn seconds_since(&self, time: &str) -> Option<f64> {
        clock::seconds_between(time, &self.now())
    }

    /// Puts out what this step is doing or waiting for; `share` is the part done between 0 and 1, where known.
    pub fn progress(&self, message: impl Into<String>, share: Option<f64>) {
        self.events.progress(&self.step, message, share);
    }

    /// Writes what this step must know later into the journal, replacing its earlier record. When this returns, the
    /// record is in the cluster: only now act. Never put a secret in it.
    ///
    /// # Errors
    /// The journal cannot be written (the run then ends) or would grow too large.
    pub async fn record<T: Serialize + Sync>(&self, value: &T) -> Result<(), StepFailure> {
        let value = serde_json::to_value(value)?;
        Ok(self.journal.record(&self.step, value).await?)
    }

    /// What this step recorded last, in this process or an earlier one.
    ///
    /// # Errors
    /// The record is not a `T`.
    pub fn recorded<T: DeserializeOwned>(&self) -> Result<Option<T>, StepFailure> {
        self.recorded_of(&self.step)
    }

    /// What the step with this id recorded last.
    ///
    /// # Errors
    /// The record is not a `T`.
    pub fn recorded_of<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, StepFailure> {
        match self.journal.recorded(step) {
            Some(value) => Ok(Some(serde_json::from_value(value)?)),
            None => Ok(None),
        }
    }

    /// What the last step of this kind that recorded something recorded.
    ///
    /// # Errors
    /// The record is not a `T`.
    pub fn recorded_by<T: DeserializeOwned>(&self, kind: StepKind) -> Result<Option<T>, StepFailure> {
        for step in self
            .plan
            .steps
            .iter()
            .rev()
            .filter(|step| StepKind::of(step) == kind)
        {
            if let Some(record) = self.recorded_of(&step.id)? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Whether a person agreed to the price of turning back.
    pub fn price_agreed(&self) -> bool {
        self.journal.document().price_agreed
    }

    /// What the caller of the run said that it needs to continue (helm flags and the like).
    pub fn inputs(&self) -> serde_json::Value {
        self.journal.document().inputs
    }

    /// The bytes of a part (the pinned chart, the values), checked against the hash in the journal; `None` if the run
    /// has no such part.
    ///
    /// # Errors
    /// The store cannot be read, or the bytes are not those that were put there.
    pub async fn part(&self, name: &str) -> Result<Option<Vec<u8>>, StepFailure> {
        Ok(self.journal.get_part(name).await?)
    }
}
