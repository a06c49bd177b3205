//! `keys create`.

use std::path::Path;

use backup::Place;
use backup::keys::{KeysError, KeysRequest};
use checks::profiles::resolve;
use clap::Args;
use cli::{Environment, ProfileFlags, store_place};
use helm::Storage;
use jiff::Timestamp;
use model::{ExitCode, Profile};

use super::super::act::{ActEnd, act};
use super::super::failure::failed;
use super::super::seal::RecipientFlags;
use super::super::stored::Words;
use super::read::{KeyFlags, ReadKeysError, keys};
use super::{report, told, vault};
use crate::session::{Common, Session, could_not_begin};

/// Flags of `keys create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CreateKeysFlags {
    /// The Helm release whose keys they are
    #[arg(value_name = "RELEASE", id = "release")]
    release: Option<String>,
    #[command(flatten)]
    keys: KeyFlags,
    #[command(flatten)]
    profile: ProfileFlags,
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

/// Reads keys, seals them and keeps them.
pub(super) async fn create(flags: &CreateKeysFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
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
    let choice = flags.profile.choice();
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
