//! What is told of a backup that was made.

use jiff::Timestamp;
use model::{API_VERSION, BackupReport};

use crate::Backup;

/// The report of a backup that was made and proven.
pub fn backup_report(backup: &Backup, now: Timestamp) -> BackupReport {
    let manifest = &backup.manifest;
    BackupReport {
        api_version: API_VERSION.into(),
        kind: "BackupReport".into(),
        backup: backup.summary(now),
        started_at: manifest.started_at.clone(),
        sha256: manifest
            .files
            .first()
            .map(|file| file.sha256_stored.clone())
            .unwrap_or_default(),
        format: match manifest.base {
            Some(_) => "base (tar)".into(),
            None => manifest.format.word().into(),
        },
        route: manifest.route.clone(),
        left_out: manifest.left_out.clone(),
        encrypted: manifest.encryption.is_some(),
        proof: manifest.proof.clone(),
        artefacts: manifest.artefacts.clone(),
        next: Vec::new(),
    }
}
