//! `kubectl pgbackup keys`: the keys without which a restore is useless.

mod create;
mod export;
mod look;
mod noted;
mod read;

use backup::keys::{CollectError, KeysError, SealedKeys, Vault};
use clap::{Args, Subcommand};
use cli::{Environment, Output, store_place};
use model::{API_VERSION, ExitCode, KeysReport};

use super::failure::Ends;
use super::stored::{Words, open_store};
use crate::session::{Common, could_not_begin};
use create::CreateKeysFlags;
use export::ExportKeysFlags;
use look::{ListKeysFlags, ShowKeysFlags, TestKeysFlags};
pub(crate) use noted::{noted, warn_of_drift};
pub(crate) use read::KeyFlags;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysAct {
    /// Read keys from the cluster, seal them and keep them
    Create(CreateKeysFlags),
    /// List sealed keys, newest first
    List(ListKeysFlags),
    /// Tell what sealed keys hold and whether the cluster's are the same; never a value
    Show(ShowKeysFlags),
    /// Prove that sealed keys open with an identity and hold what their manifest says
    Test(TestKeysFlags),
    /// Copy sealed keys to a file or another store, or print them on a sheet; they stay sealed
    Export(ExportKeysFlags),
}

/// Where sealed keys are.
#[derive(Debug, Clone, Args)]
pub(crate) struct VaultFlags {
    /// Store with sealed keys: a folder or a bucket, better not the one with the dumps
    #[arg(long, value_name = "STORE")]
    keys_from: String,
}

impl Ends for KeysError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Store(_) | Self::Unknown { .. } | Self::Open(_) => ExitCode::CouldNotBegin,
            Self::Damaged(_) | Self::Read(_) | Self::Bundle(_) | Self::Different(_) => ExitCode::Blocked,
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        "No value was written or shown anywhere."
    }
}

impl Ends for CollectError {
    fn code(&self) -> ExitCode {
        ExitCode::CouldNotBegin
    }
}

/// Does what was asked for.
pub(crate) async fn run(wanted: &KeysAct, environment: &Environment) -> ExitCode {
    let done = match wanted {
        KeysAct::Create(flags) => create::create(flags, environment).await,
        KeysAct::List(flags) => look::list(flags, environment).await,
        KeysAct::Show(flags) => look::show(flags, environment).await,
        KeysAct::Test(flags) => look::test(flags, environment).await,
        KeysAct::Export(flags) => export::export(flags, environment).await,
    };
    done.unwrap_or_else(|code| code)
}

async fn vault(place: &str, common: &Common, environment: &Environment) -> Result<Vault, ExitCode> {
    let place = store_place(Some(place), environment);
    let output = Output::new(&common.output, environment);
    let place = place.map_err(|words| could_not_begin(&output, &Words(words)))?;
    open_store(&place, common, environment).await.map(Vault::new)
}

fn report(kept: &SealedKeys) -> KeysReport {
    KeysReport {
        api_version: API_VERSION.into(),
        kind: "KeysReport".into(),
        keys: kept.manifest.clone(),
        uri: kept.uri.clone(),
        opened: None,
        compared: Vec::new(),
        warnings: Vec::new(),
    }
}

fn told(output: &Output, report: &KeysReport, code: ExitCode) -> ExitCode {
    let written = output.result(report, |out, style| render::keys_report(out, style, report));
    cli::end_with(output, written, code)
}
