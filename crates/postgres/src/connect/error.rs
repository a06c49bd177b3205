//! What goes wrong with connections and queries.

use std::error::Error;
use std::fmt;
use std::io;

use tokio_postgres::error::SqlState;

/// Why no session could be opened: one variant for each thing that a user can do something about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The pod's port could not be reached through the API server.
    #[error("failed to reach Postgres in pod {pod}")]
    PortForward {
        /// The pod.
        pod: String,
        /// Why.
        #[source]
        source: cluster::PortForwardError,
    },
    /// The location is in a pod and no cluster was given.
    #[error("the database runs in pod {pod}, which needs a connection to its cluster")]
    NoCluster {
        /// The pod.
        pod: String,
    },
    /// The address did not answer.
    #[error("failed to reach Postgres at {address}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No answer within the time for opening a session.
    #[error("Postgres at {address} did not answer within {seconds} s")]
    Timeout {
        /// Host and port.
        address: String,
        /// The limit, in seconds.
        seconds: u64,
    },
    /// The password is wrong.
    #[error("Postgres refused the password of role {user}")]
    WrongPassword {
        /// The role.
        user: String,
    },
    /// The server wants a password and none is known.
    #[error("Postgres wants a password for role {user} and none is known")]
    NoPassword {
        /// The role.
        user: String,
    },
    /// The server's access rules or the role itself forbid the session.
    #[error("Postgres does not let role {user} in: {message}")]
    NotAllowed {
        /// The role.
        user: String,
        /// The server's words.
        message: String,
    },
    /// There is no such database.
    #[error("there is no database {database} on the server")]
    UnknownDatabase {
        /// Its name.
        database: String,
    },
    /// The server is starting, stopping or recovering.
    #[error("Postgres takes no sessions now: {message}")]
    NotReady {
        /// The server's words.
        message: String,
    },
    /// Every connection is taken.
    #[error("Postgres has no connection left: {message}")]
    TooManyConnections {
        /// The server's words.
        message: String,
    },
    /// `sslmode` holds a word that libpq does not know.
    #[error("the connection's sslmode is none of disable, allow, prefer, require, verify-ca, verify-full")]
    SslMode,
    /// The certificate authorities of this machine could not be used.
    #[error("failed to set up TLS")]
    TlsSetup(#[source] Box<dyn Error + Send + Sync>),
    /// Encryption failed or the certificate is not to be trusted.
    #[error("failed to open an encrypted session with Postgres at {address}")]
    Tls {
        /// Host and port.
        address: String,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The session could not be opened for another reason.
    #[error("failed to open a session on database {database}")]
    Session {
        /// The database.
        database: String,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The session was opened and could not be set up.
    #[error(transparent)]
    Setup(QueryError),
}

impl ConnectError {
    /// Whether waiting may help: the server is on its way up or out of connections.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::NotReady { .. } | Self::TooManyConnections { .. })
    }

    /// Sorts what the client library says.
    pub(crate) fn sort(error: tokio_postgres::Error, address: &str, user: &str, database: &str) -> Self {
        let user = user.to_owned();
        let database = database.to_owned();
        if let Some(answer) = error.as_db_error() {
            let message = answer.message().to_owned();
            let code = answer.code();
            return if *code == SqlState::INVALID_PASSWORD {
                Self::WrongPassword { user }
            } else if *code == SqlState::INVALID_CATALOG_NAME {
                Self::UnknownDatabase { database }
            } else if *code == SqlState::CANNOT_CONNECT_NOW
                || *code == SqlState::ADMIN_SHUTDOWN
                || *code == SqlState::CRASH_SHUTDOWN
            {
                Self::NotReady { message }
            } else if *code == SqlState::TOO_MANY_CONNECTIONS {
                Self::TooManyConnections { message }
            } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
                || *code == SqlState::INSUFFICIENT_PRIVILEGE
                || *code == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
            {
                Self::NotAllowed { user, message }
            } else {
                Self::Session {
                    database,
                    source: error,
                }
            };
        }
        // The library has no accessor for its kinds; these are its texts, guarded by the tests of this crate.
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        if cause == "password missing" {
            return Self::NoPassword { user };
        }
        if is_tls(&error) {
            return Self::Tls {
                address: address.to_owned(),
                source: error,
            };
        }
        Self::Session {
            database,
            source: error,
        }
    }
}

/// Whether the library failed at encryption and not at the server.
pub(crate) fn is_tls(error: &tokio_postgres::Error) -> bool {
    error.to_string() == "error performing TLS handshake"
}

/// A query that failed. Its source is the server's own answer where there is one.
#[derive(Debug)]
pub struct QueryError {
    /// What the query was for: `read the sessions`.
    pub doing: String,
    /// What the client library says.
    pub error: tokio_postgres::Error,
}

impl QueryError {
    pub(crate) fn new(doing: impl Into<String>, error: tokio_postgres::Error) -> Self {
        Self {
            doing: doing.into(),
            error,
        }
    }

    /// The server's SQLSTATE, where it answered.
    pub fn code(&self) -> Option<&SqlState> {
        self.error.code()
    }

    /// Whether the session was lost, so that another one may succeed.
    pub fn is_closed(&self) -> bool {
        self.error.is_closed()
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}", self.doing)
    }
}

impl Error for QueryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.error.as_db_error() {
            Some(answer) => Some(answer),
            None => Some(&self.error),
        }
    }
}
