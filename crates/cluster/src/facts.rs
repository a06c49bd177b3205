//! The cluster itself.

use model::ClusterFacts;

use crate::{ApiError, Cluster};

impl Cluster {
    /// The API server's version, the cluster's UID, the context's name.
    ///
    /// # Errors
    /// When the version cannot be read. A UID that may not be read is a fact of its own.
    pub async fn facts(&self) -> Result<ClusterFacts, ApiError> {
        todo!()
    }
}
