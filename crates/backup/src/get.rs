//! Fetching a backup.

use std::path::Path;

use thiserror::Error;

use crate::{Backup, Progress};

/// Why a backup was not fetched. Nothing was left at the destination.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GetError {}

/// Copies a backup's files into `<destination>/<id>/` and compares their hashes with the manifest.
///
/// # Errors
/// See [`GetError`].
pub async fn get(backup: &Backup, destination: &Path, progress: Progress<'_>) -> Result<Backup, GetError> {
    todo!()
}
