//! The user's configuration: stores of backups by name. It holds no secret.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use backup::{Store, StoreError};
use model::{API_VERSION, StoreSummary, read_strict};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use thiserror::Error;

use crate::Environment;

/// The variable that names the file.
const VARIABLE: &str = "SAFE_UPGRADE_CONFIG";

/// The longest name of a store.
const LONGEST_NAME: usize = 63;

/// Stores by name, and the file that they stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    path: PathBuf,
    text: String,
    stores: BTreeMap<String, NamedStore>,
}

/// The content of the file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    api_version: String,
    kind: String,
    #[serde(default)]
    stores: BTreeMap<String, NamedStore>,
}

/// A store as it stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedStore {
    /// A folder, or a bucket as `s3://bucket/prefix`.
    pub url: String,
    /// Another S3 server than Amazon's.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// `false` where the bucket is part of the host's name.
    pub path_style: Option<bool>,
}

/// Why the configuration cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nowhere to look.
    #[error("there is no home folder to keep the configuration in: set {VARIABLE} to a file")]
    NoHome,
    /// The file.
    #[error("failed to {doing} {path}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What stands in it.
    #[error("{path}{}: {message}{}", .line.map(|line| format!(", line {line}")).unwrap_or_default(),
        .suggestion.as_ref().map(|key| format!(" (did you mean `{key}`?)")).unwrap_or_default())]
    Text {
        /// The file.
        path: String,
        /// Line, counted from 1, where known.
        line: Option<u64>,
        /// What is wrong.
        message: String,
        /// The key that was meant, perhaps.
        suggestion: Option<String>,
    },
    /// A name that a store cannot have.
    #[error(
        "{0:?} is no name for a store: use lower-case letters, digits and hyphens, at most {LONGEST_NAME}"
    )]
    Name(String),
    /// The name is taken.
    #[error("there is a store {name} already: {url}")]
    Taken {
        /// The name.
        name: String,
        /// Its URL.
        url: String,
    },
    /// A store that cannot be one.
    #[error("store {name}")]
    Store {
        /// The name.
        name: String,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// The file is written in a way that a line cannot be added to.
    #[error(
        "{path} is written in a way that nothing can be added to by the program; add these lines by hand:\n{lines}"
    )]
    ByHand {
        /// The file.
        path: String,
        /// What to add.
        lines: String,
    },
}

impl NamedStore {
    /// The text that opens the store from anywhere.
    ///
    /// # Errors
    /// When it cannot be one.
    pub fn text(&self) -> Result<String, StoreError> {
        let style = self.path_style.map(|style| style.to_string());
        let options = [
            ("endpoint", &self.endpoint),
            ("region", &self.region),
            ("path-style", &style),
        ];
        let mut text = self.url.clone();
        for (name, value) in options {
            if let Some(value) = value {
                let sign = if text.contains('?') { '&' } else { '?' };
                text = format!(
                    "{text}{sign}{name}={}",
                    utf8_percent_encode(value, NON_ALPHANUMERIC)
                );
            }
        }
        Ok(Store::open(&text)?.to_string())
    }

    /// As it stands in the file.
    fn lines(&self, name: &str) -> String {
        let quoted = |value: &str| format!("'{}'", value.replace('\'', "''"));
        let mut lines = format!("  {name}:\n    url: {}\n", quoted(&self.url));
        for (key, value) in [("endpoint", &self.endpoint), ("region", &self.region)] {
            if let Some(value) = value {
                lines.push_str(&format!("    {key}: {}\n", quoted(value)));
            }
        }
        if let Some(style) = self.path_style {
            lines.push_str(&format!("    pathStyle: {style}\n"));
        }
        lines
    }
}

