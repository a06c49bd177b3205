//! What the checks want to know of a rendered target.

use model::{ObjectName, RenderedHook, RenderedWorkload};
use serde_json::Value;

use crate::{HelmError, Rendered};

/// The parts of [`model::Target`] that the manifest says. Has no `Debug`: the objects hold rendered Secrets.
#[derive(Clone)]
pub struct TargetParts {
    /// Workloads of the manifest, hooks aside.
    pub workloads: Vec<RenderedWorkload>,
    /// Hooks.
    pub hooks: Vec<RenderedHook>,
    /// Every object of the manifest, for the dry run of each.
    pub objects: Vec<(ObjectName, Value)>,
}

/// Takes a rendered target apart. `namespace` is the release's, for objects that name none.
///
/// # Errors
/// A manifest that is no YAML.
pub fn target_parts(_rendered: &Rendered, _namespace: &str) -> Result<TargetParts, HelmError> {
    todo!()
}
