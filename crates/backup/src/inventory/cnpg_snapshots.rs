//! Volume snapshots that CloudNativePG takes: good only when every volume of the instance has one that can be used.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, FoundBackup, Mechanism};
use serde_json::Value;

use super::cnpg::{BACKUP, CLUSTER, facts, method};
use super::found::{Finds, Say, at_work};
use super::objects::{Objects, Reads};
use super::value::{Object, newest};
use super::volume_snapshot::{SNAPSHOT, deletion_note};

pub(super) const READS: &[Reads] = &[CLUSTER, BACKUP, SNAPSHOT];

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let snapshots = objects
        .of(&BACKUP)
        .iter()
        .filter(|backup| method(backup) == "volumeSnapshot");
    Finds {
        backups: snapshots.map(|backup| judge(backup, objects, now)).collect(),
        findings: Vec::new(),
    }
}

fn judge(backup: &Value, objects: &Objects, now: Timestamp) -> FoundBackup {
    let mut made = facts(backup);
    made.mechanism = Mechanism::CloudNativePgSnapshot;
    match backup.text("status/phase").unwrap_or_default() {
        "completed" => {}
        phase @ ("failed" | "invalid backup definition") => {
            let why = backup.text("status/error").unwrap_or("no reason is given");
            return made.stands(BackupState::Failed, format!("{phase}: {why}"));
        }
        "walArchivingFailing" => {
            return made.stands(BackupState::Stuck, "it waits because WAL archiving fails");
        }
        phase => {
            let since = backup.time("status/startedAt").or(backup.created());
            return at_work(
                made,
                since,
                now,
                if phase.is_empty() { "nothing yet" } else { phase },
            );
        }
    }
    let elements = backup.list("status/snapshotBackupStatus/elements");
    if elements.is_empty() {
        return made.stands(
            BackupState::Failed,
            "its phase is completed, but it names no snapshot",
        );
    }
    if let Some(why) = lacking(backup, elements, objects) {
        return made.stands(BackupState::Failed, why);
    }
    if !objects.knows(&SNAPSHOT) {
        return made.stands(
            BackupState::Unknown,
            "its phase is completed; its snapshots may not be read",
        );
    }
    let mut ends = vec![backup.time("status/stoppedAt")];
    for element in elements {
        let name = element.text("name").unwrap_or_default();
        let found = objects
            .of(&SNAPSHOT)
            .iter()
            .find(|snapshot| snapshot.is(backup.namespace(), name));
        let Some(snapshot) = found else {
            return made.stands(BackupState::Failed, format!("its snapshot {name} is gone"));
        };
        if let Some(error) = snapshot.text("status/error/message") {
            return made.stands(
                BackupState::Failed,
                format!("its snapshot {name} failed: {error}"),
            );
        }
        if !snapshot.is_on("status/readyToUse") {
            return made.stands(
                BackupState::Unknown,
                format!("its snapshot {name} cannot be used yet"),
            );
        }
        for key in ["cnpg.io/snapshotEndTime", "cnpg.io/backupEndTime"] {
            ends.push(snapshot.annotation(key).and_then(|text| text.parse().ok()));
        }
        if let Some(note) = deletion_note(snapshot, objects)
            && !made.notes.contains(&note)
        {
            made = made.noted(note);
        }
    }
    if backup.at("status/online") != &Value::Bool(false) {
        made = made.noted(
            "taken from a running instance: it can be restored only with the WAL archived at the time",
        );
    }
    made.good(
        newest(ends),
        BackupGrade::D,
        "every volume of the instance has a snapshot that can be used",
    )
}

