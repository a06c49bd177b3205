//! One view of a database, shared with a dump.

use std::fmt;
use std::time::Duration;

use crate::{ConnectError, Connector, Database, QueryError, SessionOptions};

/// A transaction that holds one view of the database for as long as it lives.
pub struct Snapshot {
    database: Database,
    id: String,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("id", &self.id)
            .field("database", &self.database)
            .finish()
    }
}

impl Snapshot {
    /// Opens a REPEATABLE READ, read-only transaction on its own session, without a statement timeout (counting takes
    /// what it takes), and exports its snapshot.
    ///
    /// # Errors
    /// When the session cannot be opened or the snapshot not exported.
    pub async fn open(connector: &Connector, database: Option<&str>) -> Result<Self, ConnectError> {
        let options = SessionOptions {
            database: database.map(str::to_owned),
            statement_timeout: Duration::ZERO,
            ..SessionOptions::default()
        };
        let database = connector.connect(&options).await?;
        let rows = database
            .texts(
                "export a snapshot",
                "begin isolation level repeatable read, read only; select pg_export_snapshot()",
            )
            .await
            .map_err(ConnectError::Setup)?;
        Ok(Self {
            id: rows.into_iter().next().unwrap_or_default(),
            database,
        })
    }

    /// The snapshot's id, for `pg_dump --snapshot`. Valid until [`Snapshot::close`] or drop.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The session, for questions in the same view: [`crate::row_counts`], [`crate::schema_hash`],
    /// [`crate::migration_state`] …
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Ends the transaction.
    ///
    /// # Errors
    /// When the session was lost before: then the view was lost too, and a dump begun with it cannot have ended well.
    pub async fn close(self) -> Result<(), QueryError> {
        self.database.texts("end the snapshot", "commit").await.map(drop)
    }
}
