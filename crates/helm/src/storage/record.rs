//! One record, decoded.

use model::{ApplyMethod, ChartDocuments, Release, ReleaseStatus, RenderedHook};
use serde_json::Value;

use crate::record::{Record, or_empty};

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
    /// What the chart says about itself and its changes.
    pub documents: ChartDocuments,
}

impl StoredRelease {
    /// Reads a decoded record. `stored_bytes` is its encoded size.
    pub(crate) fn read(json: &[u8], namespace: &str, stored_bytes: usize) -> Result<Self, serde_json::Error> {
        let record: Record = serde_json::from_slice(json)?;
        let namespace = if record.namespace.is_empty() {
            namespace.to_owned()
        } else {
            record.namespace
        };
        let chart = record.chart.unwrap_or_default();
        let hooks = record.hooks.unwrap_or_default();
        Ok(Self {
            hooks: hooks.iter().map(|hook| hook.facts(&namespace)).collect(),
            release: Release {
                name: record.name,
                namespace,
                revision: record.version,
                status: status(record.info.status.as_deref().unwrap_or_default()),
                chart: chart.identity(),
                apply_method: match record.apply_method.as_deref() {
                    Some("ssa") => ApplyMethod::ServerSide,
                    // Helm 3 stores nothing, and Helm 4 takes nothing for the client's side.
                    Some(_) | None => ApplyMethod::ClientSide,
                },
                updated: record.info.last_deployed.filter(|time| !time.is_empty()),
                description: record.info.description.unwrap_or_default(),
                stored_bytes,
            },
            manifest: record.manifest,
            documents: chart.documents(),
            values: or_empty(record.config),
            chart_values: or_empty(chart.values),
        })
    }
}

/// A status by Helm's word; a word of a later Helm is unknown.
pub(crate) fn status(word: &str) -> ReleaseStatus {
    serde_json::from_value(Value::String(word.to_owned())).unwrap_or(ReleaseStatus::Unknown)
}
