//! An open session.

use cluster::Cluster;
use model::DatabaseLocation;

use super::{ConnectError, Credentials, QueryError};

/// An open session on one database. Closes when dropped.
pub struct Database {
    client: tokio_postgres::Client,
}

impl Database {
    /// Opens a read-only session on the location's database, or on `database` of the same server.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(
        cluster: &Cluster,
        location: &DatabaseLocation,
        credentials: &Credentials,
        database: Option<&str>,
    ) -> Result<Self, ConnectError> {
        todo!()
    }

    /// The client itself, for queries of the caller's own.
    pub fn client(&self) -> &tokio_postgres::Client {
        &self.client
    }

    /// Whether a query returns no row: a profile's `busy` question. The query runs read-only.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn returns_no_row(&self, sql: &str) -> Result<bool, QueryError> {
        todo!()
    }
}
