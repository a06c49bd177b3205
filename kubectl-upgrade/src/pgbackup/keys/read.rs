//! Which keys are meant, and reading them from the cluster.

use backup::keys::{CollectError, Key, KeySource, KeySourceError, collect};
use clap::Args;
use helm::{Storage, StorageError};
use model::Profile;
use thiserror::Error;

use crate::session::Session;

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

/// Why keys could not be read.
#[derive(Debug, Error)]
pub(super) enum ReadKeysError {
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error("failed to read the release")]
    Records(#[from] StorageError),
    #[error("release {release} not found in namespace {namespace}: `helm list -A` names those there are")]
    UnknownRelease { release: String, namespace: String },
    #[error("the values of release {release} have nothing at {path}")]
    NoValue { release: String, path: String },
    #[error("profile {profile}, `keys`: {words}")]
    Profile { profile: String, words: String },
}

impl KeyFlags {
    /// What a profile says.
    pub(super) fn of(profile: &Profile) -> Result<Self, ReadKeysError> {
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
pub(super) async fn keys(
    session: &Session,
    flags: &KeyFlags,
    release: Option<&str>,
) -> Result<Vec<Key>, ReadKeysError> {
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
