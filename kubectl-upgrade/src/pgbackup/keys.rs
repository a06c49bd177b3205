//! `kubectl pgbackup keys`: the keys without which a restore is useless.

use std::path::{Path, PathBuf};

use backup::keys::{
    CollectError, Key, KeySource, KeysError, KeysRequest, SealedKeys, Vault, collect, compare_keys,
    fingerprints, unequal,
};
use backup::{Backup, BackupId, Place, Store};
use clap::{Args, Subcommand};
use cli::{Environment, Output, OutputFlags, store_place};
use helm::Storage;
use jiff::Timestamp;
use model::{API_VERSION, ComparedKey, ExitCode, KeyState, KeysListReport, KeysReport};

use super::act::{ActEnd, act};
use super::arguments::CreateFlags;
use super::failure::{Ends, failed};
use super::seal::{IdentityFlags, RecipientFlags};
use super::stored::{Words, open_store};
use crate::session::{Common, Session, could_not_begin};

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

/// Which keys.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct KeyFlags {
    /// A Secret of the namespace, or one key of it; may be repeated
    #[arg(long = "key", value_name = "SECRET[/KEY]")]
    keys: Vec<KeySource>,
    /// Every Secret with these labels; may be repeated
    #[arg(long = "key-selector", value_name = "LABELS")]
    selectors: Vec<String>,
    /// A path in the values of the release, such as auth.signingKey; may be repeated
    #[arg(long = "key-value", value_name = "PATH", requires = "release")]
    values: Vec<String>,
}

impl KeyFlags {
    /// Whether any is named.
    pub(crate) fn any(&self) -> bool {
        !(self.keys.is_empty() && self.selectors.is_empty() && self.values.is_empty())
    }
}

