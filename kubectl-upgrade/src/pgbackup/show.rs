//! `kubectl pgbackup show`: everything about one backup.

use backup::inventory::restore_steps;
use backup::{Backup, BackupId, Store};
use clap::Args;
use cli::{Environment, Output};
use jiff::Timestamp;
use model::{API_VERSION, BackupDetailsReport, BackupInventory, ExitCode, FoundBackup, Mechanism};
use thiserror::Error;

use super::look::{LookFlags, look};
use crate::session::could_not_begin;

/// Flags of `show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ShowFlags {
    /// The backup as `list` tells it: an id of ours, KIND/NAME of an object, or a name
    #[arg(value_name = "BACKUP")]
    id: String,
    #[command(flatten)]
    look: LookFlags,
}

/// Why there is nothing to show.
#[derive(Debug, Error)]
enum ShowError {
    #[error("no backup {0} was found; `kubectl pgbackup list` tells what there is")]
    Unknown(String),
    #[error("{name} may be any of {}: name it in full", found.join(", "))]
    Several { name: String, found: Vec<String> },
}

/// Shows.
pub(crate) async fn run(flags: &ShowFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.look.common.output, environment);
    let own = match own(flags, &output, environment).await {
        Ok(own) => own,
        Err(code) => return code,
    };
    let mut look_flags = flags.look.clone();
    // One of ours is told by its manifest; a cluster is asked for what hangs on its database only if one is named.
    look_flags.ours |= own.is_some() && flags.look.target.release.is_none();
    let looked = match look(&look_flags, &output, environment).await {
        Ok(looked) => looked,
        Err(code) => return code,
    };
    let found = match (choose(&looked.inventory, &flags.id), &own) {
        (Ok(found), _) => found,
        (Err(_), Some(own)) => backup::inventory::found_backup(own, Timestamp::now()),
        (Err(error), None) => return could_not_begin(&output, &error),
    };
    let findings = looked.inventory.findings.iter();
    let own_findings = findings.filter(|finding| {
        finding.mechanism == found.mechanism && finding.namespace == found.namespace && finding.of == found.of
    });
    let report = BackupDetailsReport {
        api_version: API_VERSION.into(),
        kind: "BackupDetails".into(),
        findings: own_findings.cloned().collect(),
        manifest: own.as_ref().map(|own| own.manifest.clone()),
        verifications: own.map(|own| own.verifications).unwrap_or_default(),
        next: restore_steps(&found),
        backup: found,
    };
    let written = output.result(&report, |out, style| render::backup_details(out, style, &report));
    cli::end_with(&output, written, ExitCode::Done)
}

/// One of ours, if it is.
async fn own(
    flags: &ShowFlags,
    output: &Output,
    environment: &Environment,
) -> Result<Option<Backup>, ExitCode> {
    let Ok(id) = flags.id.parse::<BackupId>() else {
        return Ok(None);
    };
    for store in flags.look.stores(output, environment).await? {
        if let Some(found) = find(&store, &id).await {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn find(store: &Store, id: &BackupId) -> Option<Backup> {
    // A store that cannot be read is told by the look that follows.
    store.find(id).await.ok()
}

/// The backup that a name means: in full, or by its last part.
fn choose(inventory: &BackupInventory, name: &str) -> Result<FoundBackup, ShowError> {
    let all = || inventory.backups.iter().chain(&inventory.uncertain);
    let lower = name.to_ascii_lowercase();
    let in_full = all().filter(|backup| backup.id.to_ascii_lowercase() == lower);
    let mut found: Vec<&FoundBackup> = in_full.collect();
    if found.is_empty() {
        found = all()
            .filter(|backup| backup.id.rsplit('/').next() == Some(name))
            .collect();
    }
    // A store that is named twice tells the same backup twice.
    found.dedup_by(|one, other| one.mechanism == Mechanism::Pgbackup && one.id == other.id);
    match found.as_slice() {
        [] => Err(ShowError::Unknown(name.to_owned())),
        [one] => Ok((*one).clone()),
        several => Err(ShowError::Several {
            name: name.to_owned(),
            found: several
                .iter()
                .map(|backup| format!("{} of {}", backup.id, backup.subject()))
                .collect(),
        }),
    }
}
