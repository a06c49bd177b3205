//! KubeStash: `Snapshot` is what is in the repository, `BackupSession` the attempt. The only mechanism besides ours that
//! writes down a restore test.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::quantity::bytes;
use super::value::Object;

const SESSION: Reads = beside("core.kubestash.com", "BackupSession", &["v1alpha1"]);
// Snapshots live where their Repository does, which may be a namespace of its own.
const SNAPSHOT: Reads = beside("storage.kubestash.com", "Snapshot", &["v1alpha1"]).elsewhere();
pub(super) const READS: &[Reads] = &[SESSION, SNAPSHOT];

const MECHANISM: Mechanism = Mechanism::KubeStash;

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let sessions = objects
        .of(&SESSION)
        .iter()
        .filter_map(|session| attempt(session, now));
    let snapshots = objects.of(&SNAPSHOT).iter().map(|snapshot| judge(snapshot, now));
    Finds {
        backups: sessions.chain(snapshots).collect(),
        findings: Vec::new(),
    }
}

/// An attempt that left no snapshot; one that succeeded is told by its snapshots.
fn attempt(session: &Value, now: Timestamp) -> Option<FoundBackup> {
    let made = found(MECHANISM, "BackupSession", session, BackupSubject::Unknown).began(session.created());
    Some(match session.text("status/phase").unwrap_or("Pending") {
        "Succeeded" => return None,
        "Failed" => made.stands(BackupState::Failed, "its phase is Failed"),
        "Skipped" => made.stands(BackupState::Unknown, "it was skipped: nothing was made"),
        phase => at_work(made, session.created(), now, phase),
    })
}

fn judge(snapshot: &Value, now: Timestamp) -> FoundBackup {
    let name = snapshot.owned("spec/appRef/name").unwrap_or_default();
    let of = match snapshot.text("spec/appRef/kind") {
        Some("Postgres") => BackupSubject::Cluster {
            group: "kubedb.com".into(),
            name,
        },
        Some("PersistentVolumeClaim") => BackupSubject::Claims { names: vec![name] },
        Some("StatefulSet" | "Deployment") => BackupSubject::Workload { name },
        Some(_) | None => BackupSubject::Unknown,
    };
    let mut made = found(MECHANISM, "Snapshot.storage.kubestash.com", snapshot, of).began(snapshot.created());
    if let Some(namespace) = snapshot.text("spec/appRef/namespace") {
        namespace.clone_into(&mut made.namespace);
    }
    made.bytes = snapshot.text("status/size").and_then(bytes);
    match snapshot.text("status/phase").unwrap_or("Pending") {
        "Succeeded" => {}
        "Failed" => return made.stands(BackupState::Failed, "its phase is Failed"),
        phase => return at_work(made, snapshot.created(), now, phase),
    }
    let empty = serde_json::Map::new();
    let components = snapshot.at("status/components").as_object().unwrap_or(&empty);
    let unfinished = components
        .iter()
        .find(|(_, component)| component.text("phase") != Some("Succeeded"));
    if let Some((name, component)) = unfinished {
        let phase = component.text("phase").unwrap_or("nothing");
        return made.stands(
            BackupState::Failed,
            format!("Succeeded, but its component {name} says {phase}"),
        );
    }
    if snapshot.at("status/integrity") == &Value::Bool(false) {
        return made.stands(
            BackupState::Failed,
            "Succeeded, but a check of its integrity failed",
        );
    }
    let (grade, why) = match snapshot.text("status/verificationStatus") {
        Some("Failed") => return made.stands(BackupState::Failed, "a restore test of it failed"),
        Some("Verified") => (BackupGrade::A, "restored by a BackupVerifier"),
        Some(_) | None if snapshot.is_on("status/integrity") => (BackupGrade::B, "its integrity was checked"),
        Some(_) | None => (BackupGrade::C, "in its repository's list"),
    };
    made.good(snapshot.time("status/snapshotTime"), grade, why)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Unknown};
    use serde_json::json;

    fn snapshot(status: Value) -> Value {
        json!({"metadata": {"name": "s", "namespace": "stash", "creationTimestamp": "2026-11-20T11:00:00Z"},
               "spec": {"appRef": {"kind": "Postgres", "name": "orders", "namespace": "shop"}}, "status": status})
    }

    #[test]
    fn a_restore_test_a_check_and_a_mere_entry_are_worth_different_grades() {
        let status = |extra: Value| {
            let mut status = json!({"phase": "Succeeded", "snapshotTime": "2026-11-20T11:00:00Z", "size": "12.5 MiB",
                                    "components": {"dump": {"phase": "Succeeded"}}});
            for (key, value) in extra.as_object().unwrap() {
                status[key] = value.clone();
            }
            status
        };
        for (status, state, grade) in [
            (
                status(json!({"verificationStatus": "Verified", "integrity": true})),
                Good,
                Some(BackupGrade::A),
            ),
            (
                status(json!({"verificationStatus": "NotVerified", "integrity": true})),
                Good,
                Some(BackupGrade::B),
            ),
            (status(json!({})), Good, Some(BackupGrade::C)),
            (status(json!({"integrity": false})), Failed, None),
            (
                status(json!({"verificationStatus": "Failed", "integrity": true})),
                Failed,
                None,
            ),
            (
                status(json!({"components": {"dump": {"phase": "Failed"}}})),
                Failed,
                None,
            ),
            (status(json!({"snapshotTime": null})), Unknown, None),
            (json!({"phase": "Running"}), Running, None),
            (json!({"phase": "Failed"}), Failed, None),
        ] {
            let finds = find(&objects(&[(&SNAPSHOT, vec![snapshot(status.clone())])]), now());
            assert_eq!(
                (finds.backups[0].state, finds.backups[0].grade),
                (state, grade),
                "{status}"
            );
            assert_eq!(
                finds.backups[0].namespace, "shop",
                "it counts where its database is"
            );
        }
    }

    #[test]
    fn an_attempt_counts_where_it_left_nothing() {
        let session = |phase: &str| json!({"metadata": {"name": "a", "namespace": "shop", "creationTimestamp": "2026-11-20T11:00:00Z"}, "status": {"phase": phase}});
        for (phase, expected) in [
            ("Failed", Some(Failed)),
            ("Skipped", Some(Unknown)),
            ("Running", Some(Running)),
            ("Succeeded", None),
        ] {
            let finds = find(&objects(&[(&SESSION, vec![session(phase)])]), now());
            assert_eq!(
                states(&finds).first().map(|(_, state, _)| *state),
                expected,
                "{phase}"
            );
        }
    }
}
