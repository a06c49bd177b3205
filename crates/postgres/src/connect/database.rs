//! An open session.

use std::fmt;

use cluster::Cluster;
use model::DatabaseLocation;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, SimpleQueryMessage};

use super::{ConnectError, Connector, Credentials, QueryError, SessionOptions};

/// An open session on one database. Closes when dropped.
pub struct Database {
    client: Client,
    connector: Connector,
    name: String,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.name)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

impl Database {
    pub(crate) fn new(client: Client, connector: Connector, name: &str) -> Self {
        Self {
            client,
            connector,
            name: name.to_owned(),
        }
    }

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
        let options = SessionOptions {
            database: database.map(str::to_owned),
            ..SessionOptions::default()
        };
        Connector::new(cluster, location, credentials, "look")
            .connect(&options)
            .await
    }

    /// The client itself, for queries of the caller's own.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What opened the session, for opening more.
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// The name of the database that the session is on.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a query returns no row: a profile's `busy` question. One statement only; it runs read-only.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn returns_no_row(&self, sql: &str) -> Result<bool, QueryError> {
        Ok(self
            .query("ask whether the application is idle", sql, &[])
            .await?
            .is_empty())
    }

    pub(crate) async fn query(
        &self,
        doing: &str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, QueryError> {
        self.client
            .query(sql, parameters)
            .await
            .map_err(|error| QueryError::new(doing, error))
    }

    /// Runs statements as one message, which is one transaction unless they say otherwise, and returns the first
    /// column of every row that any of them returns.
    pub(crate) async fn texts(&self, doing: &str, sql: &str) -> Result<Vec<String>, QueryError> {
        let messages = self
            .client
            .simple_query(sql)
            .await
            .map_err(|error| QueryError::new(doing, error))?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect())
    }
}
