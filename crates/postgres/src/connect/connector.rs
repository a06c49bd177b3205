//! What it takes to open a connection, and how a session is set up.

use std::time::Duration;

use cluster::Cluster;
use model::{DatabaseLocation, Secret};

use super::{ConnectError, Database};

/// How the `application_name` of our sessions begins; the id of the run or backup follows.
pub const APPLICATION_PREFIX: &str = "safe-upgrade/";

/// Who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The role.
    pub user: String,
    /// Its password, where one is known.
    pub password: Option<Secret>,
}

/// How a session is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// The database; `None` is the location's own.
    pub database: Option<String>,
    /// Whether the session may write. Sessions are read-only unless this says otherwise.
    pub writable: bool,
    /// `statement_timeout`; zero means none.
    pub statement_timeout: Duration,
    /// `lock_timeout`; zero means none.
    pub lock_timeout: Duration,
}

/// Everything needed to open connections to one server, again and again.
#[derive(Clone)]
pub struct Connector {
    cluster: Option<Cluster>,
    location: DatabaseLocation,
    credentials: Credentials,
    id: String,
}

impl Connector {
    /// A connector that follows the location's route. `id` is the run's or backup's id, for `application_name`.
    pub fn new(cluster: &Cluster, location: &DatabaseLocation, credentials: &Credentials, id: &str) -> Self {
        todo!()
    }

    /// A connector for a server that is reached by address, without a cluster.
    pub fn direct(location: &DatabaseLocation, credentials: &Credentials, id: &str) -> Self {
        todo!()
    }

    /// Where it connects to.
    pub fn location(&self) -> &DatabaseLocation {
        &self.location
    }

    /// Opens a session.
    ///
    /// # Errors
    /// See [`ConnectError`]: one variant for each thing a user can do something about.
    pub async fn connect(&self, options: &SessionOptions) -> Result<Database, ConnectError> {
        todo!()
    }
}
