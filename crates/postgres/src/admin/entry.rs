//! What is told about databases and sessions, and what is asked of a swap.

use serde::Deserialize;

/// A database of the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DatabaseEntry {
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: String,
    /// Whether sessions may be opened on it.
    pub allows_connections: bool,
    /// Its size in bytes, where we may know.
    pub bytes: Option<i64>,
    /// How many sessions are on it.
    pub sessions: i64,
}

/// Two renames in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// The name in use.
    pub live: String,
    /// The database that takes the name in use.
    pub incoming: String,
    /// The name under which the database in use is kept.
    pub keep_as: String,
}

/// A session that was ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TerminatedSession {
    /// Its process id.
    pub pid: i32,
    /// Its role.
    pub user: String,
    /// Its `application_name`.
    pub application: String,
    /// Whether it was one of ours.
    pub ours: bool,
}
