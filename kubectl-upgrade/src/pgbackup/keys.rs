//! `kubectl pgbackup keys`: the keys without which a restore is useless.

use std::path::{Path, PathBuf};

use backup::keys::{
    CollectError, Key, KeySource, KeySourceError, KeysError, KeysRequest, SealedKeys, Vault, collect,
    compare_keys, fingerprints, unequal,
};
use backup::{Backup, BackupId, Place, Store};
use checks::profiles::{ProfileChoice, resolve};
use clap::{Args, Subcommand};
use cli::{Environment, Output, store_place};
use helm::{Storage, StorageError};
use jiff::Timestamp;
use model::{API_VERSION, ComparedKey, ExitCode, KeyState, KeysListReport, KeysReport, Profile, causes};
use thiserror::Error;

use super::act::{ActEnd, act};
use super::arguments::CreateFlags;
use super::failure::{Ends, failed};
use super::seal::{IdentityFlags, RecipientFlags};
use super::stored::{Words, open_store};
use super::target::Target;
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
    /// Profile whose `keys` are meant where no flag names any: a built-in name or a file
    #[arg(long, value_name = "NAME|FILE")]
    profile: Option<String>,
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

async fn vault(place: &str, common: &Common, environment: &Environment) -> Result<Vault, ExitCode> {
    let place = store_place(Some(place), environment);
    let output = Output::new(&common.output, environment);
    let place = place.map_err(|words| could_not_begin(&output, &Words(words)))?;
    open_store(&place, common, environment).await.map(Vault::new)
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
    let vault = vault(&flags.keys_to, &flags.common, environment).await?;
    let refused = |error: ReadKeysError| could_not_begin(output, &error);
    let wanted = if flags.keys.any() {
        flags.keys.clone()
    } else {
        KeyFlags::of(&profile(&session, flags).await?).map_err(refused)?
    };
    let keys = keys(&session, &wanted, flags.release.as_deref())
        .await
        .map_err(refused)?;
    if keys.is_empty() {
        let words = "nothing says which keys: use --key SECRET[/KEY], --key-selector or --key-value, or a profile with `keys`";
        return Err(could_not_begin(output, &Words(words.to_owned())));
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

/// The profile that is named, or fits the release's chart.
async fn profile(session: &Session, flags: &CreateKeysFlags) -> Result<Profile, ExitCode> {
    let output = &session.output;
    let mut charts = Vec::new();
    if let Some(release) = &flags.release {
        let stored = async {
            Storage::open(&session.cluster, &session.namespace)?
                .latest(release)
                .await
        };
        let stored = stored
            .await
            .map_err(|error| could_not_begin(output, &ReadKeysError::from(error)))?;
        charts.extend(stored.map(|stored| stored.release.chart.name));
    }
    let choice = flags
        .profile
        .as_deref()
        .map_or(ProfileChoice::Matching, ProfileChoice::from_argument);
    let charts: Vec<&str> = charts.iter().map(String::as_str).collect();
    let resolved = resolve(&choice, &charts, &[]);
    resolved
        .map(|resolved| resolved.profile)
        .map_err(|error| could_not_begin(output, &error))
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

/// Why keys could not be read.
#[derive(Debug, Error)]
enum ReadKeysError {
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error("failed to read the release")]
    Records(#[from] StorageError),
    #[error("release {release} not found in namespace {namespace}")]
    UnknownRelease { release: String, namespace: String },
    #[error("the values of release {release} have nothing at {path}")]
    NoValue { release: String, path: String },
    #[error("profile {profile}, `keys`: {words}")]
    Profile { profile: String, words: String },
}

impl KeyFlags {
    /// What a profile says.
    fn of(profile: &Profile) -> Result<Self, ReadKeysError> {
        let read = |text: &String| {
            text.parse()
                .map_err(|error: KeySourceError| ReadKeysError::Profile {
                    profile: profile.name.clone(),
                    words: error.to_string(),
                })
        };
        Ok(Self {
            keys: profile.keys.secrets.iter().map(read).collect::<Result<_, _>>()?,
            selectors: profile.keys.selectors.clone(),
            values: profile.keys.values.clone(),
        })
    }
}

/// Reads the keys that the flags mean.
async fn keys(session: &Session, flags: &KeyFlags, release: Option<&str>) -> Result<Vec<Key>, ReadKeysError> {
    let Session {
        cluster, namespace, ..
    } = session;
    let selectors = flags.selectors.iter().cloned().map(KeySource::Selector);
    let sources: Vec<KeySource> = flags.keys.iter().cloned().chain(selectors).collect();
    let mut keys = collect(cluster, namespace, &sources).await?;
    if let Some(release) = release.filter(|_| !flags.values.is_empty()) {
        let stored = Storage::open(cluster, namespace)?.latest(release).await?;
        let stored = stored.ok_or_else(|| ReadKeysError::UnknownRelease {
            release: release.to_owned(),
            namespace: namespace.clone(),
        })?;
        for path in &flags.values {
            let found = path
                .split('.')
                .try_fold(&stored.values, |value, step| value.get(step));
            let text = match found {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(value) if !value.is_null() => value.to_string(),
                Some(_) | None => {
                    return Err(ReadKeysError::NoValue {
                        release: release.to_owned(),
                        path: path.clone(),
                    });
                }
            };
            keys.push(Key::new("values", path, text.as_bytes()));
        }
    }
    Ok(keys)
}

/// The store, noting keys in the manifest, fingerprints only: those that the flags of `create` mean, else those of the
/// profile. What a profile names and cannot be read is told, and keeps nobody from a backup.
pub(crate) async fn noted(
    session: &Session,
    flags: &CreateFlags,
    target: &Target,
    store: Store,
) -> Result<Store, ExitCode> {
    let output = &session.output;
    let release = target.release.as_ref().map(|release| release.name.as_str());
    let read = if flags.keys.any() {
        let read = keys(session, &flags.keys, release).await;
        read.map_err(|error| could_not_begin(output, &error))?
    } else {
        let read = async { keys(session, &KeyFlags::of(&target.profile)?, release).await };
        read.await.unwrap_or_else(|error| {
            let words = causes(&error);
            drop(output.talk(|out, _| writeln!(out, "warning: the backup notes no keys: {words}")));
            Vec::new()
        })
    };
    Ok(if read.is_empty() {
        store
    } else {
        store.noting_keys(fingerprints(&read))
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

async fn show(flags: &ShowKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
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
async fn test(flags: &TestKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
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

async fn export(flags: &ExportKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
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
        let other = self::vault(place, &flags.common, environment).await?;
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
