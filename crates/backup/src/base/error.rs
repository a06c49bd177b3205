//! Why there is no copy of a server.

use thiserror::Error;

use super::InspectError;
use crate::{RunError, StoreError};

/// Why there is no copy of the server. Whatever the reason, nothing that looks like one was left.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BaseError {
    /// The server is a standby.
    #[error(
        "this server is a standby, whose copy depends on what the primary does meanwhile: name the primary"
    )]
    Standby,
    /// There is no pg_basebackup.
    #[error("{place} has no pg_basebackup")]
    NoProgram {
        /// Where.
        place: String,
    },
    /// The server could not be asked what a copy would meet.
    #[error("failed to look at the server before its copy: {0}")]
    Look(String),
    /// We may not replicate.
    #[error("{user} may not copy the server: ALTER ROLE {user} REPLICATION, or use a superuser")]
    NoReplication {
        /// Who we are.
        user: String,
    },
    /// WAL holds too little.
    #[error("wal_level is {0}: a copy needs replica or logical")]
    WalLevel(String),
    /// All places for WAL senders are taken.
    #[error("all {senders} WAL senders are in use: raise max_wal_senders or wait until one is free")]
    NoSender {
        /// `max_wal_senders`.
        senders: u64,
    },
    /// There are tablespaces, and one stream has room for one tar.
    #[error(
        "the server has tablespaces beside its data directory ({}), which cannot be copied in one stream: move their \
         tables to pg_default, or dump the databases with create",
        .0.join(", ")
    )]
    Tablespaces(Vec<String>),
    /// The store cannot be written.
    #[error("failed to keep the copy")]
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
    #[error("the copy did not arrive whole")]
    Stream(#[source] RunError),
    /// A program of the pipeline failed.
    #[error("{program} ended with status {status}: {words}")]
    Program {
        /// Which.
        program: &'static str,
        /// How it ended; -1 where that was never known.
        status: i32,
        /// Its last words.
        words: String,
    },
    /// The place where it ran did not say what it had sent.
    #[error("the copy ended without its proof: {0}")]
    NoProof(String),
    /// Both ends do not agree.
    #[error("the copy changed on its way: {0}")]
    Changed(String),
    /// The archive cannot be read to its end.
    #[error("failed to read the copy to its end")]
    Inspect(#[from] InspectError),
    /// The archive is not what its own manifest says.
    #[error("the copy is not what its backup_manifest says: {}", .0.join("; "))]
    Differs(Vec<String>),
    /// The archive is another server's.
    #[error("the copy is of system {found}, and the server said that it is {expected}")]
    OtherSystem {
        /// What the copy says.
        found: String,
        /// What the server said.
        expected: String,
    },
}
