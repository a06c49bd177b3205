//! Velero. A completion time is set on failure too; a snapshot is taken even when the hook before it failed; and a
//! backup of a namespace need not hold the volume of its database.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FindingLevel, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::schedule::{Fields, Schedule};
use super::value::{Object, newest};
use super::volume_snapshot::SNAPSHOT;

const GROUP: &str = "velero.io";
const BACKUP: Reads = beside(GROUP, "Backup", &["v1"]).elsewhere();
const SCHEDULE: Reads = beside(GROUP, "Schedule", &["v1"]).elsewhere().useful();
const LOCATION: Reads = beside(GROUP, "BackupStorageLocation", &["v1"])
    .elsewhere()
    .useful();
const POD_VOLUME: Reads = beside(GROUP, "PodVolumeBackup", &["v1"]).elsewhere().useful();
const UPLOAD: Reads = beside(GROUP, "DataUpload", &["v2alpha1"]).elsewhere().useful();
pub(super) const READS: &[Reads] = &[BACKUP, SCHEDULE, LOCATION, POD_VOLUME, UPLOAD, SNAPSHOT];

const MECHANISM: Mechanism = Mechanism::Velero;

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let mut finds = Finds::default();
    for backup in objects.of(&BACKUP) {
        finds.backups.push(judge(backup, objects, now));
    }
    for location in objects.of(&LOCATION) {
        if location.text("status/phase") == Some("Unavailable") {
            let id = ("velero-location-away", FindingLevel::Warn);
            let why = location.text("status/message").unwrap_or("no reason is given");
            let message = format!("the storage location is not available: {why}");
            finds.note(
                MECHANISM,
                ("BackupStorageLocation", location),
                &BackupSubject::Unknown,
                id,
                message,
            );
        }
    }
    for schedule in objects.of(&SCHEDULE) {
        judge_schedule(&mut finds, schedule, objects, now);
    }
    finds
}

fn judge(backup: &Value, objects: &Objects, now: Timestamp) -> FoundBackup {
    let of = subject(backup, objects);
    let made = found(MECHANISM, "Backup.velero.io", backup, of).began(backup.time("status/startTimestamp"));
    let phase = backup.text("status/phase").unwrap_or("New");
    match phase {
        "Completed" => completed(backup, made, objects, now),
        "PartiallyFailed"
        | "Failed"
        | "FailedValidation"
        | "FinalizingPartiallyFailed"
        | "WaitingForPluginOperationsPartiallyFailed" => {
            let errors = backup.number("status/errors").unwrap_or(0);
            let why = backup.text("status/failureReason").unwrap_or("see its log");
            made.stands(
                BackupState::Failed,
                format!("{phase} with {errors} errors: {why}"),
            )
        }
        "Deleting" => made.stands(BackupState::Unknown, "it is being deleted"),
        "New" | "Queued" | "ReadyToStart" | "InProgress" | "WaitingForPluginOperations" | "Finalizing" => {
            let since = backup.time("status/startTimestamp").or(backup.created());
            at_work(made, since, now, phase)
        }
        other => made.stands(
            BackupState::Unknown,
            format!("its phase {other:?} is not known here"),
        ),
    }
}

/// Completed is not enough.
fn completed(backup: &Value, made: FoundBackup, objects: &Objects, now: Timestamp) -> FoundBackup {
    let count = |path: &str| backup.number(path).unwrap_or(0);
    let hooks = count("status/hookStatus/hooksFailed");
    if hooks > 0 {
        return made.stands(
            BackupState::Failed,
            format!("Completed, but {hooks} of its hooks failed: the database was not prepared for it"),
        );
    }
    for kind in ["csiVolumeSnapshots", "volumeSnapshots"] {
        let (tried, done) = (
            count(&format!("status/{kind}Attempted")),
            count(&format!("status/{kind}Completed")),
        );
        if done < tried {
            return made.stands(
                BackupState::Failed,
                format!("Completed, but only {done} of {tried} volume snapshots are"),
            );
        }
    }
    let operations = count("status/backupItemOperationsFailed");
    if operations > 0 {
        return made.stands(
            BackupState::Failed,
            format!("Completed, but {operations} of its uploads failed"),
        );
    }
    if backup
        .time("status/expiration")
        .is_some_and(|expires| expires < now)
    {
        return made.stands(
            BackupState::Unknown,
            "it has expired and may be deleted at any moment",
        );
    }
    let place = backup.text("spec/storageLocation").unwrap_or("default");
    let location = objects
        .of(&LOCATION)
        .iter()
        .find(|location| location.is(backup.namespace(), place));
    if location.is_some_and(|location| location.text("status/phase") == Some("Unavailable")) {
        return made.stands(
            BackupState::Unknown,
            format!("its storage location {place} is not available"),
        );
    }
    let why = "Completed without a failed hook, snapshot or upload";
    made.good(backup.time("status/completionTimestamp"), BackupGrade::D, why)
        .noted("a server's files copied while it runs are of use only if they are of one moment")
}

