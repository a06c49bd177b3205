//! Creating, renaming and swapping databases.

use crate::{ConnectError, Connector};

/// Why an act on databases failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// x
    #[error("x")]
    X,
    /// x
    #[error("x")]
    C(#[source] ConnectError),
}

/// A database of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// The name of a database that a restore fills: `<database>_restore_<id>`, cut to what Postgres can hold (63 bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreName(String);

impl RestoreName {
    /// The name for this database and restore id.
    pub fn new(database: &str, id: &str) -> Self {
        todo!()
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Two renames in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// The database in use, by its name.
    pub live: String,
    /// The one that takes its name.
    pub incoming: String,
    /// The name under which the one in use is kept.
    pub keep_as: String,
}

/// A session that was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// An identity that may create and rename databases.
pub struct Admin {
    connector: Connector,
}

impl Admin {
    /// Opens the strongest identity there is: psql over the pod's own socket, else the application's role if it has
    /// CREATEDB. Neither is ever sent a secret in an argument.
    ///
    /// # Errors
    /// When neither works; the error says why each did not.
    pub async fn open(connector: &Connector) -> Result<Self, AdminError> {
        todo!()
    }

    /// Who acts, for messages: `postgres over the socket of pod db-0`.
    pub fn identity(&self) -> &str {
        todo!()
    }

    /// The databases of the server, templates left out, ordered by name.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn databases(&self) -> Result<Vec<DatabaseEntry>, AdminError> {
        todo!()
    }

    /// Creates an empty database for a restore: encoding, locale, tablespace and owner as `like` has them.
    /// It exists already: an error.
    ///
    /// # Errors
    /// When the name is taken or the server refuses.
    pub async fn create_database_like(&self, name: &RestoreName, like: &str) -> Result<(), AdminError> {
        todo!()
    }

    /// Gives `to` what `from` has and a dump without `--create` leaves out: settings, privileges, connection limit,
    /// comment.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn copy_properties(&self, from: &str, to: &str) -> Result<(), AdminError> {
        todo!()
    }

    /// `ALTER DATABASE … ALLOW_CONNECTIONS`.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn allow_connections(&self, database: &str, allowed: bool) -> Result<(), AdminError> {
        todo!()
    }

    /// Ends every session on a database and waits until they are gone.
    ///
    /// # Errors
    /// When the server refuses, or sessions are still there when the time is up.
    pub async fn terminate_sessions(&self, database: &str) -> Result<Vec<TerminatedSession>, AdminError> {
        todo!()
    }

    /// Ends the sessions with these process ids on a database, and only there.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn terminate(
        &self,
        database: &str,
        pids: &[i32],
    ) -> Result<Vec<TerminatedSession>, AdminError> {
        todo!()
    }

    /// Lets nobody in, ends the sessions on both databases, renames both in one transaction, lets sessions in again.
    /// On failure both keep their names and take sessions again. Done already (by name): nothing happens.
    ///
    /// # Errors
    /// When a name is missing or taken or the server refuses.
    pub async fn swap(&self, swap: &Swap) -> Result<(), AdminError> {
        todo!()
    }

    /// Drops a database that a restore filled and that was never swapped in. Gone already: nothing happens.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn drop_restore(&self, name: &RestoreName) -> Result<(), AdminError> {
        todo!()
    }
}

/// Quotes an identifier for SQL.
pub fn quote_identifier(name: &str) -> String {
    todo!()
}

/// Quotes a text for SQL, whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    todo!()
}
