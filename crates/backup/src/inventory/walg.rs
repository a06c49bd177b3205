//! WAL-G's own catalogue: `wal-g backup-list --detail --json`. `time` is when the file was last touched, not the end.

use model::{BackupGrade, Mechanism};
use serde_json::Value;

use super::catalogue::{Entry, entry};
use super::found::{Finds, Say};
use super::value::Object;

/// What is asked. Spilo, the image of Zalando's operator, keeps the tool's settings in a folder.
pub(super) const SCRIPT: &str = "command -v wal-g >/dev/null 2>&1 || exit 127; \
     if [ -d /run/etc/wal-e.d/env ] && command -v envdir >/dev/null 2>&1; then \
     exec envdir /run/etc/wal-e.d/env wal-g backup-list --detail --json; fi; \
     exec wal-g backup-list --detail --json";

pub(super) fn parse(answer: &Value, pod: &Entry<'_>) -> Finds {
    let backups = answer
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .map(|backup| {
            let name = backup.text("backup_name").unwrap_or_default();
            let mut made = entry(Mechanism::WalG, pod, name).began(backup.time("start_time"));
            made.end_lsn = lsn(backup.at("finish_lsn"));
            made.server_major = backup
                .number("pg_version")
                .and_then(|version| i32::try_from(version / 10_000).ok());
            let identifier = backup.at("system_identifier");
            made.system_identifier = identifier
                .as_str()
                .map(str::to_owned)
                .or_else(|| identifier.as_u64().map(|id| id.to_string()));
            made.timeline = name
                .strip_prefix("base_")
                .and_then(|segment| u32::from_str_radix(segment.get(..8)?, 16).ok());
            made.bytes = backup.at("compressed_size").as_u64();
            made.good(
                backup.time("finish_time"),
                BackupGrade::C,
                "in WAL-G's list of backups",
            )
        });
    Finds {
        backups: backups.collect(),
        findings: Vec::new(),
    }
}

/// A position is written as a number, or as Postgres writes it.
fn lsn(value: &Value) -> Option<String> {
    match value.as_u64() {
        Some(number) => Some(format!("{:X}/{:X}", number >> 32, number & 0xffff_ffff)),
        None => value
            .as_str()
            .filter(|text| text.contains('/'))
            .map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::states;
    use super::*;
    use model::BackupState::{Good, Unknown};
    use serde_json::json;

    const POD: Entry<'static> = Entry {
        namespace: "shop",
        pod: "db-0",
    };

    #[test]
    fn the_finish_counts_and_not_the_time_of_the_file() {
        let name = "base_000000020000000000000007";
        let good = json!([{"backup_name": name, "time": "2026-11-20T09:00:00Z", "start_time": "2026-11-20T03:00:00Z",
                           "finish_time": "2026-11-20T03:04:05.5Z", "pg_version": 170_002, "start_lsn": 117_440_552,
                           "finish_lsn": 134_217_984, "system_identifier": 7_300_000_000_000_000_001_u64, "compressed_size": 1000}]);
        let finds = parse(&good, &POD);
        assert_eq!(states(&finds), [(name, Good, Some("2026-11-20T03:04:05.5Z"))]);
        let found = &finds.backups[0];
        assert_eq!(
            (found.end_lsn.as_deref(), found.timeline, found.server_major),
            (Some("0/8000100"), Some(2), Some(17))
        );
        assert_eq!(found.system_identifier.as_deref(), Some("7300000000000000001"));
        let bare = json!([{"backup_name": name, "time": "2026-11-20T09:00:00Z"}]);
        assert_eq!(states(&parse(&bare, &POD)), [(name, Unknown, None)]);
    }

    #[test]
    fn a_position_is_read_in_both_spellings() {
        assert_eq!(lsn(&json!("0/8000110")).as_deref(), Some("0/8000110"));
        assert_eq!(lsn(&json!(4_294_967_312_u64)).as_deref(), Some("1/10"));
        assert_eq!(lsn(&json!(null)), None);
    }
}
