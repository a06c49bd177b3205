//! Who holds up whom in a database, as it is told.

use serde::{Deserialize, Serialize};

use crate::{HeldLock, NextStep, PreparedTransaction, Session};

/// Everything that was seen of locks in one look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockReport {
    /// Version of this form.
    pub api_version: String,
    /// `LockReport`.
    pub kind: String,
    /// When it was looked, RFC 3339.
    pub at: String,
    /// The database's name.
    pub database: String,
    /// Whether somebody waits.
    pub verdict: LockVerdict,
    /// Whoever holds others up and waits for nobody, the longest wait below it first.
    pub roots: Vec<LockNode>,
    /// Dumps that run: they hold a weak lock on every table.
    pub dumps: Vec<LockParty>,
    /// Vacuums against the wraparound of transaction numbers, which do not give way to anybody.
    pub wraparound: Vec<LockParty>,
    /// Transactions that were prepared for two-phase commit and hold their locks without a session.
    pub prepared: Vec<PreparedTransaction>,
    /// What `--probe` was told, table by table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probed: Vec<ProbedTable>,
    /// What could not be seen, and why.
    pub unread: Vec<String>,
    /// What to type next.
    pub next: Vec<NextStep>,
}

/// What a look at locks comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockVerdict {
    /// Nobody waits, and no table that was probed is taken.
    Free,
    /// Somebody waits, or a table that was probed could not be had.
    Held,
    /// Not all could be seen, and in what could be seen nobody waits.
    Unknown,
}

/// Somebody in a tree of waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockNode {
    /// Who.
    pub party: LockParty,
    /// The locks on tables that it holds, the strongest first.
    pub holds: Vec<HeldLock>,
    /// What it waits for itself; nothing at a root.
    pub waits: Option<LockWait>,
    /// Whoever waits for it, the longest wait first.
    pub waiters: Vec<LockNode>,
}

impl LockNode {
    /// The longest wait in it and below it, in seconds.
    pub fn longest_wait(&self) -> f64 {
        let own = self.waits.as_ref().map_or(0.0, |wait| wait.seconds);
        self.waiters.iter().map(Self::longest_wait).fold(own, f64::max)
    }

    /// How many wait below it.
    pub fn waiting(&self) -> usize {
        self.waiters.iter().map(|waiter| 1 + waiter.waiting()).sum()
    }
}

/// A session, or a prepared transaction, which has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockParty {
    /// Process id of the server's process; 0 for a prepared transaction.
    pub pid: i32,
    /// What the server says of it, where it may be seen and is still there.
    pub session: Option<Session>,
    /// The pod at its client's address.
    pub pod: Option<String>,
    /// Whether its role is a superuser.
    pub superuser: bool,
}

/// A wait for a lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockWait {
    /// How long, in seconds.
    pub seconds: f64,
    /// The relation, where the lock is on one or on its rows.
    pub relation: Option<String>,
    /// The mode of the lock that is in the way.
    pub against: String,
    /// Others that are in the way as well, beside the one above it.
    pub also_for: Vec<i32>,
}

/// A table that was asked for its strongest lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbedTable {
    /// Schema-qualified name.
    pub table: String,
    /// What came of it.
    pub outcome: ProbeOutcome,
    /// Whoever holds a lock on it, where it could not be had.
    pub holders: Vec<i32>,
}

/// What came of asking for a table's strongest lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeOutcome {
    /// It could have been had at once.
    Free,
    /// Somebody holds the table.
    Held,
    /// It could not be asked, and why.
    Unknown(String),
}
