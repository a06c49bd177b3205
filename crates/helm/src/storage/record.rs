//! One record, decoded.

use model::{Release, RenderedHook};
use serde_json::Value;

/// A revision as stored. Has no `Debug` and no `Serialize`: values and manifest may hold secrets.
#[derive(Clone)]
pub struct StoredRelease {
    /// What may be shown.
    pub release: Release,
    /// What was applied, hooks aside, as YAML.
    pub manifest: String,
    /// The hooks of the revision.
    pub hooks: Vec<RenderedHook>,
    /// The user's values.
    pub values: Value,
    /// The chart's own default values, without those of its dependencies.
    pub chart_values: Value,
}
