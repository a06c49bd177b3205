//! Stash: `BackupSession`, with what its `BackupConfiguration` says it is of.

use jiff::{SignedDuration, Timestamp};
use model::{BackupGrade, BackupState, BackupSubject, FindingLevel, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::value::Object;

const GROUP: &str = "stash.appscode.com";
const SESSION: Reads = beside(GROUP, "BackupSession", &["v1beta1"]);
const CONFIGURATION: Reads = beside(GROUP, "BackupConfiguration", &["v1beta1"]).useful();
pub(super) const READS: &[Reads] = &[SESSION, CONFIGURATION];

const MECHANISM: Mechanism = Mechanism::Stash;

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let mut finds = Finds::default();
    for session in objects.of(&SESSION) {
        finds.backups.push(judge(session, objects, now));
    }
    for configuration in objects.of(&CONFIGURATION) {
        if configuration.is_on("spec/paused") {
            let id = ("schedule-suspended", FindingLevel::Warn);
            let at = ("BackupConfiguration", configuration);
            finds.note(
                MECHANISM,
                at,
                &target(configuration),
                id,
                "it is paused: no backup is made",
            );
        }
    }
    finds
}

fn target(configuration: &Value) -> BackupSubject {
    let name = configuration.owned("spec/target/ref/name").unwrap_or_default();
    match configuration.text("spec/target/ref/kind") {
        Some("PersistentVolumeClaim") => BackupSubject::Claims { names: vec![name] },
        Some("StatefulSet" | "Deployment" | "DaemonSet") => BackupSubject::Workload { name },
        // An AppBinding of KubeDB is called like the database it binds.
        Some("AppBinding") => BackupSubject::Cluster {
            group: "kubedb.com".into(),
            name,
        },
        Some(_) | None => BackupSubject::Unknown,
    }
}

fn judge(session: &Value, objects: &Objects, now: Timestamp) -> FoundBackup {
    let invoker = session.text("spec/invoker/name").unwrap_or_default();
    let configuration = objects
        .of(&CONFIGURATION)
        .iter()
        .find(|found| found.is(session.namespace(), invoker));
    let of = configuration.map_or(BackupSubject::Unknown, target);
    let made = found(MECHANISM, "BackupSession", session, of).began(session.created());
    match session.text("status/phase").unwrap_or("Pending") {
        "Succeeded" => made
            .good(ended(session), BackupGrade::D, "its phase is Succeeded")
            .noted("releases of Stash have said so although restic failed: look at the repository"),
        "Failed" => made.stands(BackupState::Failed, reason(session)),
        "Skipped" => made.stands(BackupState::Unknown, "it was skipped: nothing was made"),
        phase @ ("Pending" | "Running") => at_work(made, session.created(), now, phase),
        other => made.stands(
            BackupState::Unknown,
            format!("its phase {other:?} is not known here"),
        ),
    }
}

fn reason(session: &Value) -> String {
    let failed = session
        .list("status/conditions")
        .iter()
        .find(|condition| condition.text("status") == Some("False"));
    failed
        .and_then(|condition| condition.owned("message"))
        .unwrap_or_else(|| "no reason is given".into())
}

/// There is no time of its end, only how long it took.
fn ended(session: &Value) -> Option<Timestamp> {
    let took: SignedDuration = session.text("status/sessionDuration")?.parse().ok()?;
    session.created()?.checked_add(took).ok()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Stuck, Unknown};
    use serde_json::json;

    fn session(created: &str, status: Value) -> Value {
        json!({"metadata": {"name": "s", "namespace": "shop", "creationTimestamp": created},
               "spec": {"invoker": {"kind": "BackupConfiguration", "name": "orders"}}, "status": status})
    }

    fn configuration(spec: Value) -> Value {
        json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": spec})
    }

    #[test]
    fn every_phase_is_told_apart() {
        let (old, new) = ("2026-11-18T01:00:00Z", "2026-11-20T11:00:00Z");
        for (created, status, state, finished) in [
            (
                new,
                json!({"phase": "Succeeded", "sessionDuration": "1m30s"}),
                Good,
                Some("2026-11-20T11:01:30Z"),
            ),
            (new, json!({"phase": "Succeeded"}), Unknown, None),
            (new, json!({"phase": "Failed"}), Failed, None),
            (new, json!({"phase": "Skipped"}), Unknown, None),
            (new, json!({"phase": "Running"}), Running, None),
            // A session that failed may stay running for ever.
            (old, json!({"phase": "Running"}), Stuck, None),
        ] {
            let finds = find(
                &objects(&[(&SESSION, vec![session(created, status.clone())])]),
                now(),
            );
            assert_eq!(states(&finds), [("BackupSession/s", state, finished)], "{status}");
        }
    }

    #[test]
    fn the_configuration_says_what_it_is_of() {
        let spec = json!({"target": {"ref": {"kind": "StatefulSet", "name": "db"}}, "paused": true});
        let all = [
            (
                &SESSION,
                vec![session("2026-11-20T11:00:00Z", json!({"phase": "Failed"}))],
            ),
            (&CONFIGURATION, vec![configuration(spec)]),
        ];
        let finds = find(&objects(&all), now());
        assert_eq!(finds.backups[0].of, BackupSubject::Workload { name: "db".into() });
        assert_eq!(findings(&finds), ["schedule-suspended"]);
    }
}
