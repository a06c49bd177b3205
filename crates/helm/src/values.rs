//! Values: pinned for the passes, and what the chosen way of keeping them would lose.

use std::path::{Path, PathBuf};

use model::ValuesHazard;
use serde_json::Value;

use crate::{HelmError, PinnedChart, Rendered, Reuse};

/// The effective user values in a file that only its owner can read (mode 0600).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedValues {
    /// The file: JSON, which is YAML too.
    pub path: PathBuf,
}

impl PinnedValues {
    /// Writes `values` to `into/values.json`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(_values: &Value, _into: &Path) -> Result<Self, HelmError> {
        todo!()
    }

    /// Writes bytes taken out of a journal to `into/values.json`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn restore(_bytes: &[u8], _into: &Path) -> Result<Self, HelmError> {
        todo!()
    }

    /// The bytes, for a journal's part Secret. They may hold secrets.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn bytes(&self) -> Result<Vec<u8>, HelmError> {
        todo!()
    }
}

/// Judges the way of keeping values: which of the running revision's user values (`running`) the upgrade would drop,
/// and which defaults of the target chart `--reuse-values` would leave out. Paths only, never values.
///
/// # Errors
/// The chart's own `values.yaml` cannot be read.
pub fn values_hazard(
    _running: &Value,
    _rendered: &Rendered,
    _chart: &PinnedChart,
    _reuse: Reuse,
) -> Result<ValuesHazard, HelmError> {
    todo!()
}
