//! Looks that are kept in a file: judged later, elsewhere, without a cluster. They hold no secret, because no field of an
//! observation can.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::{API_VERSION, SavedObservation};
use thiserror::Error;

/// Why a kept look cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SavedError {
    /// The file cannot be written.
    #[error("failed to write the observation to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("failed to read the observation in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file holds something else, or was written by another version.
    #[error("{} is no observation of this version: {reason}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// Keeps a look.
///
/// # Errors
/// When the file cannot be written.
pub fn save_observation(path: &Path, saved: &SavedObservation) -> Result<(), SavedError> {
    let failed = |source| SavedError::Write {
        path: path.to_owned(),
        source,
    };
    let text = serde_json::to_vec_pretty(saved)
        .map_err(io::Error::other)
        .map_err(failed)?;
    fs::write(path, text).map_err(failed)
}

/// Reads a look that was kept.
///
/// # Errors
/// See [`SavedError`].
pub fn load_observation(path: &Path) -> Result<SavedObservation, SavedError> {
    let text = fs::read(path).map_err(|source| SavedError::Read {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |reason: String| SavedError::Wrong {
        path: path.to_owned(),
        reason,
    };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let (version, kind) = (&value["apiVersion"], &value["kind"]);
    if version != API_VERSION || kind != SavedObservation::KIND {
        return Err(wrong(format!(
            "it says {version} {kind}, and not {API_VERSION} {}",
            SavedObservation::KIND
        )));
    }
    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
}
