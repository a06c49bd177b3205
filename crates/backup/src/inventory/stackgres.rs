//! StackGres: an `SGBackup` that says `Completed` counts only with what the backup tool told of it.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::value::Object;

const GROUP: &str = "stackgres.io";
const BACKUP: Reads = beside(GROUP, "SGBackup", &["v1", "v1beta1"]);
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
        name: backup.owned("spec/sgCluster").unwrap_or_default(),
    };
    let began = backup.time("status/process/timing/start").or(backup.created());
    let mut made = found(Mechanism::StackGres, "SGBackup", backup, of).began(began);
    let told = backup.at("status/backupInformation");
    made.system_identifier = told.owned("systemIdentifier");
    made.bytes = told
        .number("size/compressed")
        .and_then(|bytes| u64::try_from(bytes).ok());
    made.server_major = told
        .text("postgresVersion")
        .and_then(|version| version.parse::<i32>().ok())
        .map(|number| number / 10_000);
    made.uri = backup.owned("status/backupPath");
    match backup.text("status/process/status").unwrap_or("Pending") {
        "Completed" if !told.is_object() => made.stands(
            BackupState::Failed,
            "it says Completed and knows nothing of a backup: there is none",
        ),
        "Completed" => {
            let stored = backup
                .time("status/process/timing/stored")
                .or(backup.time("status/process/timing/end"));
            made.good(
                stored,
                BackupGrade::D,
                "Completed, with what the backup tool told of it",
            )
        }
        "Failed" => {
            let why = backup
                .text("status/process/failure")
                .unwrap_or("no reason is given")
                .to_owned();
            made.stands(BackupState::Failed, why)
        }
        state => at_work(made, began, now, state),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Stuck, Unknown};
    use serde_json::json;

    #[test]
    fn completed_without_information_is_no_backup() {
        let information = json!({"systemIdentifier": "7300000000000000001", "postgresVersion": "150004", "size": {"compressed": 1000}});
        let timing = json!({"start": "2026-11-20T01:00:00Z", "stored": "2026-11-20T01:05:00Z"});
        let process = |status: &str| json!({"status": status, "timing": timing});
        for (status, state, finished) in [
            (
                json!({"process": process("Completed"), "backupInformation": information}),
                Good,
                Some("2026-11-20T01:05:00Z"),
            ),
            (json!({"process": process("Completed")}), Failed, None),
            (
                json!({"process": {"status": "Completed"}, "backupInformation": information}),
                Unknown,
                None,
            ),
            (json!({"process": process("Failed")}), Failed, None),
            (
                json!({"process": {"status": "Running", "timing": {"start": "2026-11-20T11:00:00Z"}}}),
                Running,
                None,
            ),
            (
                json!({"process": {"status": "Running", "timing": {"start": "2026-11-18T11:00:00Z"}}}),
                Stuck,
                None,
            ),
        ] {
            let backup = json!({"metadata": {"name": "b", "namespace": "shop"}, "spec": {"sgCluster": "orders"}, "status": status});
            let finds = find(&objects(&[(&BACKUP, vec![backup])]), now());
            assert_eq!(states(&finds), [("SGBackup/b", state, finished)], "{status}");
            if state == Good {
                assert_eq!(finds.backups[0].server_major, Some(15));
                assert_eq!(
                    finds.backups[0].system_identifier.as_deref(),
                    Some("7300000000000000001")
                );
            }
        }
    }
}
