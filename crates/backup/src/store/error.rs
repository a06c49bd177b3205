//! Why a store cannot be used.

use std::io;
use std::path::Path;

use thiserror::Error;

use super::address::AddressError;
use super::bucket::BucketFault;
use super::volume::VolumeFault;

/// Why a store cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The text names no store.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A file or folder of the store.
    #[error("failed to {doing} {path}")]
    Io {
        /// What was tried: `read`, `create`, …
        doing: &'static str,
        /// The file or folder, or the object's URL.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// An object of a bucket, or the bucket itself.
    #[error("failed to {doing} {object}")]
    Bucket {
        /// What was tried: `read`, `write`, `list`, …
        doing: &'static str,
        /// The object's or the bucket's URL.
        object: String,
        /// Why not.
        #[source]
        source: BucketFault,
    },
    /// A file of a volume, or the volume itself.
    #[error("failed to {doing} {file}")]
    Volume {
        /// What was tried: `read`, `write`, `list`, …
        doing: &'static str,
        /// The file's or the claim's address.
        file: String,
        /// Why not.
        #[source]
        source: VolumeFault,
    },
    /// What is stored is not as long as what was written.
    #[error("{path} holds {stored} bytes of the {written} that were written")]
    Short {
        /// The file or object.
        path: String,
        /// Bytes there.
        stored: u64,
        /// Bytes written.
        written: u64,
    },
    /// There is something of this name already, and nothing is ever overwritten.
    #[error("{0} is there already, and nothing in a store is overwritten")]
    Taken(String),
    /// A backup that is not what its manifest says.
    #[error("backup {backup} is damaged: {}", flaws.join("; "))]
    Damaged {
        /// Its place.
        backup: String,
        /// What is wrong, in words.
        flaws: Vec<String>,
    },
    /// There is no such backup.
    #[error("no backup {id} in {store}")]
    Unknown {
        /// The id.
        id: String,
        /// The store.
        store: String,
    },
}

impl StoreError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::io_at(doing, path.display().to_string())
    }

    pub(crate) fn io_at(doing: &'static str, path: String) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path, source }
    }
}
