//! Why an archive did not fill a database.

use thiserror::Error;

use super::plain::PlainFault;
use crate::seal::OpenError;
use crate::{RunError, StoreError};

/// Why an archive did not fill a database. The database holds nothing of it, or is one that nobody uses.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FillError {
    /// The backup has no dump that we can read.
    #[error("backup {0} holds no dump that can be read")]
    NoDump(String),
    /// The file is nothing that pg_dump wrote.
    #[error("{path} is no dump of pg_dump: {why}")]
    Unknown {
        /// The file.
        path: String,
        /// What it is instead.
        why: String,
    },
    /// It ends too early.
    #[error("{0} is cut off: it ends before its end")]
    Cut(String),
    /// Text that must not be given to psql.
    #[error("{path} is refused: {fault}")]
    Plain {
        /// The file.
        path: String,
        /// Why.
        fault: PlainFault,
    },
    /// psql is too old to be kept from running commands.
    #[error(
        "psql in {place} has no restricted mode, so a dump as text could run commands there: use an image of at least \
         13.22, 14.19, 15.14, 16.10, 17.6 or 18, or a dump as archive (pg_dump -Fc)"
    )]
    Unrestricted {
        /// Where.
        place: String,
    },
    /// An answer that does not go with the layout.
    #[error(
        "{path} is SQL as text, which says itself {what}: only an archive (pg_dump -Fc) can be restored otherwise"
    )]
    SaysItself {
        /// The file.
        path: String,
        /// What.
        what: &'static str,
    },
    /// The file is encrypted.
    #[error("failed to open the dump")]
    Sealed(#[from] OpenError),
    /// The file cannot be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The store does not give it.
    #[error("failed to fetch the dump")]
    Store(#[from] StoreError),
    /// The file is not what it was.
    #[error("{path} is damaged: sha256 {found} instead of {expected}")]
    Damaged {
        /// The file.
        path: String,
        /// What the manifest says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The stream broke off.
    #[error("the archive did not arrive whole")]
    Stream(#[source] RunError),
    /// A program of the pipeline failed.
    #[error("{program} ended with status {status}: {words}{remedy}")]
    Program {
        /// Which.
        program: &'static str,
        /// How it ended; -1 where that was never known.
        status: i32,
        /// Its last words.
        words: String,
        /// What can be done about it, with the words that lead there; empty where nothing is known.
        remedy: String,
    },
    /// The place did not say what had arrived.
    #[error("the restore ended without its proof: {0}")]
    NoProof(String),
    /// Both ends do not agree.
    #[error("the archive changed on its way: sha256 {sent} was sent and {arrived} arrived")]
    Changed {
        /// Here.
        sent: String,
        /// There.
        arrived: String,
    },
}
