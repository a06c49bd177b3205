//! Placeholder for the published signatures.

use cluster::Cluster;
use model::{
    BlockedSession, DatabaseFacts, DatabaseLocation, HeldLock, MigrationState, MigrationTool, PostgresServer,
    PreparedTransaction, Seen, Session,
};

use crate::{Database, QueryError};

/// Everything about one database, in one look. What cannot be read is said in its place.
///
/// `tool` is the profile's word on the migration tool; the cluster serves for what only the pod knows (free bytes,
/// the socket's identity).
///
/// # Errors
/// When the server's own words or the size cannot be read.
pub async fn facts(
    cluster: Option<&Cluster>,
    database: &Database,
    tool: Option<MigrationTool>,
) -> Result<DatabaseFacts, QueryError> {
    todo!()
}
/// The server's own words.
///
/// # Errors
/// When the query fails.
pub async fn server(database: &Database) -> Result<PostgresServer, QueryError> {
    todo!()
}
/// `pg_database_size` of the session's database, in bytes.
///
/// # Errors
/// When the query fails.
pub async fn database_size(database: &Database) -> Result<i64, QueryError> {
    todo!()
}
/// Sessions on the session's database, ours marked. `Unreadable` where some may not be seen in full.
pub async fn sessions(database: &Database) -> Seen<Vec<Session>> {
    todo!()
}
/// Sessions that wait for a lock, with holders and roots.
pub async fn blocked(database: &Database) -> Seen<Vec<BlockedSession>> {
    todo!()
}
/// Granted locks on user tables, our own session's aside.
pub async fn held_locks(database: &Database) -> Seen<Vec<HeldLock>> {
    todo!()
}
/// Prepared transactions in the session's database.
pub async fn prepared_transactions(database: &Database) -> Seen<Vec<PreparedTransaction>> {
    todo!()
}
/// Logical slots and subscriptions of the session's database, which a swap would break.
pub async fn replication(database: &Database) -> Seen<Vec<String>> {
    todo!()
}
/// What the migration tool recorded; found by the columns of its table.
pub async fn migration_state(database: &Database, tool: Option<MigrationTool>) -> Seen<MigrationState> {
    todo!()
}
/// Free bytes on the volume under PGDATA; `Absent` where the server is not in a pod.
pub async fn free_bytes(cluster: &Cluster, location: &DatabaseLocation) -> Seen<u64> {
    todo!()
}
/// A statement without its literals, at most 200 characters.
pub fn redact(statement: &str) -> String {
    todo!()
}
