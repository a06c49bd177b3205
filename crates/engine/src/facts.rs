//! What runs, restore tests and rehearsals remember for later runs: one ConfigMap `safe-upgrade.<release>.facts` of what was measured.

use std::collections::BTreeMap;

use cluster::{ApiError, Cluster, FIELD_MANAGER};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use model::RehearsedMigration;
use serde_json::json;

use crate::labels;

/// Key of the seconds that the last migration took.
pub const MIGRATION_SECONDS: &str = "migration-seconds";
/// Key of the seconds that the last run took, from the end of its waits for an idle application on.
pub const RUN_SECONDS: &str = "run-seconds";
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
/// Key of what the last rehearsal of a migration measured, as JSON: the number means nothing without date, size and
/// versions.
const REHEARSAL: &str = "rehearsal";

/// All that was measured before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// Whole seconds and bytes, by key.
    pub numbers: BTreeMap<String, u64>,
    /// The last rehearsal.
    pub rehearsal: Option<RehearsedMigration>,
}

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
    let data = measured.iter().map(|(key, value)| (*key, value.to_string()));
    write(cluster, namespace, release, data.collect()).await
}

/// Remembers what a rehearsal measured, in the place of an earlier one.
///
/// # Errors
/// The API server refuses or does not answer.
pub async fn remember_rehearsal(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
    measured: &RehearsedMigration,
) -> Result<(), ApiError> {
    let text = json!(measured).to_string();
    write(cluster, namespace, release, BTreeMap::from([(REHEARSAL, text)])).await
}

async fn write(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
    data: BTreeMap<&str, String>,
) -> Result<(), ApiError> {
    let name = name(release);
    let config_maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), namespace);
    let failed = |error| ApiError::new(format!("write config map {name} in namespace {namespace}"), error);
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

/// All that was measured before; empty where there is none. What cannot be read as what it should be is left out.
///
/// # Errors
/// The API server refuses or does not answer.
pub async fn recall(cluster: &Cluster, namespace: &str, release: &str) -> Result<Measured, ApiError> {
    let name = name(release);
    let config_maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), namespace);
    let found = config_maps.get_opt(&name).await;
    let found = found
        .map_err(|error| ApiError::new(format!("read config map {name} in namespace {namespace}"), error))?;
    Ok(understood(found.and_then(|map| map.data).unwrap_or_default()))
}

fn understood(data: BTreeMap<String, String>) -> Measured {
    let rehearsal = data.get(REHEARSAL);
    Measured {
        rehearsal: rehearsal.and_then(|text| serde_json::from_str(text).ok()),
        numbers: data
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.parse().ok()?)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_over_is_left_out_and_keeps_nothing_else_away() {
        let text = r#"{"seconds":4,"bytes":9,"at":"2026-11-29T00:00:00Z","from":"1","to":"2","backup":"b"}"#;
        let of = |rehearsal: &str| {
            let data = [
                (MIGRATION_SECONDS, "12"),
                (BACKUP_SECONDS, "soon"),
                (REHEARSAL, rehearsal),
            ];
            understood(data.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
        };
        let measured = of(text);
        assert_eq!(measured.numbers.get(MIGRATION_SECONDS), Some(&12));
        assert_eq!(measured.numbers.len(), 1, "{measured:?}");
        let rehearsal = measured.rehearsal.unwrap();
        assert_eq!((rehearsal.seconds, rehearsal.to.as_str()), (4, "2"));
        let measured = of("{");
        assert!(measured.rehearsal.is_none() && measured.numbers.len() == 1);
    }
}
