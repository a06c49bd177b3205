//! Asking what an upgrade would go to.

use cluster::Cluster;
use model::{Release, Target};
use thiserror::Error;

/// Which chart, with which flags.
#[derive(Debug, Clone)]
pub struct TargetRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The release's namespace.
    pub namespace: String,
    /// The release as it is.
    pub release: Release,
}

/// The target with what it was made from.
pub struct TargetSeen {
    /// The target.
    pub target: Target,
}

/// Why there is no target.
#[derive(Debug, Error)]
pub enum TargetError {}

/// Pins the chart, renders it by the user's own helm and asks the API server about every object, without changing any.
///
/// # Errors
/// See [`TargetError`].
pub async fn target(request: &TargetRequest) -> Result<TargetSeen, TargetError> {
    let _ = request;
    todo!()
}
