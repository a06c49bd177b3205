//! Why a file was not copied.

use thiserror::Error;

use crate::RunError;

/// Why a file was not copied. What was at the destination before is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is no such file.
    #[error("there is no file {0}")]
    Absent(String),
    /// It is something else.
    #[error("{file} is {what}, and only regular files can be copied")]
    NoFile {
        /// The file.
        file: String,
        /// What it is.
        what: &'static str,
    },
    /// It may not be read.
    #[error("{0} may not be read by the container's user")]
    Unreadable(String),
    /// There is one already.
    #[error("{0} exists already: name another place, or allow it to be replaced with --overwrite")]
    Taken(String),
    /// The name says a folder.
    #[error("{0} is a folder: name the file in it")]
    Folder(String),
    /// The name is a link's.
    #[error("{0} is a link: name the file that it points to")]
    Link(String),
    /// Another copy is being made to the same place.
    #[error("{0} is being written by another copy")]
    Busy(String),
    /// The container cannot run a shell.
    #[error(
        "{place} has no shell, and files are read and hashed with one there: use a container of the pod that has one, or \
         add one with kubectl debug"
    )]
    NoShell {
        /// The place.
        place: String,
        /// What the runtime said.
        #[source]
        source: RunError,
    },
    /// A command's end is not known.
    #[error("failed to reach the file")]
    Run(#[source] RunError),
    /// The place did not say what it found.
    #[error("{place} did not say what it found: {words}")]
    NoWord {
        /// The place.
        place: String,
        /// Its last words.
        words: String,
    },
    /// A file of this machine.
    #[error("failed to {doing} {path}")]
    Local {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Writing at the other end failed.
    #[error("failed to {doing} {file}: {words}")]
    Remote {
        /// What was tried.
        doing: &'static str,
        /// The file.
        file: String,
        /// The last words of the programs there.
        words: String,
    },
    /// Fewer or more bytes arrived than were there.
    #[error("{file} did not arrive whole: {sent} bytes were to come and {arrived} did")]
    Short {
        /// The file.
        file: String,
        /// What was to come, in bytes.
        sent: u64,
        /// What did, in bytes.
        arrived: u64,
    },
    /// The bytes differ.
    #[error("{file} changed on its way or while it was read: {proof} {there} there and {here} here")]
    Differs {
        /// The file.
        file: String,
        /// Which sum.
        proof: &'static str,
        /// The sum at the other end.
        there: String,
        /// The sum here.
        here: String,
    },
}
