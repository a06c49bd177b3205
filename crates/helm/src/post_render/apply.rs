//! The edits.

use thiserror::Error;

use super::PostRenderSpec;
use crate::manifest::ManifestError;

/// Why a manifest could not be parked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PostRenderError {
    /// No YAML.
    #[error("failed to read the rendered manifest")]
    Manifest(#[source] ManifestError),
    /// The workload to gate is not in the manifest: nothing would run.
    #[error("the chart does not render {workload}, which was to migrate behind the gate")]
    MigratingMissing {
        /// The workload.
        workload: String,
    },
}

/// Parks and gates. Documents that need no edit are returned byte by byte.
///
/// # Errors
/// A manifest that is no YAML, or one without the migrating workload.
pub fn apply(_yaml: &str, _spec: &PostRenderSpec) -> Result<String, PostRenderError> {
    todo!()
}
