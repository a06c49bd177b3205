//! What is looked at once traffic is back, and how a release stood before.

use serde::{Deserialize, Serialize};

/// One thing that must be so once traffic is back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "by")]
pub enum Smoke {
    /// A statement whose only row begins with true; run read-only.
    Sql {
        /// In words.
        what: String,
        /// The statement.
        sql: String,
    },
    /// A command of the machine that carries out the run; it must end with 0.
    Command {
        /// In words.
        what: String,
        /// The command, for the system's shell.
        command: String,
    },
}

impl Smoke {
    /// What it looks for, in words.
    pub fn what(&self) -> &str {
        match self {
            Self::Sql { what, .. } | Self::Command { what, .. } => what,
        }
    }
}

/// The ready endpoints of a Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEndpoints {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How many were ready.
    pub ready: usize,
}

/// Error lines in the logs of pods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogErrors {
    /// How many lines were errors.
    pub lines: u64,
    /// Over how many seconds of containers, all of them added.
    pub seconds: u64,
}

/// How a release stood before the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    /// Its Services that had ready endpoints.
    #[serde(default)]
    pub services: Vec<ServiceEndpoints>,
    /// Errors in the logs of its pods; `None` where they could not be read.
    #[serde(default)]
    pub errors: Option<LogErrors>,
}