/// A volume of the instance that no snapshot is of.
fn lacking(backup: &Value, elements: &[Value], objects: &Objects) -> Option<String> {
    let has = |kind: &str| elements.iter().any(|element| element.text("type") == Some(kind));
    let cluster = objects.of(&CLUSTER).iter().find(|cluster| {
        Some(cluster.name()) == backup.text("spec/cluster/name") && cluster.namespace() == backup.namespace()
    });
    let wants_wal = cluster.is_some_and(|cluster| cluster.at("spec/walStorage").is_object());
    let tablespaces = cluster.map_or(0, |cluster| cluster.list("spec/tablespaces").len());
    let taken = elements
        .iter()
        .filter(|element| element.text("type") == Some("PG_TABLESPACE"))
        .count();
    if !has("PG_DATA") {
        Some("no snapshot of the data volume is among its elements".into())
    } else if wants_wal && !has("PG_WAL") {
        Some(
            "the cluster keeps its WAL on a volume of its own, and no snapshot of that is among its elements"
                .into(),
        )
    } else if taken < tablespaces {
        Some(format!(
            "only {taken} of the cluster's {tablespaces} tablespaces have a snapshot"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Unknown};
    use serde_json::json;

    fn backup(elements: Value) -> Value {
        json!({"metadata": {"name": "b", "namespace": "shop"}, "spec": {"cluster": {"name": "orders"}, "method": "volumeSnapshot"},
               "status": {"phase": "completed", "stoppedAt": "2026-11-20T03:04:05Z", "online": true,
                          "snapshotBackupStatus": {"elements": elements}}})
    }

    fn snapshot(name: &str, status: Value) -> Value {
        json!({"metadata": {"name": name, "namespace": "shop", "labels": {"cnpg.io/cluster": "orders"},
                            "annotations": {"cnpg.io/snapshotEndTime": "2026-11-20T03:05:00Z"}}, "status": status})
    }

    fn seen(spec: Value, backups: Vec<Value>, snapshots: Vec<Value>) -> Finds {
        let cluster = json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": spec});
        find(
            &objects(&[
                (&CLUSTER, vec![cluster]),
                (&BACKUP, backups),
                (&SNAPSHOT, snapshots),
            ]),
            now(),
        )
    }

    #[test]
    fn every_volume_needs_a_snapshot_that_can_be_used() {
        let data = json!({"name": "b", "type": "PG_DATA"});
        let wal = json!({"name": "b-wal", "type": "PG_WAL"});
        let (plain, split) = (json!({}), json!({"walStorage": {"size": "1Gi"}}));
        let ready = || json!({"readyToUse": true});
        for (spec, elements, snapshots, state) in [
            (&plain, json!([data]), vec![snapshot("b", ready())], Good),
            (
                &split,
                json!([data, wal]),
                vec![snapshot("b", ready()), snapshot("b-wal", ready())],
                Good,
            ),
            (&split, json!([data]), vec![snapshot("b", ready())], Failed),
            (&plain, json!([]), vec![snapshot("b", ready())], Failed),
            (&plain, json!([data]), vec![], Failed),
            (
                &plain,
                json!([data]),
                vec![snapshot("b", json!({"readyToUse": false}))],
                Unknown,
            ),
            (
                &plain,
                json!([data]),
                vec![snapshot(
                    "b",
                    json!({"readyToUse": true, "error": {"message": "disk"}}),
                )],
                Failed,
            ),
        ] {
            let finds = seen(spec.clone(), vec![backup(elements.clone())], snapshots);
            assert_eq!(
                finds.backups[0].state, state,
                "{elements}: {}",
                finds.backups[0].why
            );
        }
    }

    #[test]
    fn the_end_of_the_snapshot_is_its_time() {
        let finds = seen(
            json!({}),
            vec![backup(json!([{"name": "b", "type": "PG_DATA"}]))],
            vec![snapshot("b", json!({"readyToUse": true}))],
        );
        assert_eq!(states(&finds), [("Backup/b", Good, Some("2026-11-20T03:05:00Z"))]);
        assert!(
            finds.backups[0]
                .notes
                .iter()
                .any(|note| note.contains("WAL archived"))
        );
    }

    #[test]
    fn one_that_is_being_taken_is_none_yet() {
        let mut running = backup(json!([]));
        running["status"] = json!({"phase": "finalizing", "startedAt": "2026-11-20T11:50:00Z"});
        assert_eq!(seen(json!({}), vec![running], vec![]).backups[0].state, Running);
    }

    #[test]
    fn snapshots_that_may_not_be_read_leave_it_unknown() {
        let mut hidden = objects(&[(&BACKUP, vec![backup(json!([{"name": "b", "type": "PG_DATA"}]))])]);
        hidden.insert(&SNAPSHOT, model::Seen::Unreadable("permission missing".into()));
        assert_eq!(find(&hidden, now()).backups[0].state, Unknown);
    }
}
