//! Why a restore test could not be done.

use std::io;
use std::time::Duration;

use postgres_room::{ConnectError, QueryError};
use thiserror::Error;

use crate::compare::LookError;
use crate::{FillError, HelperPodError, LikeError, ReachError, RunError, StoreError};

/// Why a restore test could not be done; it then says nothing about the backup.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The pod of the server in use is no pattern for another one.
    #[error("failed to learn which image to use")]
    Like(#[from] LikeError),
    /// There is no pod whose image could be used.
    #[error("no image is known for the restore test: name one with --image, or use --local")]
    NoImage,
    /// This machine has no server of that version.
    #[error(
        "this machine has no programs of a PostgreSQL {major} server (initdb, postgres, pg_isready, pg_restore){}: install \
         them, or name their folder with --programs",
        others.iter().map(|other| format!("; {other}")).collect::<String>()
    )]
    NoPrograms {
        /// The backup's major version.
        major: i32,
        /// Folders with programs of another version, in words.
        others: Vec<String>,
    },
    /// The server's version is another one.
    #[error(
        "the throw-away server is PostgreSQL {found}, and the backup is of {expected}: a test there would prove nothing"
    )]
    Major {
        /// The server's.
        found: i32,
        /// The backup's.
        expected: i32,
    },
    /// The server has no such extensions.
    #[error("the throw-away server has no extension {}, which the database uses", .0.join(", "))]
    Extensions(Vec<String>),
    /// No folder or process on this machine.
    #[error("failed to start a throw-away server on this machine")]
    Machine(#[source] io::Error),
    /// The throw-away server has no pod that runs.
    #[error(transparent)]
    Pod(#[from] HelperPodError),
    /// The application's pod cannot be cut off from the network.
    #[error("failed to create the NetworkPolicy that cuts the application off in namespace {namespace}")]
    Policy {
        /// The namespace.
        namespace: String,
        /// The API server's answer.
        #[source]
        source: cluster::RequestError,
    },
    /// What the target's chart brings cannot be made for the time of a rehearsal.
    #[error("failed to create copies of what the target brings in namespace {namespace}")]
    Copies {
        /// The namespace.
        namespace: String,
        /// The API server's answer.
        #[source]
        source: cluster::RequestError,
    },
    /// The network lets an application out that has to be kept in.
    #[error("the new version was not started: {0}")]
    NotApart(String),
    /// The application was not kept on the copy.
    #[error(
        "the application under test has {0} sessions on the database in use: its pod is deleted; look at what it did there"
    )]
    ReachedLive(i64),
    /// It took too long.
    #[error("the restore test was not done within {0:?}")]
    Deadline(Duration),
    /// Somebody no longer wanted it.
    #[error("the restore test was interrupted; the throw-away server is gone")]
    Interrupted,
    /// The server cannot be used.
    #[error("failed to use the throw-away server")]
    Reach(#[from] ReachError),
    /// A command could not be run beside it.
    #[error("failed to prepare the throw-away server")]
    Run(#[from] RunError),
    /// The server, or its empty database, could not be made.
    #[error("failed to prepare the throw-away server: {0}")]
    Prepare(String),
    /// The dump could not be restored, and it is not known that this is the dump's fault.
    #[error("failed to restore the backup into the throw-away server")]
    Fill(#[from] FillError),
    /// No session.
    #[error("failed to look into the restored database")]
    Connect(#[from] ConnectError),
    /// A question was not answered.
    #[error("failed to look into the restored database")]
    Query(#[from] QueryError),
    /// The backup could not be read, or the result not be kept.
    #[error("failed to use the store")]
    Store(#[from] StoreError),
}

impl From<LookError> for VerifyError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Connect(error) => Self::Connect(error),
            LookError::Query(error) => Self::Query(error),
        }
    }
}
