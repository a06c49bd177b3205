//! Reading keys from where they are.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::{ApiError, Cluster};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::api::{Api, ListParams};
use model::Secret;
use postgres_room::Credentials;
use thiserror::Error;

/// Where keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A Secret, or one key of it.
    Secret {
        /// Its name.
        name: String,
        /// The key; all of them where none is said.
        key: Option<String>,
    },
    /// Every Secret with these labels, as `kubectl get -l` takes them.
    Selector(String),
}

/// A text that names no key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0:?} names no key: write SECRET or SECRET/KEY")]
pub struct KeySourceError(String);

impl FromStr for KeySource {
    type Err = KeySourceError;

    fn from_str(text: &str) -> Result<Self, KeySourceError> {
        let (name, key) = match text.split_once('/') {
            Some((name, key)) => (name, Some(key.to_owned())),
            None => (text, None),
        };
        let wrong = name.is_empty()
            || key
                .as_deref()
                .is_some_and(|key| key.is_empty() || key.contains('/'));
        if wrong {
            return Err(KeySourceError(text.to_owned()));
        }
        Ok(Self::Secret {
            name: name.to_owned(),
            key,
        })
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { name, key: None } => write!(f, "secret/{name}"),
            Self::Secret { name, key: Some(key) } => write!(f, "key {key} of secret/{name}"),
            Self::Selector(labels) => write!(f, "secrets with {labels}"),
        }
    }
}

/// A key with its value.
#[derive(Debug, Clone)]
pub struct Key {
    /// `secret/NAME`, `values` or `database`.
    pub source: String,
    /// Its name there.
    pub name: String,
    /// The value in base64, since a key need not be text.
    pub(super) value: Secret,
}

impl Key {
    /// A key from its value as it is.
    pub fn new(source: impl Into<String>, name: impl Into<String>, value: &[u8]) -> Self {
        Self {
            source: source.into(),
            name: name.into(),
            value: Secret::new(STANDARD.encode(value)),
        }
    }

    /// The credentials of a database.
    pub fn of_database(credentials: &Credentials) -> Vec<Self> {
        let user = Self::new("database", "user", credentials.user.as_bytes());
        let password = credentials.password.as_ref();
        let password =
            password.map(|password| Self::new("database", "password", password.expose().as_bytes()));
        std::iter::once(user).chain(password).collect()
    }
}

/// Why keys could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CollectError {
    /// The API server did not give it.
    #[error("failed to read keys")]
    Api(#[from] ApiError),
    /// There is none.
    #[error("there is no {source_words} in namespace {namespace}")]
    Absent {
        /// What was looked for.
        source_words: String,
        /// Where.
        namespace: String,
    },
}

/// Reads the keys of every source, each once.
///
/// # Errors
/// When one cannot be read, or is not there: keys that are left out silently are missed when it is too late.
pub async fn collect(
    cluster: &Cluster,
    namespace: &str,
    sources: &[KeySource],
) -> Result<Vec<Key>, CollectError> {
    let api: Api<KubeSecret> = Api::namespaced(cluster.client.clone(), namespace);
    let mut keys: Vec<Key> = Vec::new();
    for source in sources {
        let absent = || CollectError::Absent {
            source_words: source.to_string(),
            namespace: namespace.to_owned(),
        };
        let failed = |error| ApiError::new(format!("read {source} in namespace {namespace}"), error);
        let (found, wanted) = match source {
            KeySource::Secret { name, key } => {
                let found = api.get_opt(name).await.map_err(failed)?;
                (vec![found.ok_or_else(absent)?], key.as_ref())
            }
            KeySource::Selector(labels) => {
                let found = api
                    .list(&ListParams::default().labels(labels))
                    .await
                    .map_err(failed)?;
                (found.items, None)
            }
        };
        let found = found.iter().flat_map(keys_of);
        let found: Vec<Key> = found
            .filter(|key| wanted.is_none_or(|wanted| *wanted == key.name))
            .collect();
        if found.is_empty() {
            return Err(absent());
        }
        for key in found {
            let known = |other: &Key| (&other.source, &other.name) == (&key.source, &key.name);
            if !keys.iter().any(known) {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

fn keys_of(secret: &KubeSecret) -> Vec<Key> {
    let source = format!("secret/{}", secret.metadata.name.as_deref().unwrap_or_default());
    let data = secret.data.iter().flatten();
    data.map(|(name, value)| Key::new(&source, name, &value.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_its_secret_and_perhaps_its_key() {
        let secret = |name: &str, key: Option<&str>| KeySource::Secret {
            name: name.into(),
            key: key.map(str::to_owned),
        };
        assert_eq!("web".parse(), Ok(secret("web", None)));
        assert_eq!("web/tls.key".parse(), Ok(secret("web", Some("tls.key"))));
        for text in ["", "/x", "web/", "web/a/b"] {
            assert!(text.parse::<KeySource>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_is_never_shown() {
        let key = Key::new("secret/web", "key", b"hunter2");
        let shown = format!("{key:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("aHVudGVyMg"),
            "{shown}"
        );
    }
}
