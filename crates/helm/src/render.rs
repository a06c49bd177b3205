//! What an upgrade would apply, as rendered by the user's own helm against the running revision.

use std::path::Path;

use model::ChartIdentity;
use serde_json::Value;

use crate::{Helm, HelmError, UpgradeLine};

/// A dry run's result. Has no `Debug` and no `Serialize`: it holds values and rendered Secrets.
#[derive(Clone)]
pub struct Rendered {
    /// All objects but the hooks, as YAML.
    pub manifest: String,
    /// Every hook's manifest and what helm says of it.
    pub hooks: Vec<RenderedHookManifest>,
    /// The effective user values: what the revision's record would hold as its configuration.
    pub values: Value,
    /// The chart's defaults as helm used them; under `--reuse-values` these are the running revision's computed values.
    pub base_values: Value,
    /// What the chart calls itself.
    pub chart: ChartIdentity,
}

/// A hook as rendered. Has no `Debug`: a hook may be a Secret.
#[derive(Clone)]
pub struct RenderedHookManifest {
    /// The object as YAML.
    pub manifest: String,
    /// Its events, such as `pre-upgrade`.
    pub events: Vec<String>,
    /// Its delete policies as written.
    pub delete_policies: Vec<String>,
}

impl Helm {
    /// Renders the upgrade of `line` by `helm upgrade … --dry-run=server -o json`; `chart` is the pinned archive or the
    /// user's own reference.
    ///
    /// # Errors
    /// One clear line in helm's own words: an unknown release, a chart that does not render, a schema violation.
    pub async fn render(
        &self,
        _line: &UpgradeLine,
        _chart: &Path,
        _namespace: &str,
    ) -> Result<Rendered, HelmError> {
        todo!()
    }
}
