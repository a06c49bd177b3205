//! What runs remember for later ones: one ConfigMap `safe-upgrade.<release>.facts` of measured durations.

use std::collections::BTreeMap;

use cluster::Cluster;

/// Key of the seconds that the last migration took.
pub const MIGRATION_SECONDS: &str = "migration-seconds";
/// Key of the seconds from the first writer stopped to all counts back.
pub const DOWNTIME_SECONDS: &str = "downtime-seconds";
/// Key of the seconds that the last backup took.
pub const BACKUP_SECONDS: &str = "backup-seconds";

/// Why facts could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("could not use config map {name}")]
pub struct FactsError {
    /// The ConfigMap.
    pub name: String,
    /// Why.
    #[source]
    pub source: kube::Error,
}

/// Remembers a measured duration in whole seconds, replacing an earlier one.
///
/// # Errors
/// The API server refuses or does not answer.
pub async fn remember(
    _cluster: &Cluster,
    _namespace: &str,
    _release: &str,
    _key: &str,
    _seconds: u64,
) -> Result<(), FactsError> {
    todo!()
}

/// All durations that earlier runs left behind; empty where there are none.
///
/// # Errors
/// The API server refuses or does not answer.
pub async fn recall(
    _cluster: &Cluster,
    _namespace: &str,
    _release: &str,
) -> Result<BTreeMap<String, u64>, FactsError> {
    todo!()
}
