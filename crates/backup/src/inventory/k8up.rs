//! k8up. `Completed=True` and the older `finished: true` are said of failed backups as well: the reason tells.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FindingLevel, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::value::Object;

const GROUP: &str = "k8up.io";
const BACKUP: Reads = beside(GROUP, "Backup", &["v1"]);
const SNAPSHOT: Reads = beside(GROUP, "Snapshot", &["v1"]);
pub(super) const READS: &[Reads] = &[BACKUP, SNAPSHOT];

const MECHANISM: Mechanism = Mechanism::K8up;

/// Where k8up mounts the claims that it backs up.
const CLAIMS_BELOW: &str = "/data/";

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let mut finds = Finds::default();
    finds
        .backups
        .extend(objects.of(&BACKUP).iter().map(|backup| judge(backup, now)));
    finds.backups.extend(objects.of(&SNAPSHOT).iter().map(snapshot));
    let newest = objects.of(&BACKUP).iter().max_by_key(|backup| backup.created());
    if let Some(newest) = newest {
        let judged = judge(newest, now);
        if judged.state == BackupState::Failed {
            let id = ("k8up-last-failed", FindingLevel::Warn);
            finds.note(
                MECHANISM,
                ("Backup", newest),
                &judged.of,
                id,
                format!("the newest backup failed: {}", judged.why),
            );
        }
    }
    finds
}

fn judge(backup: &Value, now: Timestamp) -> FoundBackup {
    // It backs up every claim and annotated pod of its namespace; which ones it does not say.
    let of = BackupSubject::Namespaces {
        names: vec![backup.namespace().to_owned()],
        claims: Vec::new(),
        others: true,
    };
    let made = found(MECHANISM, "Backup.k8up.io", backup, of).began(backup.created());
    if backup.has("PreBackupPodReady", "False") {
        let why = backup
            .condition("PreBackupPodReady")
            .and_then(|condition| condition.text("message"));
        let why = why.unwrap_or("no reason is given");
        return made.stands(
            BackupState::Failed,
            format!("the pod that was to dump the database did not come up: {why}"),
        );
    }
    let Some(condition) = backup
        .condition("Completed")
        .filter(|condition| condition.text("status") == Some("True"))
    else {
        return if backup.is_on("status/finished") {
            made.stands(
                BackupState::Unknown,
                "it is finished, which is said of failed ones too",
            )
        } else {
            at_work(made, backup.created(), now, "not completed")
        };
    };
    match condition.text("reason") {
        Some("Succeeded") => made
            .good(
                condition.time("lastTransitionTime"),
                BackupGrade::D,
                "completed with reason Succeeded",
            )
            .noted("releases of k8up have cut dumps of more than 100 MB short without an error: restore one"),
        reason => {
            let why = condition.text("message").unwrap_or_default();
            made.stands(
                BackupState::Failed,
                format!("completed with reason {}: {why}", reason.unwrap_or("none")),
            )
        }
    }
}

/// An entry of restic's own list.
fn snapshot(snapshot: &Value) -> FoundBackup {
    let paths = snapshot.list("spec/paths").iter().filter_map(Value::as_str);
    let claims: Vec<String> = paths
        .filter_map(|path| path.strip_prefix(CLAIMS_BELOW))
        .map(|path| path.split('/').next().unwrap_or(path).to_owned())
        .collect();
    let of = if claims.is_empty() {
        BackupSubject::Namespaces {
            names: vec![snapshot.namespace().to_owned()],
            claims,
            others: true,
        }
    } else {
        BackupSubject::Claims { names: claims }
    };
    let mut made = found(MECHANISM, "Snapshot.k8up.io", snapshot, of);
    made.uri = snapshot.owned("spec/repository");
    made.good(
        snapshot.time("spec/date"),
        BackupGrade::C,
        "restic lists it in its repository",
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Stuck, Unknown};
    use serde_json::json;

    fn backup(created: &str, status: Value) -> Value {
        json!({"metadata": {"name": "b", "namespace": "shop", "creationTimestamp": created}, "status": status})
    }

    fn completed(reason: &str) -> Value {
        json!({"finished": true, "conditions": [{"type": "Completed", "status": "True", "reason": reason, "lastTransitionTime": "2026-11-20T01:05:00Z"}]})
    }

    #[test]
    fn the_reason_tells_success_and_not_the_condition() {
        let (old, new) = ("2026-11-18T01:00:00Z", "2026-11-20T11:00:00Z");
        for (created, status, state, finished) in [
            (old, completed("Succeeded"), Good, Some("2026-11-20T01:05:00Z")),
            (old, completed("Failed"), Failed, None),
            (old, json!({"finished": true}), Unknown, None),
            (
                new,
                json!({"conditions": [{"type": "Ready", "status": "True"}]}),
                Running,
                None,
            ),
            (old, json!({}), Stuck, None),
            (
                old,
                json!({"conditions": [{"type": "PreBackupPodReady", "status": "False", "message": "image"},
                {"type": "Completed", "status": "True", "reason": "Succeeded", "lastTransitionTime": "2026-11-20T01:05:00Z"}]}),
                Failed,
                None,
            ),
        ] {
            let finds = find(
                &objects(&[(&BACKUP, vec![backup(created, status.clone())])]),
                now(),
            );
            assert_eq!(
                states(&finds),
                [("Backup.k8up.io/b", state, finished)],
                "{status}"
            );
            assert_eq!(findings(&finds).len(), usize::from(state == Failed));
        }
    }

    #[test]
    fn an_entry_of_the_repository_names_its_claim() {
        let snapshot = json!({"metadata": {"name": "1a2b", "namespace": "shop"},
            "spec": {"id": "1a2b3c", "date": "2026-11-20T01:04:00Z", "paths": ["/data/data-db-0"], "repository": "s3:http://x/y"}});
        let finds = find(&objects(&[(&SNAPSHOT, vec![snapshot])]), now());
        assert_eq!(
            finds.backups[0].of,
            BackupSubject::Claims {
                names: vec!["data-db-0".into()]
            }
        );
        assert_eq!(finds.backups[0].grade, Some(BackupGrade::C));
    }
}
