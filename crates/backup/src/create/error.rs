//! Why there is no backup.

use thiserror::Error;

use postgres_room::{ConnectError, HoldError};

use crate::{ArtefactError, RunError, StoreError};

/// Why there is no backup. Whatever the reason, nothing that looks like one was left.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The server is a standby.
    #[error("{database} is on a standby, where a dump may be cancelled at any time: name the primary")]
    Standby {
        /// The database.
        database: String,
    },
    /// The server could not be asked what a dump would meet.
    #[error("failed to look at {database} before its dump: {words}")]
    Examine {
        /// The database.
        database: String,
        /// The last words.
        words: String,
    },
    /// The client's version does not go with the server's.
    #[error(
        "pg_dump {client} is {age} than the server ({server}): what it writes cannot be restored there; \
         use the programs of version {server}, or --route exec or job, which have them"
    )]
    Client {
        /// Major version of the client.
        client: i32,
        /// Major version of the server.
        server: i32,
        /// `older` or `newer`.
        age: &'static str,
    },
    /// The layout needs a place to write to.
    #[error(
        "the directory format needs a folder to write to, and nothing is written in the server's own container: \
         use --route job"
    )]
    NoFolder,
    /// Row-level security would hide rows.
    #[error(
        "row-level security hides rows of {tables} in {database} from {user}: a dump would not have all of them; \
         use a superuser, the owner of the tables, or a role with BYPASSRLS"
    )]
    RowSecurity {
        /// The database.
        database: String,
        /// Who would dump.
        user: String,
        /// The tables.
        tables: String,
    },
    /// Something may not be read.
    #[error(
        "{user} may not read all of {database}: {what}; grant pg_read_all_data to {user}, or use another role"
    )]
    Unreadable {
        /// The database.
        database: String,
        /// Who would dump.
        user: String,
        /// What.
        what: String,
    },
    /// The container has too little memory left.
    #[error(
        "the server's container has {left} MiB of memory left and a dump beside it needs {needed}: \
         use --route job or port-forward, or raise the container's limit"
    )]
    Crowded {
        /// MiB left.
        left: u64,
        /// MiB needed.
        needed: u64,
    },
    /// Somebody holds a table.
    #[error("pg_dump waited {seconds} s for a lock in {database} and gave up: {holders}")]
    Locked {
        /// The database.
        database: String,
        /// How long it waited.
        seconds: u64,
        /// The table and who holds it.
        holders: String,
    },
    /// A volume or bucket that belongs to it could not be taken.
    #[error("failed to take what belongs to the backup")]
    Artefact(#[source] Box<ArtefactError>),
    /// The dump would be of another moment than what is taken beside it, and nobody would know by how much.
    #[error("no snapshot that artefacts could be measured by could be shared with the dump")]
    Moment(#[source] Box<ConnectError>),
    /// Writers could not be kept away.
    #[error(transparent)]
    Hold(HoldError),
    /// The store cannot be written.
    #[error("failed to keep the backup")]
    Store(#[from] StoreError),
    /// A file of the store cannot be written: a full disk, for one.
    #[error("failed to write {path}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The stream broke off.
    #[error("the dump of {database} did not arrive whole")]
    Stream {
        /// The database.
        database: String,
        /// Why.
        #[source]
        source: RunError,
    },
    /// A program of the pipeline failed.
    #[error("{program} ended with status {status} while dumping {database}: {words}")]
    Program {
        /// Which.
        program: &'static str,
        /// How it ended; -1 where that was never known.
        status: i32,
        /// The database.
        database: String,
        /// Its last words.
        words: String,
    },
    /// The place where the dump ran did not say what it had sent.
    #[error("the dump of {database} ended without its proof: {words}")]
    NoProof {
        /// The database.
        database: String,
        /// The last words.
        words: String,
    },
    /// The transport ended as if all were well, and nothing was said of what had been sent.
    #[error("the dump of {database} ended without its proof: it said nothing and ended with status 0")]
    Silent {
        /// The database.
        database: String,
    },
    /// Both ends do not agree.
    #[error("the dump of {database} changed on its way: {difference}")]
    Changed {
        /// The database.
        database: String,
        /// What differs.
        difference: String,
    },
}
