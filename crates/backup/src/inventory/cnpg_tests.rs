//! CloudNativePG as its status was recorded: good, failed, stuck, plug-in, hibernated, without any backup.

use serde_json::{Value, json};

use super::super::fixture::{findings, now, objects, states};
use super::*;
use BackupState::{Failed, Good, Running, Stuck, Unknown};

fn backup(name: &str, status: Value) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "creationTimestamp": "2026-11-20T03:00:00Z"},
           "spec": {"cluster": {"name": "orders"}, "method": "barmanObjectStore"}, "status": status})
}

fn cluster(spec: Value, status: Value) -> Value {
    json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": spec, "status": status})
}

fn configured(status: Value) -> Value {
    cluster(
        json!({"backup": {"barmanObjectStore": {"destinationPath": "s3://x/"}}}),
        status,
    )
}

fn seen(clusters: Vec<Value>, backups: Vec<Value>, schedules: Vec<Value>) -> Finds {
    find(
        &objects(&[(&CLUSTER, clusters), (&BACKUP, backups), (&SCHEDULED, schedules)]),
        now(),
    )
}

fn good() -> Value {
    json!({"phase": "completed", "method": "barmanObjectStore", "startedAt": "2026-11-20T03:00:01Z",
           "stoppedAt": "2026-11-20T03:04:05Z", "beginWal": "000000020000000000000007",
           "endWal": "000000020000000000000008", "endLSN": "0/8000110", "majorVersion": 17,
           "destinationPath": "s3://backups/orders"})
}

#[test]
fn every_phase_is_told_apart() {
    for (status, state, finished) in [
        (good(), Good, Some("2026-11-20T03:04:05Z")),
        // The phase alone is no time.
        (json!({"phase": "completed"}), Unknown, None),
        // A stop time is set on failure too: it must not make a backup of it.
        (
            json!({"phase": "failed", "error": "no space", "stoppedAt": "2026-11-20T03:04:05Z"}),
            Failed,
            None,
        ),
        (json!({"phase": "walArchivingFailing"}), Stuck, None),
        (json!({"phase": "invalid backup definition"}), Failed, None),
        (
            json!({"phase": "running", "startedAt": "2026-11-20T11:00:00Z"}),
            Running,
            None,
        ),
        (
            json!({"phase": "running", "startedAt": "2026-11-18T03:00:00Z"}),
            Stuck,
            None,
        ),
        (
            json!({"phase": "finalizing", "startedAt": "2026-11-20T11:59:00Z"}),
            Running,
            None,
        ),
        (json!({}), Stuck, None),
        (json!({"phase": "something new"}), Unknown, None),
    ] {
        let finds = seen(vec![], vec![backup("b", status.clone())], vec![]);
        assert_eq!(states(&finds), [("Backup/b", state, finished)], "{status}");
    }
}

#[test]
fn a_good_one_tells_where_it_ends() {
    let finds = seen(vec![], vec![backup("b", good())], vec![]);
    let found = &finds.backups[0];
    assert_eq!(found.end_lsn.as_deref(), Some("0/8000110"));
    assert_eq!((found.timeline, found.server_major), (Some(2), Some(17)));
    assert_eq!(found.grade, Some(BackupGrade::D));
    assert_eq!(found.subject(), "shop: cluster orders");
}

#[test]
fn a_cluster_without_any_backup_says_that_archiving_works_and_is_not_believed() {
    let status = json!({"phase": "Cluster in healthy state",
        "conditions": [{"type": "ContinuousArchiving", "status": "True", "message": "Continuous archiving is working"}]});
    let finds = seen(vec![cluster(json!({"instances": 1}), status)], vec![], vec![]);
    assert_eq!(findings(&finds), ["cnpg-not-configured"]);
    assert!(finds.backups.is_empty());
}

#[test]
fn a_store_that_is_gone_is_seen_through_the_words_that_stay() {
    let status = json!({"lastSuccessfulBackup": "2026-11-19T03:04:05Z", "conditions": [
        {"type": "ContinuousArchiving", "status": "False", "message": "unexpected failure invoking barman-cloud-wal-archive"},
        {"type": "LastBackupSucceeded", "status": "True"}]});
    let hanging = backup(
        "b",
        json!({"phase": "running", "startedAt": "2026-11-20T11:55:00Z"}),
    );
    let finds = seen(vec![configured(status)], vec![hanging], vec![]);
    assert_eq!(
        findings(&finds),
        [
            "cnpg-archiving-fails",
            "cnpg-condition-lies",
            "cnpg-never-completed"
        ]
    );
    // Running for five minutes only, and stuck all the same; the cluster's word about yesterday proves nothing.
    assert_eq!(
        states(&finds),
        [("Backup/b", Stuck, None), ("Cluster/orders", Unknown, None)]
    );
}

