//! Workloads as a rendered manifest says them.

use model::RenderedWorkload;
use serde_json::Value;

/// A workload of a rendered manifest; `None` for objects of other kinds and for what does not parse as its kind.
/// `default_namespace` is the release's, for objects that name none.
pub fn workload_from_manifest(_object: &Value, _default_namespace: &str) -> Option<RenderedWorkload> {
    todo!()
}
