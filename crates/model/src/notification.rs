//! What is told of a run to whoever does not watch it.

use serde::{Deserialize, Serialize};

use crate::{ChartIdentity, ReleaseIdentity, RunPurpose, UpgradeOutcome};

/// When it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationMoment {
    /// The run begins, or is carried on.
    Start,
    /// The new version has passed the gate.
    Gate,
    /// The run turns back.
    TurningBack,
    /// The run is over.
    End,
    /// The run waits for a person.
    Stuck,
}

/// The body of a notification. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `Notification`.
    pub kind: String,
    /// When it is told.
    pub at: NotificationMoment,
    /// All of it in a sentence or two. Chat programs show this field of a webhook's body.
    pub text: String,
    /// When it was made (RFC 3339, UTC).
    pub time: String,
    /// The run's id.
    pub run: String,
    /// What the run is for.
    pub purpose: RunPurpose,
    /// What ran before.
    pub from: ReleaseIdentity,
    /// What is to run.
    pub to: ChartIdentity,
    /// How it ended, once it has.
    pub outcome: Option<UpgradeOutcome>,
    /// The code that the program ends with, once it has.
    pub exit_code: Option<u8>,
    /// Why it turns back or did not end as wished, on one line.
    pub reason: Option<String>,
    /// Commands to type next.
    pub next: Vec<String>,
}
