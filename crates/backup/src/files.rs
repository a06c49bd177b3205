//! Any file of any pod, to here and back, with bytes and hash compared at both ends.
//!
//! A [`Runner`] carries the bytes; nothing is taken for whole because a stream ended well.

mod checksum;
mod error;
mod get;
mod part;
mod put;
mod remote;

use crate::Runner;

pub use error::FileError;
pub use get::get_file;
pub use put::put_file;
pub use remote::{PodFile, PodFileError};

/// How much the agreement of both ends is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileProof {
    /// Same bytes, same sha256.
    Sha256,
    /// Same bytes, same CRC: the container has no sha256sum. Finds accidents, not intent.
    Cksum,
    /// Only the count is the same: the container has neither sha256sum nor cksum.
    Bytes,
}

impl FileProof {
    /// The proof in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Cksum => "cksum",
            Self::Bytes => "bytes",
        }
    }
}

/// A file that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedFile {
    /// Its size.
    pub bytes: u64,
    /// sha256 of the copy here, or of the original where it was sent, lower-case hex.
    pub sha256: String,
    /// What was compared.
    pub proof: FileProof,
    /// How much an earlier attempt had brought already, in bytes.
    pub resumed: u64,
    /// By how many bytes the original has grown since the copy was begun.
    pub grown: u64,
    /// Whether the mode could be read and was kept.
    pub mode_kept: bool,
}

/// Where a command runs and which file is meant, for messages.
fn named(runner: &dyn Runner, path: &str) -> String {
    format!("{path:?} in {}", runner.place())
}
