//! Percona's operator: `PerconaPGBackup`.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::value::Object;

const GROUP: &str = "pgv2.percona.com";
const BACKUP: Reads = beside(GROUP, "PerconaPGBackup", &["v2"]);
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
    let of = BackupSubject::Cluster {
        group: GROUP.to_owned(),
        name: backup.owned("spec/pgCluster").unwrap_or_default(),
    };
    let mut made = found(Mechanism::Percona, "PerconaPGBackup", backup, of).began(backup.created());
    made.uri = backup.owned("status/destination");
    match backup.text("status/state").unwrap_or("New") {
        "Succeeded" => made.good(
            backup.time("status/completed"),
            BackupGrade::D,
            "its state is Succeeded",
        ),
        "Failed" => {
            let why = backup
                .text("status/error")
                .unwrap_or("its state is Failed")
                .to_owned();
            made.stands(BackupState::Failed, why)
        }
        state => at_work(made, backup.created(), now, state),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Stuck, Unknown};
    use serde_json::json;

    #[test]
    fn the_time_counts_only_with_the_state() {
        let (old, new, time) = (
            "2026-11-18T01:00:00Z",
            "2026-11-20T11:00:00Z",
            "2026-11-20T11:05:00Z",
        );
        for (created, status, state, finished) in [
            (
                new,
                json!({"state": "Succeeded", "completed": time}),
                Good,
                Some(time),
            ),
            (new, json!({"state": "Succeeded"}), Unknown, None),
            (new, json!({"state": "Failed", "completed": time}), Failed, None),
            (new, json!({"state": "Running"}), Running, None),
            (old, json!({"state": "Starting"}), Stuck, None),
        ] {
            let backup = json!({"metadata": {"name": "b", "namespace": "shop", "creationTimestamp": created}, "spec": {"pgCluster": "orders"}, "status": status});
            assert_eq!(
                states(&find(&objects(&[(&BACKUP, vec![backup])]), now())),
                [("PerconaPGBackup/b", state, finished)],
                "{status}"
            );
        }
    }
}