/// The namespaces it is of, and the claims whose data is surely in it.
fn subject(backup: &Value, objects: &Objects) -> BackupSubject {
    let names = |field: &str| -> Vec<String> {
        backup
            .list(field)
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let excluded = names("spec/excludedNamespaces");
    let mut included = names("spec/includedNamespaces");
    if included.is_empty() {
        included.push("*".into());
    }
    included.retain(|name| !excluded.contains(name));
    let own = |reads: &Reads| -> Vec<Value> {
        let of_it = |object: &&Value| object.label("velero.io/backup-name") == Some(backup.name());
        objects.of(reads).iter().filter(of_it).cloned().collect()
    };
    let completed = |object: &Value| object.text("status/phase") == Some("Completed");
    let copied = own(&POD_VOLUME)
        .into_iter()
        .filter(completed)
        .filter_map(|volume| {
            Some(format!(
                "{}/{}",
                volume.text("spec/pod/namespace")?,
                volume.annotation("velero.io/pvc-name")?
            ))
        });
    let uploaded = own(&UPLOAD).into_iter().filter(completed).filter_map(|upload| {
        Some(format!(
            "{}/{}",
            upload.text("spec/sourceNamespace")?,
            upload.text("spec/sourcePVC")?
        ))
    });
    let snapped = own(&SNAPSHOT)
        .into_iter()
        .filter(|snapshot| snapshot.is_on("status/readyToUse"));
    let snapped = snapped.filter_map(|snapshot| {
        let claim = snapshot.text("spec/source/persistentVolumeClaimName")?;
        Some(format!("{}/{claim}", snapshot.namespace()))
    });
    let mut claims: Vec<String> = copied.chain(uploaded).chain(snapped).collect();
    claims.sort();
    claims.dedup();
    let taken = ["csiVolumeSnapshotsCompleted", "volumeSnapshotsCompleted"]
        .iter()
        .map(|field| backup.number(&format!("status/{field}")).unwrap_or(0))
        .sum::<i64>();
    let hidden = [POD_VOLUME, UPLOAD].iter().any(|reads| !objects.knows(reads));
    BackupSubject::Namespaces {
        names: included,
        others: hidden || usize::try_from(taken).is_ok_and(|taken| taken > claims.len()),
        claims,
    }
}

/// `lastBackup` is when one was started.
fn judge_schedule(finds: &mut Finds, schedule: &Value, objects: &Objects, now: Timestamp) {
    let of = BackupSubject::Unknown;
    let at = ("Schedule", schedule);
    let mut note = |id, words: String| finds.note(MECHANISM, at, &of, (id, FindingLevel::Warn), words);
    if schedule.is_on("spec/paused") {
        note("schedule-suspended", "it is paused: no backup is made".into());
        return;
    }
    let last = schedule.time("status/lastBackup");
    match Schedule::parse(
        schedule.text("spec/schedule").unwrap_or_default(),
        Fields::Five,
        None,
    ) {
        Ok(parsed) => {
            let since = newest([last, schedule.created()]);
            if let Some(due) = since.and_then(|since| parsed.missed(since, now)) {
                note(
                    "schedule-overdue",
                    format!("it should have run at {due} and has not"),
                );
            }
        }
        Err(error) => note("schedule-unreadable", error.to_string()),
    }
    let own = objects.of(&BACKUP).iter().filter(|backup| {
        backup.namespace() == schedule.namespace()
            && backup.label("velero.io/schedule-name") == Some(schedule.name())
    });
    let newest = own.max_by_key(|backup| backup.time("status/startTimestamp").or(backup.created()));
    if let Some(newest) = newest {
        let judged = judge(newest, objects, now);
        if judged.state == BackupState::Failed {
            note(
                "scheduled-not-succeeded",
                format!("its newest backup {} is no good: {}", newest.name(), judged.why),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Stuck, Unknown};
    use serde_json::json;

    fn backup(status: Value) -> Value {
        json!({"metadata": {"name": "nightly-1", "namespace": "velero", "labels": {"velero.io/schedule-name": "nightly"}},
               "spec": {"includedNamespaces": ["shop"], "storageLocation": "default"}, "status": status})
    }

    fn with(extra: Value) -> Value {
        let mut status = json!({"phase": "Completed", "startTimestamp": "2026-11-20T01:00:00Z", "completionTimestamp": "2026-11-20T01:05:00Z"});
        for (key, value) in extra.as_object().unwrap() {
            status[key] = value.clone();
        }
        status
    }

    #[test]
    fn completed_is_believed_only_with_everything_that_belongs_to_it() {
        let time = Some("2026-11-20T01:05:00Z");
        for (status, state, finished) in [
            (with(json!({})), Good, time),
            (
                with(json!({"csiVolumeSnapshotsAttempted": 2, "csiVolumeSnapshotsCompleted": 2})),
                Good,
                time,
            ),
            (
                with(json!({"phase": "PartiallyFailed", "errors": 1})),
                Failed,
                None,
            ),
            (with(json!({"phase": "Failed"})), Failed, None),
            (with(json!({"phase": "FailedValidation"})), Failed, None),
            (
                with(json!({"hookStatus": {"hooksAttempted": 2, "hooksFailed": 1}})),
                Failed,
                None,
            ),
            (
                with(json!({"csiVolumeSnapshotsAttempted": 2, "csiVolumeSnapshotsCompleted": 1})),
                Failed,
                None,
            ),
            (with(json!({"backupItemOperationsFailed": 1})), Failed, None),
            (with(json!({"expiration": "2026-11-20T02:00:00Z"})), Unknown, None),
            (
                json!({"phase": "InProgress", "startTimestamp": "2026-11-20T11:59:00Z"}),
                Running,
                None,
            ),
            (
                json!({"phase": "WaitingForPluginOperations", "startTimestamp": "2026-11-18T11:59:00Z"}),
                Stuck,
                None,
            ),
            (json!({"phase": "Deleting"}), Unknown, None),
        ] {
            let finds = find(&objects(&[(&BACKUP, vec![backup(status.clone())])]), now());
            assert_eq!(
                states(&finds),
                [("Backup.velero.io/nightly-1", state, finished)],
                "{status}"
            );
        }
    }

    #[test]
    fn a_location_that_is_away_takes_its_backups_with_it() {
        let away = json!({"metadata": {"name": "default", "namespace": "velero"}, "status": {"phase": "Unavailable", "message": "no such bucket"}});
        let finds = find(
            &objects(&[(&BACKUP, vec![backup(with(json!({})))]), (&LOCATION, vec![away])]),
            now(),
        );
        assert_eq!(states(&finds)[0].1, Unknown);
        assert_eq!(findings(&finds), ["velero-location-away"]);
    }

    #[test]
    fn the_claims_whose_data_is_inside_are_known_by_name() {
        let label = json!({"velero.io/backup-name": "nightly-1"});
        let volume = json!({"metadata": {"name": "v", "namespace": "velero", "labels": label, "annotations": {"velero.io/pvc-name": "data-db-0"}},
                            "spec": {"pod": {"namespace": "shop", "name": "db-0"}, "volume": "data"}, "status": {"phase": "Completed"}});
        let failed = json!({"metadata": {"name": "w", "namespace": "velero", "labels": label},
                            "spec": {"sourceNamespace": "shop", "sourcePVC": "other"}, "status": {"phase": "Failed"}});
        let all = [
            (&BACKUP, vec![backup(with(json!({})))]),
            (&POD_VOLUME, vec![volume]),
            (&UPLOAD, vec![failed]),
        ];
        let finds = find(&objects(&all), now());
        let expected = BackupSubject::Namespaces {
            names: vec!["shop".into()],
            claims: vec!["shop/data-db-0".into()],
            others: false,
        };
        assert_eq!(finds.backups[0].of, expected);
        // Snapshots of volumes that no object names any more: they may be the database's.
        let counted = with(json!({"csiVolumeSnapshotsAttempted": 1, "csiVolumeSnapshotsCompleted": 1}));
        let finds = find(
            &objects(&[
                (&BACKUP, vec![backup(counted)]),
                (&POD_VOLUME, vec![]),
                (&UPLOAD, vec![]),
            ]),
            now(),
        );
        assert!(matches!(
            &finds.backups[0].of,
            BackupSubject::Namespaces { others: true, .. }
        ));
    }

    #[test]
    fn a_schedule_whose_newest_backup_failed_is_told() {
        let schedule = |last: &str| json!({"metadata": {"name": "nightly", "namespace": "velero"}, "spec": {"schedule": "0 1 * * *"}, "status": {"lastBackup": last}});
        let failed = backup(with(json!({"phase": "PartiallyFailed"})));
        let all = [
            (&BACKUP, vec![failed]),
            (&SCHEDULE, vec![schedule("2026-11-20T01:00:00Z")]),
        ];
        assert_eq!(
            findings(&find(&objects(&all), now())),
            ["scheduled-not-succeeded"]
        );
        let all = [
            (&BACKUP, vec![backup(with(json!({})))]),
            (&SCHEDULE, vec![schedule("2026-11-18T01:00:00Z")]),
        ];
        assert_eq!(findings(&find(&objects(&all), now())), ["schedule-overdue"]);
    }
}
