//! Kanister's `ActionSet` and Kasten K10's `BackupAction`.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::value::Object;

const ACTION_SET: Reads = beside("cr.kanister.io", "ActionSet", &["v1alpha1"]).elsewhere();
const BACKUP_ACTION: Reads = beside("actions.kio.kasten.io", "BackupAction", &["v1alpha1"]).elsewhere();
pub(super) const READS: &[Reads] = &[ACTION_SET, BACKUP_ACTION];

const MECHANISM: Mechanism = Mechanism::Kanister;

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let sets = objects.of(&ACTION_SET).iter().flat_map(|set| {
        let actions = set.list("spec/actions").iter();
        // Other actions restore and delete.
        let backups =
            actions.filter(|action| action.text("name").is_some_and(|name| name.contains("backup")));
        backups.map(move |action| action_set(set, action, now))
    });
    let actions = objects
        .of(&BACKUP_ACTION)
        .iter()
        .map(|action| backup_action(action, now));
    Finds {
        backups: sets.chain(actions).collect(),
        findings: Vec::new(),
    }
}

fn action_set(set: &Value, action: &Value, now: Timestamp) -> FoundBackup {
    let name = action.owned("object/name").unwrap_or_default();
    let of = match action.text("object/kind").map(str::to_ascii_lowercase).as_deref() {
        Some("statefulset" | "deployment") => BackupSubject::Workload { name },
        Some("pvc") => BackupSubject::Claims { names: vec![name] },
        Some("namespace") => BackupSubject::Namespaces {
            names: vec![name],
            claims: Vec::new(),
            others: true,
        },
        Some(_) | None => BackupSubject::Unknown,
    };
    let mut made = found(MECHANISM, "ActionSet", set, of).began(set.created());
    if let Some(namespace) = action.text("object/namespace") {
        namespace.clone_into(&mut made.namespace);
    }
    match set.text("status/state").unwrap_or("pending") {
        "complete" => made
            .good(set.created(), BackupGrade::D, "its state is complete")
            .noted("Kanister keeps no time of the end: the age is counted from the beginning"),
        "failed" => {
            let why = set
                .text("status/error/message")
                .unwrap_or("no reason is given")
                .to_owned();
            made.stands(BackupState::Failed, why)
        }
        state => at_work(made, set.created(), now, state),
    }
}

fn backup_action(action: &Value, now: Timestamp) -> FoundBackup {
    let namespace = action
        .text("spec/subject/namespace")
        .or(action.text("spec/subject/name"));
    let names = vec![namespace.unwrap_or_default().to_owned()];
    let of = BackupSubject::Namespaces {
        names,
        claims: Vec::new(),
        others: true,
    };
    let began = action.time("status/startTime").or(action.created());
    let made = found(MECHANISM, "BackupAction", action, of).began(began);
    match action.text("status/state").unwrap_or("Pending") {
        "Complete" => made.good(
            action.time("status/endTime"),
            BackupGrade::D,
            "its state is Complete",
        ),
        state @ ("Failed" | "Cancelled" | "Skipped") => {
            let why = action
                .text("status/error/message")
                .unwrap_or("no reason is given");
            made.stands(BackupState::Failed, format!("{state}: {why}"))
        }
        state => at_work(made, began, now, state),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Stuck};
    use serde_json::json;

    fn set(name: &str, created: &str, status: Value) -> Value {
        json!({"metadata": {"name": "s", "namespace": "kanister", "creationTimestamp": created},
               "spec": {"actions": [{"name": name, "object": {"kind": "StatefulSet", "name": "db", "namespace": "shop"}}]}, "status": status})
    }

    #[test]
    fn only_a_complete_backup_action_counts_and_from_its_beginning() {
        let (old, new) = ("2026-11-18T11:00:00Z", "2026-11-20T11:00:00Z");
        for (created, status, state, finished) in [
            (new, json!({"state": "complete"}), Good, Some(new)),
            (
                new,
                json!({"state": "failed", "error": {"message": "no room"}}),
                Failed,
                None,
            ),
            (new, json!({"state": "running"}), Running, None),
            (old, json!({"state": "running"}), Stuck, None),
        ] {
            let finds = find(
                &objects(&[(&ACTION_SET, vec![set("backup", created, status.clone())])]),
                now(),
            );
            assert_eq!(states(&finds), [("ActionSet/s", state, finished)], "{status}");
            assert_eq!(finds.backups[0].namespace, "shop");
        }
        let restore = set("restore", new, json!({"state": "complete"}));
        assert!(
            find(&objects(&[(&ACTION_SET, vec![restore])]), now())
                .backups
                .is_empty()
        );
    }

    #[test]
    fn an_action_of_kasten_has_a_time_of_its_end() {
        let action = |status: Value| {
            json!({"metadata": {"name": "a", "namespace": "shop", "creationTimestamp": "2026-11-20T11:00:00Z"},
                                            "spec": {"subject": {"kind": "Application", "name": "shop", "namespace": "shop"}}, "status": status})
        };
        for (status, state, finished) in [
            (
                json!({"state": "Complete", "endTime": "2026-11-20T11:02:00Z"}),
                Good,
                Some("2026-11-20T11:02:00Z"),
            ),
            (
                json!({"state": "Failed", "endTime": "2026-11-20T11:02:00Z"}),
                Failed,
                None,
            ),
        ] {
            let finds = find(&objects(&[(&BACKUP_ACTION, vec![action(status)])]), now());
            assert_eq!(states(&finds), [("BackupAction/a", state, finished)]);
        }
    }
}