impl Config {
    /// Reads `$SAFE_UPGRADE_CONFIG`, else `safe-upgrade/config.yaml` in the user's configuration folder. A file that is
    /// not there is an empty one.
    ///
    /// # Errors
    /// When the file cannot be read, or holds anything but what it should.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let path = path(environment).ok_or(ConfigError::NoHome)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => {
                return Err(ConfigError::File {
                    doing: "read",
                    path: path.display().to_string(),
                    source,
                });
            }
        };
        Self::parse(path, text)
    }

    fn parse(path: PathBuf, text: String) -> Result<Self, ConfigError> {
        if text.trim().is_empty() {
            return Ok(Self {
                path,
                text,
                stores: BTreeMap::new(),
            });
        }
        let wrong = |line, message, suggestion| ConfigError::Text {
            path: path.display().to_string(),
            line,
            message,
            suggestion,
        };
        let document: Document =
            read_strict(&text).map_err(|error| wrong(error.line, error.message, error.suggestion))?;
        if document.api_version != API_VERSION {
            let message = format!(
                "apiVersion is `{}`, this program reads `{API_VERSION}`",
                document.api_version
            );
            return Err(wrong(None, message, None));
        }
        if document.kind != "Config" {
            return Err(wrong(
                None,
                format!("kind is `{}`, not `Config`", document.kind),
                None,
            ));
        }
        for (name, store) in &document.stores {
            check_name(name)?;
            store.text().map_err(|source| ConfigError::Store {
                name: name.clone(),
                source,
            })?;
        }
        Ok(Self {
            path,
            text,
            stores: document.stores,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store of a name, as a text that opens it.
    pub fn store(&self, name: &str) -> Option<String> {
        self.stores.get(name).and_then(|store| store.text().ok())
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.stores.keys().map(String::as_str)
    }

    /// All stores, by name.
    pub fn summaries(&self) -> Vec<StoreSummary> {
        let summary = |(name, store): (&String, &NamedStore)| {
            Some(StoreSummary {
                name: name.clone(),
                url: store.text().ok()?,
            })
        };
        self.stores.iter().filter_map(summary).collect()
    }

    /// Adds a store to the file, which keeps everything else as it is, and gives the text that opens it.
    ///
    /// # Errors
    /// When the name or the store is none, the name is taken, or the file cannot be written.
    pub fn add(&self, name: &str, store: &NamedStore) -> Result<String, ConfigError> {
        check_name(name)?;
        if let Some(url) = self.store(name) {
            return Err(ConfigError::Taken {
                name: name.to_owned(),
                url,
            });
        }
        let opened = store.text().map_err(|source| ConfigError::Store {
            name: name.to_owned(),
            source,
        })?;
        let mut stored = store.clone();
        if !stored.url.contains("://") {
            // A relative folder would be another one from elsewhere.
            stored.url.clone_from(&opened);
        }
        let lines = stored.lines(name);
        let text = self.text_with(&lines);
        let by_hand = || ConfigError::ByHand {
            path: self.path.display().to_string(),
            lines: lines.clone(),
        };
        let added = Self::parse(self.path.clone(), text.clone()).map_err(|_| by_hand())?;
        let mut wanted = self.stores.clone();
        wanted.insert(name.to_owned(), stored);
        if added.stores != wanted {
            return Err(by_hand());
        }
        write(&self.path, &text).map_err(|source| ConfigError::File {
            doing: "write",
            path: self.path.display().to_string(),
            source,
        })?;
        Ok(opened)
    }

    fn text_with(&self, lines: &str) -> String {
        let mut text = self.text.trim_end().to_owned();
        if text.is_empty() {
            text = format!("apiVersion: {API_VERSION}\nkind: Config");
        }
        if self.stores.is_empty() && !text.lines().any(|line| line.trim_end() == "stores:") {
            text.push_str("\nstores:");
        }
        format!("{text}\n{lines}")
    }
}

fn path(environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = environment.get(VARIABLE) {
        return Some(PathBuf::from(path));
    }
    let folder = environment
        .get("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || {
        let home = environment
            .get("HOME")
            .or_else(|| environment.get("USERPROFILE"))?;
        Some(Path::new(home).join(".config"))
    };
    Some(folder.or_else(home)?.join("safe-upgrade").join("config.yaml"))
}

fn check_name(name: &str) -> Result<(), ConfigError> {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if plain && !name.is_empty() && !name.starts_with('-') && name.len() <= LONGEST_NAME {
        Ok(())
    } else {
        Err(ConfigError::Name(name.to_owned()))
    }
}

/// Writes the file beside its place and renames it, so that it is there whole or as it was.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.file_name().unwrap_or_default().to_owned();
    beside.push(".new");
    let beside = path.with_file_name(beside);
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, ConfigError> {
        Config::parse("config.yaml".into(), text.to_owned())
    }

    const HEAD: &str = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Config\n";

    #[test]
    fn the_file_is_where_the_environment_says() {
        let found = |variables: &[(&str, &str)]| path(&Environment::of(variables));
        assert_eq!(
            found(&[("HOME", "/home/ann")]),
            Some("/home/ann/.config/safe-upgrade/config.yaml".into())
        );
        assert_eq!(
            found(&[("HOME", "/home/ann"), ("XDG_CONFIG_HOME", "/etc/xdg")]),
            Some("/etc/xdg/safe-upgrade/config.yaml".into())
        );
        assert_eq!(
            found(&[("HOME", "/home/ann"), (VARIABLE, "/x.yaml")]),
            Some("/x.yaml".into())
        );
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn a_store_s_options_become_part_of_its_text() {
        let text = format!(
            "{HEAD}stores:\n  prod:\n    url: s3://backups/prod\n    endpoint: https://s3.example.com\n    region: eu-1\n"
        );
        assert_eq!(
            parsed(&text).unwrap().store("prod").as_deref(),
            Some("s3://backups/prod?endpoint=https%3A%2F%2Fs3.example.com&region=eu-1")
        );
    }

    #[test]
    fn a_mistyped_key_is_named_with_its_line_and_the_one_that_was_meant() {
        let text = format!("{HEAD}stores:\n  prod:\n    url: s3://b\n    regoin: x\n");
        let told = parsed(&text).unwrap_err().to_string();
        assert_eq!(
            told,
            "config.yaml, line 6: unknown key `regoin` (did you mean `region`?)"
        );
        let told = parsed("apiVersion: v9\nkind: Config\n").unwrap_err().to_string();
        assert!(told.contains("v9"), "{told}");
        let secret = format!("{HEAD}stores:\n  prod:\n    url: s3://me:hush@b\n");
        let told = model::causes(&parsed(&secret).unwrap_err());
        assert!(told.contains("credentials") && !told.contains("hush"), "{told}");
    }

    #[test]
    fn a_store_is_added_without_touching_what_somebody_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sub").join("config.yaml");
        let environment = Environment::of(&[(VARIABLE, file.to_str().unwrap())]);
        let bucket = NamedStore {
            url: "s3://b/it's".into(),
            endpoint: Some("http://127.0.0.1:9000".into()),
            path_style: Some(false),
            ..NamedStore::default()
        };
        Config::read(&environment).unwrap().add("prod", &bucket).unwrap();
        let own = format!("{}\n# mine\n", fs::read_to_string(&file).unwrap());
        fs::write(&file, &own).unwrap();
        let second = NamedStore {
            url: "here".into(),
            ..NamedStore::default()
        };
        Config::read(&environment).unwrap().add("local", &second).unwrap();
        let config = Config::read(&environment).unwrap();
        assert_eq!(config.names().collect::<Vec<_>>(), ["local", "prod"]);
        assert_eq!(config.stores["prod"], bucket);
        assert!(config.store("local").unwrap().starts_with('/'));
        assert!(fs::read_to_string(&file).unwrap().contains("# mine"));

        let taken = config.add("prod", &bucket).unwrap_err().to_string();
        assert!(taken.contains("already"), "{taken}");
        for name in ["", "A", "a/b", "-x", "s3://x"] {
            assert!(
                matches!(config.add(name, &bucket), Err(ConfigError::Name(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn a_file_that_cannot_be_added_to_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yaml");
        let text = format!("stores: {{a: {{url: /a}}}}\n{HEAD}");
        fs::write(&file, &text).unwrap();
        let environment = Environment::of(&[(VARIABLE, file.to_str().unwrap())]);
        let config = Config::read(&environment).unwrap();
        let second = NamedStore {
            url: "/b".into(),
            ..NamedStore::default()
        };
        let told = config.add("b", &second).unwrap_err().to_string();
        assert!(told.contains("by hand") && told.contains("url: '/b'"), "{told}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}
