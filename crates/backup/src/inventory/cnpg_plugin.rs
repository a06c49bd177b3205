//! CloudNativePG's Barman plug-in: the recovery window that it keeps in the status of an `ObjectStore`. With the
//! plug-in the Cluster's own fields stay unset, and a look at those alone sees a backup of 1970 or none.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, FindingLevel, Mechanism};
use serde_json::Value;

use super::cnpg::{CLUSTER, subject};
use super::found::{Finds, Say, found};
use super::objects::{Objects, Reads, beside};
use super::value::Object;

const STORE: Reads = beside("barmancloud.cnpg.io", "ObjectStore", &["v1"]);
pub(super) const READS: &[Reads] = &[CLUSTER, STORE];

const MECHANISM: Mechanism = Mechanism::CloudNativePgPlugin;
const PLUGIN: &str = "barman-cloud.cloudnative-pg.io";

pub(super) fn find(objects: &Objects, _now: Timestamp) -> Finds {
    let mut finds = Finds::default();
    for cluster in objects.of(&CLUSTER) {
        let plugins = cluster.list("spec/plugins");
        for plugin in plugins
            .iter()
            .filter(|plugin| plugin.text("name") == Some(PLUGIN))
        {
            // Left out means enabled.
            if plugin.at("enabled") == &Value::Bool(false) {
                let message = "the backup plug-in is named and switched off: nothing is backed up by it";
                let id = ("cnpg-plugin-disabled", FindingLevel::Warn);
                finds.note(
                    MECHANISM,
                    ("Cluster", cluster),
                    &subject(cluster.name()),
                    id,
                    message,
                );
            } else {
                window(&mut finds, cluster, plugin, objects);
            }
        }
    }
    finds
}

