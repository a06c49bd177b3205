//! What runs and restore tests remember for later runs: one ConfigMap `safe-upgrade.<release>.facts` of what was measured.

use std::collections::BTreeMap;

use cluster::{ApiError, Cluster, FIELD_MANAGER};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::labels;

/// Key of the seconds that the last migration took.
pub const MIGRATION_SECONDS: &str = "migration-seconds";
/// Key of the seconds from the first writer stopped to all counts back.
pub const DOWNTIME_SECONDS: &str = "downtime-seconds";
/// Key of the seconds that the last backup took.
pub const BACKUP_SECONDS: &str = "backup-seconds";
/// Key of the seconds that the last restore test took to fill a database.
pub const RESTORE_SECONDS: &str = "restore-seconds";
/// Key of the size of the database that it filled, in bytes.
pub const RESTORED_BYTES: &str = "restored-bytes";
/// Key of the seconds that the application took to be ready on the copy of the last restore test that booted it.
pub const BOOT_SECONDS: &str = "boot-seconds";

fn name(release: &str) -> String {
    format!("{}.facts", labels::object_name(release))
}

/// Remembers what was measured, in whole seconds or bytes, in the place of an earlier measurement.
///
/// # Errors
/// The API server refuses or does not answer.
pub async fn remember(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
    measured: &[(&str, u64)],
) -> Result<(), ApiError> {
    let name = name(release);
    let config_maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), namespace);
    let failed = |error| ApiError::new(format!("write config map {name} in namespace {namespace}"), error);
    let data: BTreeMap<&str, String> = measured
        .iter()
        .map(|(key, value)| (*key, value.to_string()))
        .collect();
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    // A merge patch keeps the other keys; applying would take away those that this call does not name.
    match config_maps
        .patch(&name, &parameters, &Patch::Merge(json!({ "data": data })))
        .await
    {
        Ok(_) => return Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => return Err(failed(error)),
    }
    let first = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name, "labels": labels::of_release(release) },
        "data": data,
    });
    let apply = PatchParams::apply(FIELD_MANAGER).force();
    config_maps
        .patch(&name, &apply, &Patch::Apply(first))
        .await
        .map(drop)
        .map_err(failed)
}

/// All that was measured before; empty where there are none. What is no number is left out.
///
/// # Errors
/// The API server refuses or does not answer.
pub async fn recall(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<BTreeMap<String, u64>, ApiError> {
    let name = name(release);
    let config_maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), namespace);
    let found = config_maps.get_opt(&name).await;
    let found = found
        .map_err(|error| ApiError::new(format!("read config map {name} in namespace {namespace}"), error))?;
    let data = found.and_then(|map| map.data).unwrap_or_default();
    Ok(data
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.parse().ok()?)))
        .collect())
}
