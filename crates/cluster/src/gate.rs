//! Readiness gates: conditions in a pod's status that we set.

use crate::{ApiError, Cluster};

impl Cluster {
    /// Sets a condition of a pod's status to `True`, which opens the readiness gate of that name. The kubelet makes the
    /// pod ready one or two seconds later. Needs `patch` on `pods/status`. Idempotent.
    ///
    /// # Errors
    /// When the pod cannot be patched.
    pub async fn open_readiness_gate(
        &self,
        _namespace: &str,
        _pod: &str,
        _condition: &str,
    ) -> Result<(), ApiError> {
        todo!()
    }
}
