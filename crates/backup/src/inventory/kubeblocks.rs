//! KubeBlocks: `Backup` of its data protection. A continuous one, the archive of WAL, runs for ever and is not stuck.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::quantity::bytes;
use super::value::Object;

const GROUP: &str = "dataprotection.kubeblocks.io";
const BACKUP: Reads = beside(GROUP, "Backup", &["v1alpha1", "v1"]);
pub(super) const READS: &[Reads] = &[BACKUP];

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    Finds {
        backups: objects
            .of(&BACKUP)
            .iter()
            .map(|backup| judge(backup, now))
            .collect(),
        findings: Vec::new(),
    }
}

fn judge(backup: &Value, now: Timestamp) -> FoundBackup {
    let name = backup
        .label("app.kubernetes.io/instance")
        .unwrap_or_default()
        .to_owned();
    let of = BackupSubject::Cluster {
        group: "apps.kubeblocks.io".into(),
        name,
    };
    let began = backup.time("status/startTimestamp").or(backup.created());
    let mut made = found(
        Mechanism::KubeBlocks,
        "Backup.dataprotection.kubeblocks.io",
        backup,
        of,
    )
    .began(began);
    made.bytes = backup.text("status/totalSize").and_then(bytes);
    made.uri = backup.owned("status/path");
    let continuous = backup.label("dataprotection.kubeblocks.io/backup-type") == Some("Continuous");
    match backup.text("status/phase").unwrap_or("New") {
        "Completed"
            if backup
                .time("status/expiration")
                .is_some_and(|expires| expires < now) =>
        {
            made.stands(
                BackupState::Unknown,
                "it has expired and may be deleted at any moment",
            )
        }
        "Completed" => made.good(
            backup.time("status/completionTimestamp"),
            BackupGrade::D,
            "its phase is Completed",
        ),
        "Failed" => {
            let why = backup
                .text("status/failureReason")
                .unwrap_or("its phase is Failed")
                .to_owned();
            made.stands(BackupState::Failed, why)
        }
        "Deleting" => made.stands(BackupState::Unknown, "it is being deleted"),
        "Running" if continuous => {
            let until = backup.text("status/timeRange/end").unwrap_or("an unknown moment");
            made.stands(
                BackupState::Running,
                format!("the archive of WAL goes on; it reaches to {until}"),
            )
        }
        phase => at_work(made, began, now, phase),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Stuck, Unknown};
    use serde_json::json;

    #[test]
    fn every_phase_is_told_apart_and_a_continuous_one_may_run_for_ever() {
        let time = "2026-11-20T11:05:00Z";
        let old = json!({"phase": "Running", "startTimestamp": "2026-11-10T01:00:00Z"});
        for (kind, status, state, finished) in [
            (
                "Full",
                json!({"phase": "Completed", "completionTimestamp": time}),
                Good,
                Some(time),
            ),
            (
                "Full",
                json!({"phase": "Completed", "completionTimestamp": time, "expiration": "2026-11-20T11:30:00Z"}),
                Unknown,
                None,
            ),
            (
                "Full",
                json!({"phase": "Failed", "completionTimestamp": time}),
                Failed,
                None,
            ),
            ("Full", old.clone(), Stuck, None),
            ("Continuous", old, Running, None),
        ] {
            let backup = json!({"metadata": {"name": "b", "namespace": "shop", "labels": {"app.kubernetes.io/instance": "orders",
                                "dataprotection.kubeblocks.io/backup-type": kind}}, "status": status});
            let finds = find(&objects(&[(&BACKUP, vec![backup])]), now());
            assert_eq!(
                states(&finds),
                [("Backup.dataprotection.kubeblocks.io/b", state, finished)],
                "{status}"
            );
        }
    }
}