#[test]
fn a_hibernated_cluster_says_healthy_and_its_failed_attempt_is_explained() {
    let mut hibernated = configured(json!({"phase": "Cluster in healthy state", "conditions": [
        {"type": "Ready", "status": "True"},
        {"type": "cnpg.io/hibernation", "status": "True", "reason": "Hibernated"},
        {"type": "LastBackupSucceeded", "status": "False"}]}));
    hibernated["metadata"]["annotations"] = json!({"cnpg.io/hibernation": "on"});
    let failed = backup("late", json!({"phase": "failed", "error": "no primary"}));
    let finds = seen(vec![hibernated], vec![backup("early", good()), failed], vec![]);
    assert_eq!(findings(&finds), ["cnpg-hibernated"]);
    let late = finds
        .backups
        .iter()
        .find(|found| found.id == "Backup/late")
        .unwrap();
    assert!(late.notes[0].contains("hibernated"), "{late:?}");
    // The one of before is as good as it was.
    assert_eq!(states(&finds)[0].1, Good);
}

fn schedule(spec: Value, status: Value) -> Value {
    let mut spec = spec;
    spec["cluster"] = json!({"name": "orders"});
    json!({"metadata": {"name": "nightly", "namespace": "shop", "creationTimestamp": "2026-11-01T00:00:00Z"},
           "spec": spec, "status": status})
}

fn of_schedule(name: &str, status: Value) -> Value {
    let mut backup = backup(name, status);
    backup["metadata"]["labels"] = json!({"cnpg.io/scheduled-backup": "nightly"});
    backup
}

#[test]
fn scheduled_is_not_succeeded() {
    let daily = |status| schedule(json!({"schedule": "0 0 3 * * *"}), status);
    let ran = json!({"lastScheduleTime": "2026-11-20T03:00:00Z"});
    let failed = of_schedule("b", json!({"phase": "failed"}));
    assert_eq!(
        findings(&seen(vec![], vec![failed], vec![daily(ran.clone())])),
        ["scheduled-not-succeeded"]
    );
    assert!(
        findings(&seen(
            vec![],
            vec![of_schedule("b", good())],
            vec![daily(ran.clone())]
        ))
        .is_empty()
    );
    let running = of_schedule(
        "b",
        json!({"phase": "running", "startedAt": "2026-11-20T11:55:00Z"}),
    );
    assert!(findings(&seen(vec![], vec![running], vec![daily(ran)])).is_empty());
}

#[test]
fn a_schedule_that_did_not_run_is_told() {
    let stale = json!({"lastScheduleTime": "2026-11-18T03:00:00Z"});
    let overdue = seen(
        vec![],
        vec![of_schedule("b", good())],
        vec![schedule(json!({"schedule": "0 0 3 * * *"}), stale)],
    );
    assert_eq!(findings(&overdue), ["schedule-overdue"]);
    assert!(overdue.findings[0].message.contains("2026-11-19T03:00:00Z"));
    let suspended = schedule(json!({"schedule": "0 0 3 * * *", "suspend": true}), json!({}));
    assert_eq!(
        findings(&seen(vec![], vec![], vec![suspended])),
        ["schedule-suspended"]
    );
    let five = schedule(json!({"schedule": "0 3 * * *"}), json!({}));
    assert_eq!(
        findings(&seen(vec![], vec![], vec![five])),
        ["schedule-unreadable"]
    );
}

#[test]
fn what_may_not_be_read_is_not_called_missing() {
    let mut hidden = objects(&[(
        &CLUSTER,
        vec![configured(
            json!({"lastSuccessfulBackup": "2026-11-19T03:04:05Z"}),
        )],
    )]);
    hidden.insert(&BACKUP, model::Seen::Unreadable("permission missing".into()));
    let finds = find(&hidden, now());
    assert!(findings(&finds).is_empty());
    assert_eq!(states(&finds), [("Cluster/orders", Unknown, None)]);
}
