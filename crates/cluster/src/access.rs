//! What we may do.

use model::{AccessDecision, AccessRequest};

use crate::{ApiError, Cluster};

impl Cluster {
    /// Asks for every right at once (SelfSubjectAccessReview, some at a time), answers in the order asked.
    ///
    /// # Errors
    /// When a review cannot be made; a refused right is an answer, not an error.
    pub async fn can_i(&self, _requests: &[AccessRequest]) -> Result<Vec<AccessDecision>, ApiError> {
        todo!()
    }
}
