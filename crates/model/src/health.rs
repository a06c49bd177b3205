//! What a database says of its limits, its settings and its damage, as far as a migration meets them.

use serde::{Deserialize, Serialize};

use crate::Seen;

/// Limits, settings and damage of one database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseHealth {
    /// The schema that new tables of the application's role go to (`current_schema()`); `None` where there is none.
    pub schema: Option<String>,
    /// Whether that role may create tables in it.
    pub may_create: bool,
    /// Tables of the application's schemas that its role does not own, nor through a role that it is a member of.
    pub foreign_tables: Vec<String>,
    /// `statement_timeout` of a new session of the role, in ms; 0 means none.
    pub statement_timeout_ms: i64,
    /// `lock_timeout`, likewise.
    pub lock_timeout_ms: i64,
    /// `idle_in_transaction_session_timeout`, likewise.
    pub idle_timeout_ms: i64,
    /// What a pooler says of itself, where one answers at the database's address; `Absent` only where a server does.
    pub pooler: Seen<String>,
    /// `synchronous_standby_names`; empty where no commit waits for a standby.
    pub synchronous: String,
    /// Who is fed by this server, where it may be seen.
    pub standbys: Vec<StandbyFacts>,
    /// Slots that nobody reads and that keep WAL.
    pub idle_slots: Vec<IdleSlot>,
    /// Indexes that are invalid and are not being built now: a concurrent build broke off, and nobody uses them.
    pub invalid_indexes: Vec<String>,
    /// Constraints that were added `NOT VALID` and never validated.
    pub unvalidated: Vec<String>,
    /// `age(datfrozenxid)`: how many transactions ago the oldest row was written that is not frozen.
    pub transaction_age: i64,
    /// `autovacuum_freeze_max_age`: from which age on autovacuum freezes whatever else is going on.
    pub freeze_max_age: i64,
    /// Sequences that have used up nine tenths of their numbers, or of what their column holds, with how much, in percent.
    pub sequences: Vec<String>,
    /// How many sequences our role may not read.
    pub hidden_sequences: i64,
    /// Collations whose library has other rules now than when indexes were built by them.
    pub collations: Vec<String>,
    /// `max_connections` less what is reserved for superusers and other roles.
    pub connections: i32,
    /// Connections that are in use.
    pub connected: i32,
    /// Of these, those of the application's role.
    pub own: i32,
    /// Tables that are large, the largest first.
    #[serde(default = "Seen::not_asked")]
    pub large_tables: Seen<Vec<TableSize>>,
}

/// How large a table is, by the statistics that the server keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableSize {
    /// Its name, with its schema and with quotes where it needs them.
    pub name: String,
    /// Bytes of it, its indexes and its large values; of all its partitions where it has some.
    pub bytes: i64,
    /// Rows.
    pub rows: i64,
}

impl TableSize {
    /// From how many bytes on a table is large: at some 100 MB/s it takes ten seconds to write.
    pub const LARGE_BYTES: i64 = 1 << 30;
    /// From how many rows on it is large, however short they are.
    pub const LARGE_ROWS: i64 = 10_000_000;
}

/// A standby that is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StandbyFacts {
    /// Its `application_name`.
    pub name: String,
    /// `sync_state`; `None` where our role may not see it.
    pub sync: Option<String>,
    /// Bytes of WAL that it has not replayed.
    pub behind_bytes: Option<i64>,
}

/// A replication slot that nobody reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdleSlot {
    /// Its name.
    pub name: String,
    /// Bytes of WAL that it keeps.
    pub kept_bytes: i64,
}
