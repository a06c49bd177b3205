//! Barman's own catalogue: `barman -f json list-backups all`, or what `barman-cloud-backup-list --format json` prints.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, FoundBackup, Mechanism};
use serde_json::Value;

use super::catalogue::{Entry, entry};
use super::found::{Finds, Say};
use super::value::Object;

/// What is asked.
pub(super) const SCRIPT: &str =
    "command -v barman >/dev/null 2>&1 || exit 127; exec barman -f json list-backups all";

pub(super) fn parse(answer: &Value, pod: &Entry<'_>) -> Finds {
    let servers = answer.as_object().into_iter().flatten();
    let backups = servers.filter_map(|(_, list)| list.as_array()).flatten();
    Finds {
        backups: backups.map(|backup| judge(backup, pod)).collect(),
        findings: Vec::new(),
    }
}

fn judge(backup: &Value, pod: &Entry<'_>) -> FoundBackup {
    let mut made = entry(
        Mechanism::Barman,
        pod,
        backup.text("backup_id").unwrap_or_default(),
    );
    made.bytes = ["size_bytes", "size"]
        .iter()
        .find_map(|field| u64::try_from(backup.number(field)?).ok());
    made.end_lsn = backup.owned("end_xlog");
    made.timeline = backup
        .number("timeline")
        .and_then(|timeline| u32::try_from(timeline).ok());
    made.server_major = backup
        .number("version")
        .and_then(|version| i32::try_from(version / 10_000).ok());
    made.system_identifier = backup.owned("systemid");
    match backup.text("status").unwrap_or_default() {
        "DONE" => match ended(backup) {
            Some(at) => made.good(Some(at), BackupGrade::C, "DONE in Barman's catalogue"),
            None if backup.text("end_time").is_some() => made.stands(
                BackupState::Unknown,
                "DONE, but its time is written without a zone (Barman before 3.12.1): its age cannot be told",
            ),
            None => made.good(None, BackupGrade::C, "DONE in Barman's catalogue"),
        },
        "FAILED" => {
            let why = backup.text("error").unwrap_or("no reason is given").to_owned();
            made.stands(BackupState::Failed, why)
        }
        "WAITING_FOR_WALS" => made.stands(BackupState::Running, "it waits for the WAL of its end"),
        "STARTED" | "SYNCING" => made.stands(BackupState::Running, "it is being made"),
        other => made.stands(
            BackupState::Unknown,
            format!("its status {other:?} is not known here"),
        ),
    }
}

/// `end_time` is local time without a zone; later releases write the same with one.
fn ended(backup: &Value) -> Option<Timestamp> {
    backup.time("end_time_iso").or_else(|| {
        let seconds = backup.text("end_time_timestamp")?.parse().ok()?;
        Timestamp::from_second(seconds).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::states;
    use super::*;
    use BackupState::{Failed, Good, Running, Unknown};
    use serde_json::json;

    const POD: Entry<'static> = Entry {
        namespace: "shop",
        pod: "db-0",
    };

    #[test]
    fn a_time_without_a_zone_is_no_time() {
        let local = "Fri Nov 20 03:04:05 2026";
        for (fields, state, finished) in [
            (
                json!({"status": "DONE", "end_time": local, "end_time_iso": "2026-11-20T03:04:05+00:00"}),
                Good,
                Some("2026-11-20T03:04:05Z"),
            ),
            (
                json!({"status": "DONE", "end_time": local, "end_time_timestamp": "1795143845"}),
                Good,
                Some("2026-11-20T03:04:05Z"),
            ),
            (json!({"status": "DONE", "end_time": local}), Unknown, None),
            (json!({"status": "FAILED", "error": "no space"}), Failed, None),
            (
                json!({"status": "WAITING_FOR_WALS", "end_time_iso": "2026-11-20T03:04:05+00:00"}),
                Running,
                None,
            ),
            (json!({"status": "EMPTY"}), Unknown, None),
        ] {
            let mut backup = fields.clone();
            backup["backup_id"] = json!("20261120T030000");
            for answer in [json!({"main": [backup]}), json!({"backups_list": [backup]})] {
                assert_eq!(
                    states(&parse(&answer, &POD)),
                    [("20261120T030000", state, finished)],
                    "{fields}"
                );
            }
        }
    }

    #[test]
    fn a_cloud_backup_tells_its_server() {
        let backup = json!({"backup_id": "20261120T030000", "status": "DONE", "end_time_iso": "2026-11-20T03:04:05+00:00",
                            "systemid": "7300000000000000001", "version": 170_002, "timeline": 2, "end_xlog": "0/8000110"});
        let found = parse(&json!({"backups_list": [backup]}), &POD).backups.remove(0);
        assert_eq!(
            (found.server_major, found.timeline, found.end_lsn.as_deref()),
            (Some(17), Some(2), Some("0/8000110"))
        );
        assert_eq!(found.system_identifier.as_deref(), Some("7300000000000000001"));
    }
}
