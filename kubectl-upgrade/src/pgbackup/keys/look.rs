//! `keys list`, `keys show` and `keys test`.

use backup::keys::{compare_keys, unequal};
use backup::{BackupId, Place};
use clap::Args;
use cli::{Environment, Output};
use model::{API_VERSION, ComparedKey, ExitCode, KeyState, KeysListReport, KeysReport};

use super::super::failure::failed;
use super::super::seal::IdentityFlags;
use super::super::stored::Words;
use super::{VaultFlags, report, told, vault};
use crate::session::{Common, Session, could_not_begin};

/// Flags of `keys list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListKeysFlags {
    #[command(flatten)]
    vault: VaultFlags,
    #[command(flatten)]
    common: Common,
}

/// Flags of `keys show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ShowKeysFlags {
    /// The sealed keys
    #[arg(value_name = "ID")]
    id: BackupId,
    #[command(flatten)]
    vault: VaultFlags,
    /// Do not ask the cluster whether its keys are the same
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    common: Common,
}

/// Flags of `keys test`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TestKeysFlags {
    /// The sealed keys
    #[arg(value_name = "ID")]
    id: BackupId,
    #[command(flatten)]
    vault: VaultFlags,
    #[command(flatten)]
    identity: IdentityFlags,
    /// Do not ask the cluster whether its keys are the same
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    common: Common,
}

/// Tells which sealed keys there are.
pub(super) async fn list(flags: &ListKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let output = Output::new(&flags.common.output, environment);
    let vault = vault(&flags.vault.keys_from, &flags.common, environment).await?;
    let items = vault.list().await.map_err(|error| failed(&output, &error))?;
    let report = KeysListReport {
        api_version: API_VERSION.into(),
        kind: "KeysList".into(),
        items,
    };
    let written = output.result(&report, |out, _| render::keys_list(out, &report));
    Ok(cli::end_with(&output, written, ExitCode::Done))
}

/// Tells what sealed keys hold.
pub(super) async fn show(flags: &ShowKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let output = Output::new(&flags.common.output, environment);
    let vault = vault(&flags.vault.keys_from, &flags.common, environment).await?;
    let kept = vault
        .find(&flags.id)
        .await
        .map_err(|error| failed(&output, &error))?;
    let mut report = report(&kept);
    if !flags.offline {
        compare(&mut report, &Session::open(&flags.common, environment).await?).await;
    }
    Ok(told(&output, &report, ExitCode::Done))
}

/// A key that is not the same is a finding: it ends with 2, and with 3 where that could not be told.
pub(super) async fn test(flags: &TestKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let output = Output::new(&flags.common.output, environment);
    let vault = vault(&flags.vault.keys_from, &flags.common, environment).await?;
    let Some(identities) = flags.identity.read(&output)? else {
        let words = "name the identity that opens the keys with --identity".to_owned();
        return Err(could_not_begin(&output, &Words(words)));
    };
    let kept = vault
        .find(&flags.id)
        .await
        .map_err(|error| failed(&output, &error))?;
    kept.test(&identities)
        .await
        .map_err(|error| failed(&output, &error))?;
    let mut report = report(&kept);
    report.opened = Some(true);
    if !flags.offline {
        compare(&mut report, &Session::open(&flags.common, environment).await?).await;
    }
    let code = judged(&report.compared);
    Ok(told(&output, &report, code))
}

fn judged(compared: &[ComparedKey]) -> ExitCode {
    let any = |wanted: &[KeyState]| compared.iter().any(|key| wanted.contains(&key.state));
    if any(&[KeyState::Changed, KeyState::Gone]) {
        ExitCode::Blocked
    } else if compared
        .iter()
        .any(|key| key.state == KeyState::Unknown && key.source.starts_with("secret/"))
    {
        ExitCode::CannotTell
    } else {
        ExitCode::Done
    }
}

async fn compare(report: &mut KeysReport, session: &Session) {
    let here = Place::cluster_name(&session.cluster).await;
    let keys = &report.keys;
    if keys.cluster != here {
        let words = format!(
            "the keys are of cluster {}, and this is {here}: they were not compared",
            keys.cluster
        );
        report.warnings.push(words);
        return;
    }
    report.compared = compare_keys(&session.cluster, &keys.namespace, &keys.fingerprints).await;
    report.warnings.extend(unequal(&report.compared));
}
