//! `keys export`.

use std::path::PathBuf;

use backup::BackupId;
use clap::Args;
use cli::{Environment, Output};
use model::ExitCode;

use super::super::failure::failed;
use super::super::stored::Words;
use super::{VaultFlags, report, told, vault};
use crate::session::{Common, could_not_begin};

/// Flags of `keys export`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportKeysFlags {
    /// The sealed keys
    #[arg(value_name = "ID")]
    id: BackupId,
    #[command(flatten)]
    vault: VaultFlags,
    #[command(flatten)]
    target: ExportTarget,
    #[command(flatten)]
    common: Common,
}

/// Where sealed keys go.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct ExportTarget {
    /// A new file for the sealed keys, which age -d opens
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Another store
    #[arg(long, value_name = "STORE")]
    keys_to: Option<String>,
    /// Print a sheet to lock away: what they are, how they are opened, and the sealed bytes as text
    #[arg(long)]
    sheet: bool,
}

/// Copies sealed keys, or prints them on a sheet.
pub(super) async fn export(flags: &ExportKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let output = Output::new(&flags.common.output, environment);
    let vault = vault(&flags.vault.keys_from, &flags.common, environment).await?;
    let kept = vault
        .find(&flags.id)
        .await
        .map_err(|error| failed(&output, &error))?;
    let mut report = report(&kept);
    if flags.target.sheet {
        let sheet = kept.sheet().map_err(|error| could_not_begin(&output, &error))?;
        let written = output.text(|out| write!(out, "{sheet}"));
        return Ok(cli::end_with(&output, written, ExitCode::Done));
    }
    if let Some(file) = &flags.target.file {
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(file)
            .and_then(|mut new| {
                std::io::Write::write_all(&mut new, kept.sealed()).and_then(|()| new.sync_all())
            });
        written.map_err(|error| {
            let words = format!("failed to write {}: {error}", file.display());
            could_not_begin(&output, &Words(words))
        })?;
        report.uri = file.display().to_string();
    }
    if let Some(place) = &flags.target.keys_to {
        let other = super::vault(place, &flags.common, environment).await?;
        report.uri = other.copy(&kept).await.map_err(|error| failed(&output, &error))?;
    }
    Ok(told(&output, &report, ExitCode::Done))
}
