//! What a restore is filled from, and the answers that a person gave to its questions.

use serde::{Deserialize, Serialize};

use crate::NextStep;

/// What a restore is filled from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "from")]
pub enum RestoreSource {
    /// A backup in a store of ours.
    Backup {
        /// The store, as a URI or a folder.
        store: String,
        /// The backup's id.
        id: String,
    },
    /// A dump that anybody made, on the machine that runs the restore.
    File {
        /// The file or, for a dump in directory format, the folder; absolute.
        path: String,
    },
}

impl RestoreSource {
    /// The source in words: `backup 20260101T000000Z-0123abcd`, `file /tmp/dump.sql.gz`.
    pub fn words(&self) -> String {
        match self {
            Self::Backup { store: _, id } => format!("backup {id}"),
            Self::File { path } => format!("file {path}"),
        }
    }
}

/// The answers to what a restore asks. The default answers nothing: what then needs an answer is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RestoreOptions {
    /// Restore a backup of another database or another server.
    pub foreign: bool,
    /// This role owns everything, whoever owned it.
    pub owner: Option<String>,
    /// Whoever restores owns everything.
    pub no_owner: bool,
    /// Leave privileges out.
    pub no_acl: bool,
    /// Create the missing roles, without passwords, from the globals beside the dump.
    pub create_roles: bool,
    /// How many tables are filled at once, where the source allows it; one transaction where it is not said.
    pub jobs: Option<u16>,
    /// A person has agreed to restore below an operator that keeps the server.
    pub operator_managed: bool,
    /// A person has agreed to restore for an image that is older than the schema in the dump.
    pub older_image: bool,
}

/// Why a database is beside the one in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeptReason {
    /// It was in use before a restore.
    BeforeRestore,
    /// It was restored and swapped out again.
    Undone,
    /// A restore that did not come to its end made it.
    Unfinished,
}

/// A database that a restore left beside the one in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptDatabase {
    /// The restore's id.
    pub id: String,
    /// The database's name.
    pub name: String,
    /// Why it is there.
    pub reason: KeptReason,
    /// Its size in bytes, where it may be known.
    pub bytes: Option<i64>,
    /// How many sessions are on it.
    pub sessions: i64,
}

/// What restores left beside a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `KeptList`, or `KeptDropped` where it is what was dropped.
    pub kind: String,
    /// The database in use.
    pub database: String,
    /// What is beside it, by name.
    pub items: Vec<KeptDatabase>,
    /// What to type next.
    pub next: Vec<NextStep>,
}