fn window(finds: &mut Finds, cluster: &Value, plugin: &Value, objects: &Objects) {
    let of = subject(cluster.name());
    let at = ("Cluster", cluster);
    if !plugin.is_on("isWALArchiver") {
        let id = ("cnpg-plugin-no-wal", FindingLevel::Warn);
        let message =
            "the backup plug-in is not the WAL archiver: its backups cannot be brought to a later moment";
        finds.note(MECHANISM, at, &of, id, message);
    }
    let Some(name) = plugin.text("parameters/barmanObjectName") else {
        let id = ("cnpg-plugin-no-store", FindingLevel::Warn);
        finds.note(MECHANISM, at, &of, id, "the backup plug-in names no object store");
        return;
    };
    let Some(store) = objects
        .of(&STORE)
        .iter()
        .find(|store| store.is(cluster.namespace(), name))
    else {
        if objects.knows(&STORE) {
            let id = ("cnpg-plugin-no-store", FindingLevel::Warn);
            finds.note(
                MECHANISM,
                at,
                &of,
                id,
                format!("the object store {name} that it names is not there"),
            );
        }
        return;
    };
    let server = plugin.text("parameters/serverName").unwrap_or(cluster.name());
    let window = &store.at("status/serverRecoveryWindow")[server];
    let (good, failed) = (
        window.time("lastSuccessfulBackupTime"),
        window.time("lastFailedBackupTime"),
    );
    let mut made = found(MECHANISM, "ObjectStore", store, of.clone());
    made.id = format!("ObjectStore/{name}/{server}");
    made.uri = store.owned("spec/configuration/destinationPath");
    let made = match (good, failed) {
        (None, None) => made.stands(
            BackupState::Unknown,
            format!("the object store tells no recovery window of server {server}: nothing has been backed up by it yet, or not by this name"),
        ),
        (None, Some(failed)) => made.stands(BackupState::Failed, format!("only failures; the last at {failed}")),
        (Some(_), _) => made.good(good, BackupGrade::D, format!("the newest in the recovery window of server {server}")),
    };
    let made = match window.time("firstRecoverabilityPoint") {
        Some(first) => made.noted(format!(
            "can be brought to any moment since {first}, as far as WAL is archived"
        )),
        None => made,
    };
    finds.backups.push(made);
    if let (Some(good), Some(failed)) = (good, failed)
        && failed > good
    {
        let id = ("cnpg-plugin-last-failed", FindingLevel::Warn);
        let message = format!("the newest attempt failed at {failed}, after the newest backup");
        finds.note(MECHANISM, at, &of, id, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Unknown};
    use serde_json::json;

    fn cluster(plugin: Value) -> Value {
        json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": {"plugins": [plugin]},
               "status": {"firstRecoverabilityPoint": "", "lastSuccessfulBackup": ""}})
    }

    fn plugin(parameters: Value) -> Value {
        json!({"name": PLUGIN, "isWALArchiver": true, "parameters": parameters})
    }

    fn store(windows: Value) -> Value {
        json!({"metadata": {"name": "bucket", "namespace": "shop"}, "status": {"serverRecoveryWindow": windows}})
    }

    fn seen(cluster: Value, stores: Vec<Value>) -> Finds {
        find(&objects(&[(&CLUSTER, vec![cluster]), (&STORE, stores)]), now())
    }

    #[test]
    fn the_window_of_the_named_server_counts() {
        let good = json!({"lastSuccessfulBackupTime": "2026-11-20T03:04:05Z", "firstRecoverabilityPoint": "2026-11-01T00:00:00Z"});
        let named = json!({"barmanObjectName": "bucket"});
        let renamed = json!({"barmanObjectName": "bucket", "serverName": "orders-2"});
        for (parameters, windows, id, state, finished) in [
            (
                &named,
                json!({"orders": good}),
                "ObjectStore/bucket/orders",
                Good,
                Some("2026-11-20T03:04:05Z"),
            ),
            (
                &renamed,
                json!({"orders-2": good}),
                "ObjectStore/bucket/orders-2",
                Good,
                Some("2026-11-20T03:04:05Z"),
            ),
            // A window of another server proves nothing of this one, and an empty one is not 1970.
            (
                &renamed,
                json!({"orders": good}),
                "ObjectStore/bucket/orders-2",
                Unknown,
                None,
            ),
            (&named, json!({}), "ObjectStore/bucket/orders", Unknown, None),
            (
                &named,
                json!({"orders": {"lastSuccessfulBackupTime": "1970-01-01T00:00:00Z"}}),
                "ObjectStore/bucket/orders",
                Unknown,
                None,
            ),
            (
                &named,
                json!({"orders": {"lastFailedBackupTime": "2026-11-20T03:04:05Z"}}),
                "ObjectStore/bucket/orders",
                Failed,
                None,
            ),
        ] {
            let finds = seen(cluster(plugin(parameters.clone())), vec![store(windows.clone())]);
            assert_eq!(states(&finds), [(id, state, finished)], "{windows}");
        }
    }

    #[test]
    fn a_failure_after_the_newest_backup_is_told() {
        let windows = json!({"orders": {"lastSuccessfulBackupTime": "2026-11-19T03:04:05Z", "lastFailedBackupTime": "2026-11-20T03:04:05Z"}});
        let finds = seen(
            cluster(plugin(json!({"barmanObjectName": "bucket"}))),
            vec![store(windows)],
        );
        assert_eq!(findings(&finds), ["cnpg-plugin-last-failed"]);
        assert_eq!(states(&finds)[0].1, Good);
    }

    #[test]
    fn a_plug_in_that_backs_up_nothing_is_told() {
        let off = json!({"name": PLUGIN, "enabled": false});
        assert_eq!(findings(&seen(cluster(off), vec![])), ["cnpg-plugin-disabled"]);
        let nowhere = plugin(json!({"barmanObjectName": "gone"}));
        assert_eq!(
            findings(&seen(cluster(nowhere), vec![])),
            ["cnpg-plugin-no-store"]
        );
        let no_wal = json!({"name": PLUGIN, "parameters": {"barmanObjectName": "bucket"}});
        assert_eq!(
            findings(&seen(cluster(no_wal), vec![store(json!({}))])),
            ["cnpg-plugin-no-wal"]
        );
        let other = json!({"name": "somebody.else"});
        assert_eq!(seen(cluster(other), vec![]), Finds::default());
    }
}
