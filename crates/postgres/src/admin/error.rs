//! Why an act on databases failed.

use crate::{ConnectError, QueryError};

/// Why an act on databases failed. Holds names and the server's words, never a secret.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// No identity may create and rename databases.
    #[error("no identity at hand may create and rename databases: {}", reasons.join("; "))]
    NoIdentity {
        /// For each way that was tried, why it does not do.
        reasons: Vec<String>,
    },
    /// The application's role could not open a session for the act.
    #[error("failed to open a session that may {doing}")]
    Connect {
        /// The act.
        doing: String,
        /// Why.
        #[source]
        source: ConnectError,
    },
    /// The server refused a statement of ours sent over a session.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// psql in the pod could not be run to its end.
    #[error("failed to {doing}: psql in pod {pod} could not be run")]
    Exec {
        /// The act.
        doing: String,
        /// The pod.
        pod: String,
        /// Why.
        #[source]
        source: cluster::ExecError,
    },
    /// psql in the pod ended with an error.
    #[error("failed to {doing}: {message}")]
    Psql {
        /// The act.
        doing: String,
        /// The server's words.
        message: String,
    },
    /// The answer is not what was asked for.
    #[error("failed to {doing}: the answer has an unknown form")]
    Answer {
        /// The act.
        doing: String,
    },
    /// A database is missing.
    #[error("there is no database {name} on the server")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A name is in use.
    #[error("there is a database {name} already")]
    Taken {
        /// The name.
        name: String,
    },
    /// A name that must not be given or dropped.
    #[error("database {name} is not one that a restore made and nobody uses: it is left alone")]
    NotOurs {
        /// The name.
        name: String,
    },
    /// Sessions did not end in time.
    #[error("{sessions} sessions on database {database} did not end within {seconds} s")]
    SessionsRemain {
        /// The database.
        database: String,
        /// How many.
        sessions: usize,
        /// The limit, in seconds.
        seconds: u64,
    },
    /// The swap failed, and so did letting sessions in again.
    #[error(
        "the swap failed and database {database} still lets nobody in: run ALTER DATABASE … ALLOW_CONNECTIONS true ({cause})"
    )]
    StillClosed {
        /// The database.
        database: String,
        /// What letting sessions in said.
        cause: String,
        /// Why the swap failed.
        #[source]
        source: Box<AdminError>,
    },
}
