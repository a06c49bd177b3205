//! What happened, in order: the only thing a run puts out.

use serde::{Deserialize, Serialize};

use crate::{BlockedSession, Session};

/// The states a journaled step goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun; the cluster may or may not have been changed.
    Running,
    /// Its apply ended well.
    Done,
    /// Its apply ended badly.
    Failed,
    /// Its undo has begun.
    Restoring,
    /// Its undo ended well.
    Restored,
    /// Its undo ended badly: a person is needed.
    Stuck,
}

/// Where a log line came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogSource {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
}

/// One look at a running migration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationSample {
    /// Seconds since the pass began.
    pub seconds: f64,
    /// Sessions that work on the database, ours aside.
    pub active: Vec<Session>,
    /// Sessions that wait for a lock.
    pub blocked: Vec<BlockedSession>,
    /// The migration tool's version now.
    pub version: Option<String>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "event")]
pub enum Event {
    /// A run begins or is taken up again.
    #[serde(rename_all = "camelCase")]
    RunStarted {
        /// The run's id.
        run: String,
        /// Step ids and titles in order.
        steps: Vec<(String, String)>,
        /// Whether it was begun by an earlier process.
        resumed: bool,
    },
    /// A step changed its state; the journal already says so.
    #[serde(rename_all = "camelCase")]
    Step {
        /// The step's id.
        id: String,
        /// Its title.
        title: String,
        /// Its new state.
        state: StepState,
        /// What came out, or what went wrong.
        detail: Option<String>,
        /// Seconds since it began, once it has ended.
        seconds: Option<f64>,
    },
    /// A step says what it is doing or waiting for.
    #[serde(rename_all = "camelCase")]
    Progress {
        /// The step's id.
        id: String,
        /// In words.
        message: String,
        /// Share done between 0 and 1, where known.
        share: Option<f64>,
    },
    /// A line of a container's log or of helm's output.
    #[serde(rename_all = "camelCase")]
    Log {
        /// Where from; `None` is helm itself.
        source: Option<LogSource>,
        /// The line without its end.
        line: String,
    },
    /// A look at the migration.
    Migration(MigrationSample),
    /// Something the user should know.
    #[serde(rename_all = "camelCase")]
    Notice {
        /// In words.
        message: String,
    },
    /// The run turns back.
    #[serde(rename_all = "camelCase")]
    TurningBack {
        /// Why.
        reason: String,
    },
}