/// Flags of `keys create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CreateKeysFlags {
    /// The Helm release whose keys they are
    #[arg(value_name = "RELEASE", id = "release")]
    release: Option<String>,
    #[command(flatten)]
    keys: KeyFlags,
    #[command(flatten)]
    recipients: RecipientFlags,
    /// Store for the sealed keys: a folder or a bucket, better not the one with the dumps
    #[arg(long, value_name = "STORE")]
    keys_to: String,
    /// Store with the dumps, to warn where it is the same place [default: safe-upgrade/backups in the user's data folder]
    #[arg(long, value_name = "STORE")]
    dumps_in: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Flags of `keys list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListKeysFlags {
    #[command(flatten)]
    vault: VaultFlags,
    #[command(flatten)]
    output: OutputFlags,
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
    output: OutputFlags,
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
        KeysAct::Create(flags) => create(flags, environment).await,
        KeysAct::List(flags) => list(flags, environment).await,
        KeysAct::Show(flags) => show(flags, environment).await,
        KeysAct::Test(flags) => test(flags, environment).await,
        KeysAct::Export(flags) => export(flags, environment).await,
    };
    done.unwrap_or_else(|code| code)
}

fn vault(output: &Output, place: &str, environment: &Environment) -> Result<Vault, ExitCode> {
    let place = store_place(Some(place), environment);
    let place = place.map_err(|words| could_not_begin(output, &Words(words)))?;
    open_store(output, &place).map(Vault::new)
}

async fn create(flags: &CreateKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(&flags.common, environment).await?;
    let output = &session.output;
    let recipients = flags.recipients.parse();
    let recipients = recipients.map_err(|error| could_not_begin(output, &error))?;
    let Some(recipients) = recipients else {
        let words = "keys are only kept sealed: name who may open them with --recipient".to_owned();
        return Err(could_not_begin(output, &Words(words)));
    };
    let vault = vault(output, &flags.keys_to, environment)?;
    let keys = keys(&session, &flags.keys, flags.release.as_deref()).await?;
    if keys.is_empty() {
        let words =
            "nothing says which keys: use --key SECRET[/KEY], --key-selector or --key-value".to_owned();
        return Err(could_not_begin(output, &Words(words)));
    }
    let request = KeysRequest {
        cluster: Place::cluster_name(&session.cluster).await,
        namespace: session.namespace.clone(),
        release: flags.release.clone(),
        made_by: environment.person(),
    };
    let kept: ActEnd<_, KeysError> = act(output, "seal keys", async |_| {
        vault.keep(&keys, &recipients, request, Timestamp::now()).await
    })
    .await;
    match kept {
        ActEnd::Ended(Ok(kept)) => {
            let mut report = report(&kept);
            report.warnings.extend(same_place(flags, environment));
            Ok(told(output, &report, ExitCode::Done))
        }
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        ActEnd::Interrupted => Err(cli::fail(
            output,
            &Words("interrupted".into()),
            "What was written is no sealed keys yet; no value was written or shown anywhere.",
            None,
            ExitCode::PutBack,
        )),
    }
}

/// Whoever gets at the place of both needs only one more thing, and whoever loses it has neither.
fn same_place(flags: &CreateKeysFlags, environment: &Environment) -> Option<String> {
    let dumps = store_place(flags.dumps_in.as_deref(), environment).ok()?;
    let keys = store_place(Some(&flags.keys_to), environment).ok()?;
    let inside = |one: &str, other: &str| {
        let bare = |text: &str| {
            text.split('?')
                .next()
                .unwrap_or_default()
                .trim_end_matches('/')
                .to_owned()
        };
        Path::new(&bare(one)).starts_with(bare(other))
    };
    (inside(&keys, &dumps) || inside(&dumps, &keys)).then(|| {
        format!("the keys lie in the same place as the dumps ({dumps}): whoever loses it loses both; keep them apart")
    })
}

/// Reads the keys that the flags mean.
pub(crate) async fn keys(
    session: &Session,
    flags: &KeyFlags,
    release: Option<&str>,
) -> Result<Vec<Key>, ExitCode> {
    let Session {
        cluster,
        namespace,
        output,
        ..
    } = session;
    let selectors = flags.selectors.iter().cloned().map(KeySource::Selector);
    let sources: Vec<KeySource> = flags.keys.iter().cloned().chain(selectors).collect();
    let mut keys = collect(cluster, namespace, &sources)
        .await
        .map_err(|error| failed(output, &error))?;
    if let Some(release) = release.filter(|_| !flags.values.is_empty()) {
        let storage = Storage::open(cluster, namespace).map_err(|error| could_not_begin(output, &error))?;
        let stored = storage
            .latest(release)
            .await
            .map_err(|error| could_not_begin(output, &error))?;
        let Some(stored) = stored else {
            let words = format!("release {release} not found in namespace {namespace}");
            return Err(could_not_begin(output, &Words(words)));
        };
        for path in &flags.values {
            let found = path
                .split('.')
                .try_fold(&stored.values, |value, step| value.get(step));
            let text = match found {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(value) if !value.is_null() => value.to_string(),
                Some(_) | None => {
                    let words = format!("the values of release {release} have nothing at {path}");
                    return Err(could_not_begin(output, &Words(words)));
                }
            };
            keys.push(Key::new("values", path, text.as_bytes()));
        }
    }
    Ok(keys)
}

/// The store, noting the keys that the flags of `create` mean in the manifest: fingerprints only.
pub(crate) async fn noted(session: &Session, flags: &CreateFlags, store: Store) -> Result<Store, ExitCode> {
    let keys = keys(session, &flags.keys, flags.target.release.as_deref()).await?;
    Ok(if keys.is_empty() {
        store
    } else {
        store.noting_keys(fingerprints(&keys))
    })
}

/// Warns where the keys of a backup's time are not those of now: rows that were encrypted under them stay unreadable.
pub(crate) async fn warn_of_drift(session: &Session, backup: &Backup) {
    let manifest = &backup.manifest;
    let Some(recorded) = &manifest.keys else {
        return;
    };
    let compared = compare_keys(&session.cluster, &session.namespace, recorded).await;
    for warning in unequal(&compared) {
        // A terminal that went away is no reason not to restore.
        drop(session.output.talk(|out, _| writeln!(out, "warning: {warning}")));
    }
}

async fn list(flags: &ListKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let output = Output::new(&flags.output, environment);
    let vault = vault(&output, &flags.vault.keys_from, environment)?;
    let items = vault.list().await.map_err(|error| failed(&output, &error))?;
    let report = KeysListReport {
        api_version: API_VERSION.into(),
        kind: "KeysList".into(),
        items,
    };
    let written = output.result(&report, |out, _| render::keys_list(out, &report));
    Ok(cli::end_with(&output, written, ExitCode::Done))
}

async fn show(flags: &ShowKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let output = Output::new(&flags.common.output, environment);
    let vault = vault(&output, &flags.vault.keys_from, environment)?;
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
async fn test(flags: &TestKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let output = Output::new(&flags.common.output, environment);
    let vault = vault(&output, &flags.vault.keys_from, environment)?;
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

async fn export(flags: &ExportKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let output = Output::new(&flags.output, environment);
    let vault = vault(&output, &flags.vault.keys_from, environment)?;
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
        let other = self::vault(&output, place, environment)?;
        report.uri = other.copy(&kept).await.map_err(|error| failed(&output, &error))?;
    }
    Ok(told(&output, &report, ExitCode::Done))
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
