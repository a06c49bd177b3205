//! What the API server would say to an object.

use model::DryRunOutcome;
use serde_json::Value;

use crate::Cluster;

impl Cluster {
    /// Applies one object server-side as a dry run: nothing changes, but admission, schema, immutable fields, quotas and
    /// field owners are all consulted. `default_namespace` is for namespaced objects that name none. `force` leaves
    /// conflicts out of the question (for releases applied client-side, where `helm` would conflict with itself).
    ///
    /// Never fails: what could not be asked is [`DryRunOutcome::Unknown`].
    pub async fn dry_run_apply(
        &self,
        _object: &Value,
        _default_namespace: &str,
        _field_manager: &str,
        _force: bool,
    ) -> DryRunOutcome {
        todo!()
    }
}
