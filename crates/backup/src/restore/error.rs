//! Why a restore was not done.

use postgres_room::{AdminError, ConnectError, QueryError};
use thiserror::Error;

use crate::compare::LookError;
use crate::{FillError, RunError};

/// Why a restore was not done. The database in use keeps its name and its content.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The id cannot be part of a database's name.
    #[error("{0:?} is no restore id: use 1 to 24 lower-case letters and digits")]
    Id(String),
    /// The server's own database.
    #[error("{0} belongs to the server itself and is never swapped")]
    Reserved(String),
    /// The backup is of something else.
    #[error("backup {id} is of {of}, not of {wanted}")]
    Foreign {
        /// The backup.
        id: String,
        /// What it is of.
        of: String,
        /// What would be put back.
        wanted: String,
    },
    /// The backup is of a newer server.
    #[error("backup {id} is of PostgreSQL {from}, which PostgreSQL {to} cannot restore")]
    Newer {
        /// The backup.
        id: String,
        /// Its server's version.
        from: String,
        /// This server's version.
        to: String,
    },
    /// There is nothing to swap with.
    #[error("there is no database {0}: create an empty one of that name, with its owner, and try again")]
    NoDatabase(String),
    /// Something that a swap would break.
    #[error("{database} cannot be swapped, because of {what}")]
    InTheWay {
        /// The database.
        database: String,
        /// What stands in the way.
        what: String,
    },
    /// Roles that own something in the backup, or were granted something, are not there.
    #[error(
        "roles that own something in the backup or were granted something are missing: {}; create them first \
         (--create-roles does, without login and password), or answer with --owner ROLE or --no-owner and with --no-acl", .0.join(", ")
    )]
    MissingRoles(Vec<String>),
    /// It need not, or must not, be restored in place.
    #[error("{database} is not restored in place: {why}")]
    NotInPlace {
        /// The database.
        database: String,
        /// Why not.
        why: String,
    },
    /// Several sessions cannot fill from it at a time.
    #[error("{0} is filled by one session: --jobs needs an archive in custom or directory format")]
    OneAtATime(String),
    /// The dump is newer than the schema in use.
    #[error("{0}; --accept older-image restores it all the same")]
    OlderImage(String),
    /// The database in use is not well, so what is kept beside it may be needed.
    #[error("database {database} is not well, so what is kept beside it may be needed: {why}")]
    NotWell {
        /// The database in use.
        database: String,
        /// What is wrong.
        why: String,
    },
    /// Somebody is connected to what would be dropped.
    #[error("{sessions} sessions are connected to {name}, which would be dropped: somebody may need it")]
    InUse {
        /// The database.
        name: String,
        /// How many.
        sessions: i64,
    },
    /// The new database could not be filled.
    #[error("failed to fill the new database")]
    Fill(#[from] FillError),
    /// The new database is not what was backed up.
    #[error("the restored database is not what was backed up: {}", .0.join("; "))]
    Differs(Vec<String>),
    /// ANALYZE could not be run.
    #[error("failed to gather statistics in the new database")]
    Analyze(#[source] RunError),
    /// ANALYZE failed.
    #[error("failed to gather statistics in the new database: {0}")]
    AnalyzeRefused(String),
    /// Nothing to go back to.
    #[error("no database is kept for restore {id}: {name} does not exist")]
    NothingKept {
        /// The restore's id.
        id: String,
        /// The name looked for.
        name: String,
    },
    /// Creating, renaming, swapping.
    #[error("failed to change the databases of the server")]
    Admin(#[from] AdminError),
    /// No session.
    #[error("failed to look into a database")]
    Connect(#[from] ConnectError),
    /// A question was not answered.
    #[error("failed to look into a database")]
    Query(#[from] QueryError),
}

impl From<LookError> for RestoreError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Connect(error) => Self::Connect(error),
            LookError::Query(error) => Self::Query(error),
        }
    }
}
