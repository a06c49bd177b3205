//! Everything a run pins: the chart, the values, and what they render to.

use std::path::Path;

use crate::{Helm, HelmError, PinnedChart, PinnedValues, Rendered, UpgradeLine};

/// Whether the pinned chart and values render what the user's own line renders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fidelity {
    /// Byte by byte the same manifest.
    Same,
    /// The manifest differs, as it does for charts that render something random or the time; the objects that differ.
    Differs(Vec<String>),
}

/// What a run applies in every pass.
#[derive(Clone)]
pub struct Prepared {
    /// The chart.
    pub chart: PinnedChart,
    /// The values.
    pub values: PinnedValues,
    /// What the user's own line renders.
    pub rendered: Rendered,
    /// Whether the pinned pair renders the same.
    pub fidelity: Fidelity,
}

impl Helm {
    /// Pins the chart and the effective values of `line` into the folder `into` and renders both ways.
    ///
    /// Under `--reuse-values` helm takes the running revision's computed values for the chart's defaults; the pinned
    /// archive gets them as its `values.yaml`, so that the passes store what `--reuse-values` would store.
    ///
    /// # Errors
    /// As [`Helm::pin_chart`] and [`Helm::render`].
    pub async fn prepare(
        &self,
        _line: &UpgradeLine,
        _namespace: &str,
        _into: &Path,
    ) -> Result<Prepared, HelmError> {
        todo!()
    }
}
