//! Volume snapshots that nobody else claims.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, found};
use super::objects::{Objects, Reads, beside};
use super::quantity::bytes;
use super::value::Object;

const GROUP: &str = "snapshot.storage.k8s.io";
pub(super) const SNAPSHOT: Reads = beside(GROUP, "VolumeSnapshot", &["v1"]);
pub(super) const CONTENT: Reads = beside(GROUP, "VolumeSnapshotContent", &["v1"])
    .elsewhere()
    .useful();
pub(super) const READS: &[Reads] = &[SNAPSHOT, CONTENT];

/// A snapshot that cannot be used after so long will not be: drivers are done within minutes.
const UNREADY_SECONDS: i64 = 60 * 60;

/// Labels of those who take snapshots as a part of something larger, which is judged as a whole.
const CLAIMED: [&str; 3] = [
    "cnpg.io/cluster",
    "velero.io/backup-name",
    "dataprotection.kubeblocks.io/backup-name",
];

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let snapshots = objects.of(&SNAPSHOT).iter();
    let own = snapshots.filter(|snapshot| CLAIMED.iter().all(|label| snapshot.label(label).is_none()));
    Finds {
        backups: own.map(|snapshot| judge(snapshot, objects, now)).collect(),
        findings: Vec::new(),
    }
}

fn judge(snapshot: &Value, objects: &Objects, now: Timestamp) -> FoundBackup {
    let of = match snapshot.text("spec/source/persistentVolumeClaimName") {
        Some(claim) => BackupSubject::Claims {
            names: vec![claim.to_owned()],
        },
        None => BackupSubject::Unknown,
    };
    let mut made = found(Mechanism::VolumeSnapshot, "VolumeSnapshot", snapshot, of).began(snapshot.created());
    made.bytes = snapshot.text("status/restoreSize").and_then(bytes);
    made.notes.extend(deletion_note(snapshot, objects));
    if let Some(error) = snapshot.text("status/error/message") {
        return made.stands(BackupState::Failed, error);
    }
    if snapshot.is_on("status/readyToUse") {
        return made
            .good(
                snapshot.time("status/creationTime"),
                BackupGrade::D,
                "the driver says that it can be used; it is as consistent as after a crash, if the server's files are all on this volume",
            );
    }
    let created = snapshot.created();
    if created.is_some_and(|created| now.as_second() - created.as_second() > UNREADY_SECONDS) {
        made.stands(
            BackupState::Stuck,
            "it cannot be used an hour after it was asked for: the driver may be away",
        )
    } else {
        made.stands(BackupState::Running, "the driver has not finished it")
    }
}

/// What happens to the data when the object goes: with the policy `Delete` it goes too, with the namespace for one.
pub(super) fn deletion_note(snapshot: &Value, objects: &Objects) -> Option<String> {
    let name = snapshot.text("status/boundVolumeSnapshotContentName")?;
    let content = objects
        .of(&CONTENT)
        .iter()
        .find(|content| content.name() == name)?;
    (content.text("spec/deletionPolicy") == Some("Delete")).then(|| {
        "its deletion policy is Delete: the data goes with the object, also when the namespace is deleted"
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Stuck, Unknown};
    use serde_json::json;

    fn snapshot(created: &str, status: Value) -> Value {
        json!({"metadata": {"name": "s", "namespace": "shop", "creationTimestamp": created},
               "spec": {"source": {"persistentVolumeClaimName": "data-db-0"}}, "status": status})
    }

    #[test]
    fn only_a_ready_one_without_an_error_is_good() {
        let (old, new) = ("2026-11-20T03:00:00Z", "2026-11-20T11:59:00Z");
        let time = "2026-11-20T03:00:02Z";
        for (created, status, state, finished) in [
            (
                old,
                json!({"readyToUse": true, "creationTime": time}),
                Good,
                Some(time),
            ),
            (old, json!({"readyToUse": true}), Unknown, None),
            // The time is set as soon as the cut is made, long before the snapshot can be used.
            (
                new,
                json!({"readyToUse": false, "creationTime": time}),
                Running,
                None,
            ),
            (
                old,
                json!({"readyToUse": false, "creationTime": time}),
                Stuck,
                None,
            ),
            (
                old,
                json!({"readyToUse": true, "creationTime": time, "error": {"message": "gone"}}),
                Failed,
                None,
            ),
            (new, json!(null), Running, None),
        ] {
            let finds = find(
                &objects(&[(&SNAPSHOT, vec![snapshot(created, status.clone())])]),
                now(),
            );
            assert_eq!(
                states(&finds),
                [("VolumeSnapshot/s", state, finished)],
                "{status}"
            );
        }
    }

    #[test]
    fn data_that_goes_with_the_object_is_told() {
        let status = json!({"readyToUse": true, "creationTime": "2026-11-20T03:00:02Z", "restoreSize": "1Gi", "boundVolumeSnapshotContentName": "c"});
        let content = |policy: &str| json!({"metadata": {"name": "c"}, "spec": {"deletionPolicy": policy}});
        let notes = |policy: &str| {
            let all = [
                (&SNAPSHOT, vec![snapshot("2026-11-20T03:00:00Z", status.clone())]),
                (&CONTENT, vec![content(policy)]),
            ];
            find(&objects(&all), now()).backups.remove(0)
        };
        assert!(notes("Delete").notes[0].contains("Delete"));
        assert!(notes("Retain").notes.is_empty());
        assert_eq!(notes("Retain").bytes, Some(1 << 30));
    }

    #[test]
    fn what_somebody_else_judges_as_a_whole_is_left_to_them() {
        let mut theirs = snapshot("2026-11-20T03:00:00Z", json!({"readyToUse": true}));
        theirs["metadata"]["labels"] = json!({"velero.io/backup-name": "nightly"});
        assert!(
            find(&objects(&[(&SNAPSHOT, vec![theirs])]), now())
                .backups
                .is_empty()
        );
    }
}
