//! Controllers that would undo what a person does to a release.

use crate::{ApiError, Cluster};

impl Cluster {
    /// Flux and Argo CD objects that own the release's workloads by their labels and annotations, such as
    /// `Flux HelmRelease shop/web`; empty when nobody does.
    ///
    /// # Errors
    /// When the workloads cannot be listed.
    pub async fn owners_of_release(&self, _namespace: &str, _release: &str) -> Result<Vec<String>, ApiError> {
        todo!()
    }
}
