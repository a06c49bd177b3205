//! pgBackRest's own catalogue: `pgbackrest --output=json info`.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FindingLevel, Mechanism};
use serde_json::Value;

use super::catalogue::{Entry, entry, finding};
use super::found::{Finds, Say};
use super::value::Object;

/// What is asked.
pub(super) const SCRIPT: &str =
    "command -v pgbackrest >/dev/null 2>&1 || exit 127; exec pgbackrest --output=json info";

/// Codes of a stanza or repository, by pgBackRest's user guide; 0 is well.
fn words(code: i64) -> &'static str {
    match code {
        0 => "ok",
        1 => "the stanza's path is missing",
        2 => "there is no valid backup",
        3 => "data of the stanza is missing",
        4 => "the repositories differ",
        5 => "it belongs to another database",
        6 => "the backup set was not found",
        _ => "something else is wrong",
    }
}

pub(super) fn parse(answer: &Value, pod: &Entry<'_>) -> Finds {
    let mut finds = Finds::default();
    for stanza in answer.as_array().map_or(&[][..], Vec::as_slice) {
        let name = stanza.text("name").unwrap_or_default();
        trouble(&mut finds, stanza, name, pod);
        for backup in stanza.list("backup") {
            let label = backup.text("label").unwrap_or_default();
            let mut made = entry(Mechanism::PgBackRest, pod, label);
            made.end_lsn = backup.owned("lsn/stop");
            made.timeline = backup
                .text("archive/stop")
                .and_then(|segment| u32::from_str_radix(segment.get(..8)?, 16).ok());
            made.bytes = backup
                .number("info/repository/delta")
                .and_then(|bytes| u64::try_from(bytes).ok());
            let at = |field: &str| {
                Timestamp::from_second(backup.number(field)?)
                    .ok()
                    .filter(|at| at.as_second() > 0)
            };
            let database = stanza.list("db").iter().find(|db| {
                db.number("id") == backup.number("database/id")
                    && db.number("repo-key") == backup.number("database/repo-key")
            });
            if let Some(database) = database {
                made.system_identifier = database.number("system-id").map(|id| id.to_string());
                made.server_major = database
                    .text("version")
                    .and_then(|version| version.split('.').next()?.parse().ok());
            }
            let kind = backup.text("type").unwrap_or("backup");
            made = made.began(at("timestamp/start"));
            let repository = repository_code(stanza, backup);
            finds.backups.push(if backup.is_on("error") {
                made.stands(
                    BackupState::Failed,
                    "pages with wrong checksums were found while it was made",
                )
            } else if repository != 0 && repository != 4 {
                made.stands(
                    BackupState::Unknown,
                    format!("its repository says: {}", words(repository)),
                )
            } else if let Some(missing) = missing_of_chain(stanza, backup) {
                made.stands(
                    BackupState::Unknown,
                    format!("it builds on {missing}, which is not in the catalogue"),
                )
            } else {
                made.good(
                    at("timestamp/stop"),
                    BackupGrade::C,
                    format!("{kind} backup in the catalogue of stanza {name}"),
                )
            });
        }
    }
    finds
}

/// The backup that an incremental or differential one builds on and that the catalogue does not have.
fn missing_of_chain<'a>(stanza: &Value, backup: &'a Value) -> Option<&'a str> {
    let labels: Vec<&str> = stanza
        .list("backup")
        .iter()
        .filter_map(|other| other.text("label"))
        .collect();
    let builds_on = backup.list("reference").iter().filter_map(Value::as_str);
    backup
        .text("prior")
        .into_iter()
        .chain(builds_on)
        .find(|label| !labels.contains(label))
}

fn repository_code(stanza: &Value, backup: &Value) -> i64 {
    let key = backup.number("database/repo-key");
    let repository = stanza
        .list("repo")
        .iter()
        .find(|repository| repository.number("key") == key);
    repository
        .and_then(|repository| repository.number("status/code"))
        .unwrap_or(0)
}

