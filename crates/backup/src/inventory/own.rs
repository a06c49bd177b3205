//! Our own backups: their manifests in the stores.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FoundBackup, Mechanism};
use serde_json::json;

use super::found::{Say, age, found};
use crate::Backup;

/// A backup of ours as the inventory tells it.
pub fn found_backup(backup: &Backup, now: Timestamp) -> FoundBackup {
    let summary = backup.summary(now);
    let manifest = &backup.manifest;
    let object = json!({"metadata": {"name": summary.id, "namespace": manifest.namespace}});
    let of = BackupSubject::Database {
        server: manifest.server_name.clone(),
        name: manifest.database.clone(),
    };
    let mut made = found(Mechanism::Pgbackup, "", &object, of).began(manifest.started_at.parse().ok());
    made.id.clone_from(&summary.id);
    made.bytes = summary.bytes;
    made.uri = Some(summary.uri);
    made.server_major = summary.server_major;
    made.system_identifier = summary.system_identifier;
    made.end_lsn.clone_from(&manifest.server.lsn);
    if let Some(test) = backup.verifications.last()
        && !test.differences.is_empty()
    {
        let why = format!(
            "restored on {}, and it was not equal: {}",
            test.verified_at,
            test.differences.join("; ")
        );
        return made.stands(BackupState::Failed, why);
    }
    let why = match summary.grade {
        BackupGrade::A => restored(backup),
        BackupGrade::B => "bytes and hash equal at both ends, archive read to its end".to_owned(),
        BackupGrade::C | BackupGrade::D => "listed".to_owned(),
    };
    let mut made = made.good(manifest.finished_at.parse().ok(), summary.grade, why);
    made.age_seconds = age(&made, now);
    made
}

/// What the last restore test proved. An application that could not be judged proves nothing.
fn restored(backup: &Backup) -> String {
    let words = "restored into a server of its own and compared".to_owned();
    let test = backup
        .verifications
        .last()
        .filter(|test| test.unjudged.is_empty());
    match test.and_then(|test| test.with_app.as_ref()) {
        Some(app) if app.on_the_copy => format!("{words}; {} started on it", app.workload),
        Some(_) | None => words,
    }
}
