//! What a database is made of, and how two databases are compared.

use std::collections::BTreeMap;

use model::TableRows;

use crate::{ConnectError, Connector, Database, QueryError};

/// A transaction that holds one view of the database for as long as it lives.
pub struct Snapshot {
    database: Database,
    id: String,
}

impl Snapshot {
    /// Opens a REPEATABLE READ, read-only transaction on its own session and exports its snapshot.
    ///
    /// # Errors
    /// When the session cannot be opened or the snapshot not exported.
    pub async fn open(connector: &Connector, database: Option<&str>) -> Result<Self, ConnectError> {
        todo!()
    }

    /// The snapshot's id, for `pg_dump --snapshot`. Valid until [`Snapshot::close`] or drop.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The session, for queries in the same view: [`row_counts`], [`schema_hash`], [`crate::migration_state`] …
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Ends the transaction.
    ///
    /// # Errors
    /// When the session was lost before: then the view was lost too.
    pub async fn close(self) -> Result<(), QueryError> {
        todo!()
    }
}

/// `count(*)` of every table of the application's schemas, ordered by name.
///
/// # Errors
/// When a table cannot be read; the statement names it.
pub async fn row_counts(database: &Database) -> Result<Vec<TableRows>, QueryError> {
    todo!()
}
/// sha256, lower-case hex, over the catalogue of the application's schemas: independent of OIDs and of order.
///
/// # Errors
/// When a query fails.
pub async fn schema_hash(database: &Database) -> Result<String, QueryError> {
    todo!()
}
/// Extensions with their versions.
///
/// # Errors
/// When the query fails.
pub async fn extensions(database: &Database) -> Result<BTreeMap<String, String>, QueryError> {
    todo!()
}
/// Roles that own something in the database, the database itself included, ordered by name.
///
/// # Errors
/// When the query fails.
pub async fn owners(database: &Database) -> Result<Vec<String>, QueryError> {
    todo!()
}
/// `ALTER DATABASE … SET` settings and those of `ALTER ROLE … IN DATABASE`, as `name=value` and `role: name=value`.
///
/// # Errors
/// When the query fails.
pub async fn settings(database: &Database) -> Result<Vec<String>, QueryError> {
    todo!()
}
