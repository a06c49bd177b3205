//! The restore test.

use std::time::Duration;

use cluster::Cluster;
use model::Verification;
use thiserror::Error;

use crate::{Backup, Progress};

/// Where the throw-away server may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyRequest {
    /// The namespace of the pod.
    pub namespace: String,
    /// The image: that of the server the backup came from, or one of the same major version.
    pub image: String,
    /// How long all of it may take; the pod ends itself after that, whatever happens to us.
    pub deadline: Duration,
}

/// Why a restore test could not be done; it then says nothing about the backup.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {}

/// Restores a backup into a throw-away server and compares. What differs stands in the result, which is also written
/// beside the manifest; the pod is deleted whatever happens.
///
/// # Errors
/// See [`VerifyError`]; a forbidden pod says so plainly.
pub async fn verify(
    cluster: &Cluster,
    backup: &Backup,
    request: &VerifyRequest,
    progress: Progress<'_>,
) -> Result<Verification, VerifyError> {
    todo!()
}
