//! Why a server's client programs cannot be used.

use thiserror::Error;

use crate::RunError;
use crate::reach::{JobError, NoRoute};

/// Why a server's client programs cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReachError {
    /// No command could be run at all.
    #[error("failed to reach the client programs of database {database}")]
    Run {
        /// The database.
        database: String,
        /// Why.
        #[source]
        source: RunError,
    },
    /// A program is missing.
    #[error("{place} has no {program}, which a proven backup needs")]
    Missing {
        /// Where.
        place: String,
        /// Which program.
        program: &'static str,
    },
    /// A pooler answers in the place of the server.
    #[error(
        "{host} port {port} is a connection pooler ({pooler}), through which no dump can be made: name the server behind it"
    )]
    Pooler {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
        /// What it says of itself.
        pooler: String,
    },
    /// No way can be taken.
    #[error("failed to reach the client programs of database {database}")]
    NoRoute {
        /// The database.
        database: String,
        /// What stands in each way.
        #[source]
        source: NoRoute,
    },
    /// A Job of ours did not come to run.
    #[error("failed to run a Job beside database {database}")]
    Job {
        /// The database.
        database: String,
        /// Why.
        #[source]
        source: Box<JobError>,
    },
    /// The programs of this machine do not go with the server.
    #[error(
        "the programs of this machine ({client}) do not go with the server's version {server}: install those of \
         version {server}"
    )]
    Client {
        /// What pg_dump says of itself.
        client: String,
        /// The server's major version.
        server: i32,
    },
    /// Nobody that we can be may connect.
    #[error("nobody we can be may connect to database {database} from {place}: {answer}")]
    Refused {
        /// Where.
        place: String,
        /// The database.
        database: String,
        /// The server's words to the attempt with the password we were given, else to the first.
        answer: String,
    },
}