fn trouble(finds: &mut Finds, stanza: &Value, name: &str, pod: &Entry<'_>) {
    let code = stanza.number("status/code").unwrap_or(99);
    if code != 0 {
        let message = format!("stanza {name}: {}", words(code));
        finds.findings.push(finding(
            Mechanism::PgBackRest,
            pod,
            ("pgbackrest-stanza", FindingLevel::Warn),
            message,
        ));
    }
}

/// What a catalogue's entry is of.
pub(super) fn subject(pod: &Entry<'_>) -> BackupSubject {
    BackupSubject::Pod {
        name: pod.pod.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, states};
    use super::*;
    use BackupState::{Failed, Good, Unknown};
    use serde_json::json;

    const POD: Entry<'static> = Entry {
        namespace: "shop",
        pod: "db-0",
    };

    fn info(backup: Value, status: i64, repository: i64) -> Value {
        json!([{"name": "db", "status": {"code": status, "message": "x"}, "repo": [{"key": 1, "status": {"code": repository}}],
                "db": [{"id": 1, "repo-key": 1, "system-id": 7_300_000_000_000_000_001_i64, "version": "17"}], "backup": [backup]}])
    }

    fn backup(error: bool) -> Value {
        json!({"label": "20261120-030000F", "type": "full", "error": error, "database": {"id": 1, "repo-key": 1},
               "archive": {"start": "000000020000000000000007", "stop": "000000020000000000000008"},
               "lsn": {"start": "0/7000028", "stop": "0/8000110"}, "info": {"size": 100, "repository": {"delta": 40}},
               "timestamp": {"start": 1_795_143_600, "stop": 1_795_143_845}})
    }

    #[test]
    fn an_entry_is_good_where_its_repository_is_and_its_pages_were() {
        let time = Some("2026-11-20T03:04:05Z");
        for (error, repository, state, finished) in [
            (false, 0, Good, time),
            (true, 0, Failed, None),
            (false, 3, Unknown, None),
            (false, 4, Good, time),
        ] {
            let finds = parse(&info(backup(error), 0, repository), &POD);
            assert_eq!(states(&finds), [("20261120-030000F", state, finished)]);
        }
        let finds = parse(&info(backup(false), 0, 0), &POD);
        let found = &finds.backups[0];
        assert_eq!(
            (found.end_lsn.as_deref(), found.timeline, found.server_major),
            (Some("0/8000110"), Some(2), Some(17))
        );
        assert_eq!(found.system_identifier.as_deref(), Some("7300000000000000001"));
        assert_eq!((found.bytes, found.grade), (Some(40), Some(BackupGrade::C)));
    }

    #[test]
    fn a_chain_without_its_middle_is_no_backup() {
        let link = |label: &str, prior: &str, reference: Value| {
            let mut link = backup(false);
            link["label"] = json!(label);
            link["type"] = json!("incr");
            link["prior"] = json!(prior);
            link["reference"] = reference;
            link
        };
        let (full, first, second) = (
            backup(false),
            link("20261121-I", "20261120-030000F", json!(["20261120-030000F"])),
            link(
                "20261122-I",
                "20261121-I",
                json!(["20261120-030000F", "20261121-I"]),
            ),
        );
        let told = |backups: &[&Value]| {
            let mut info = info(backup(false), 0, 0);
            info[0]["backup"] = json!(backups);
            let finds = parse(&info, &POD);
            finds.backups.iter().map(|found| found.state).collect::<Vec<_>>()
        };
        assert_eq!(told(&[&full, &first, &second]), [Good, Good, Good]);
        assert_eq!(told(&[&full, &second]), [Good, Unknown]);
        assert_eq!(told(&[&first, &second]), [Unknown, Unknown]);
    }

    #[test]
    fn a_stanza_that_is_not_well_is_told() {
        for code in [1, 2, 3, 5, 6, 99] {
            let mut info = info(backup(false), code, 0);
            info[0]["backup"] = json!([]);
            assert_eq!(findings(&parse(&info, &POD)), ["pgbackrest-stanza"], "{code}");
        }
        assert_eq!(parse(&json!([]), &POD), Finds::default());
    }
}
