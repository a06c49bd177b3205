//! The folder that backups are kept in.

mod draft;

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use model::{BackupGrade, BackupManifest, BackupSummary, Verification};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use crate::BackupId;

pub(crate) use draft::{Draft, make_private_folder, write_new};

/// The file that makes a folder a backup.
pub(crate) const MANIFEST: &str = "manifest.json";

/// What a name may hold as a step of a path. The dot is not among it, so that no name can be `..`.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A folder with backups: `<cluster>/<namespace>/<server>/<database>/<id>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

/// Whose backups: the first four steps of the path in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// First 8 characters of the kube-system UID, or `direct`.
    pub cluster: String,
    /// Namespace of the database; `direct` where there is none.
    pub namespace: String,
    /// The server's workload name or system identifier.
    pub server: String,
    /// The database's name.
    pub database: String,
}

/// Which backups to list; `None` is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// See [`Place::cluster`].
    pub cluster: Option<String>,
    /// See [`Place::namespace`].
    pub namespace: Option<String>,
    /// See [`Place::server`].
    pub server: Option<String>,
    /// See [`Place::database`].
    pub database: Option<String>,
}

/// A complete backup in a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Backup {
    /// Its id.
    pub id: BackupId,
    /// Its folder.
    pub folder: PathBuf,
    /// Its manifest.
    pub manifest: BackupManifest,
    /// Its restore tests, oldest first.
    pub verifications: Vec<Verification>,
}

/// Why a store cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The text names something else than a folder here.
    #[error("{0:?} is no place for backups: name a folder, as a path or as file:///path")]
    NoFolder(String),
    /// A file or folder of the store.
    #[error("failed to {doing} {path}")]
    Io {
        /// What was tried: `read`, `create`, …
        doing: &'static str,
        /// The file or folder.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no such backup.
    #[error("no backup {id} in {store}")]
    Unknown {
        /// The id.
        id: String,
        /// The folder.
        store: String,
    },
}

impl StoreError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { doing, path, source }
    }
}

impl Place {
    fn folder(&self, root: &Path) -> PathBuf {
        let Self {
            cluster,
            namespace,
            server,
            database,
        } = self;
        [cluster, namespace, server, database]
            .into_iter()
            .fold(root.to_owned(), |path, name| path.join(step(name)))
    }
}

/// A name as a step of a path.
fn step(name: &str) -> String {
    if name.is_empty() {
        "_".into()
    } else {
        utf8_percent_encode(name, PLAIN).to_string()
    }
}

impl Store {
    /// A store in a folder, as an absolute or relative path or as `file:///path`. It is made when the first backup is.
    ///
    /// # Errors
    /// When the text names something else than a folder on this machine.
    pub fn open(text: &str) -> Result<Self, StoreError> {
        let no_folder = || StoreError::NoFolder(text.to_owned());
        let path = if text.contains("://") {
            let url = url::Url::parse(text).map_err(|_| no_folder())?;
            if url.scheme() != "file" {
                return Err(no_folder());
            }
            url.to_file_path().map_err(|()| no_folder())?
        } else if text.is_empty() {
            return Err(no_folder());
        } else {
            PathBuf::from(text)
        };
        let root = std::path::absolute(&path).map_err(StoreError::io("find", &path))?;
        Ok(Self { root })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All complete backups that the filter lets through, newest first. What has no manifest is no backup.
    ///
    /// # Errors
    /// When the folder cannot be read. A folder that is not there is an empty list.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Backup>, StoreError> {
        let wanted = [
            &filter.cluster,
            &filter.namespace,
            &filter.server,
            &filter.database,
        ]
        .map(Clone::clone);
        let root = self.root.clone();
        let listed = tokio::task::spawn_blocking(move || list_folder(&root, &wanted)).await;
        listed.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// The backup with this id.
    ///
    /// # Errors
    /// When there is none, or the folder cannot be read.
    pub async fn find(&self, id: &BackupId) -> Result<Backup, StoreError> {
        let backups = self.list(&Filter::default()).await?;
        backups
            .into_iter()
            .find(|backup| backup.id == *id)
            .ok_or_else(|| StoreError::Unknown {
                id: id.to_string(),
                store: self.root.display().to_string(),
            })
    }

    /// Begins a backup.
    pub(crate) fn draft(&self, place: &Place, id: &BackupId) -> Result<Draft, StoreError> {
        Draft::begin(&self.root, &place.folder(&self.root), id)
    }

    /// Takes away what a killed attempt left under this id. What has a manifest stays.
    pub(crate) fn forget_partial(&self, place: &Place, id: &BackupId) {
        let folder = place.folder(&self.root).join(id.as_str());
        if folder.is_dir() && !folder.join(MANIFEST).exists() {
            // It is not listed either way; a folder that cannot be removed only takes room.
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
}

fn list_folder(root: &Path, wanted: &[Option<String>; 4]) -> Result<Vec<Backup>, StoreError> {
    let mut folders = vec![root.to_owned()];
    for name in wanted {
        let mut next = Vec::new();
        for folder in folders {
            match name {
                Some(name) => next.push(folder.join(step(name))),
                None => next.extend(folders_in(&folder)?),
            }
        }
        folders = next;
    }
    let mut backups = Vec::new();
    for folder in folders {
        for candidate in folders_in(&folder)? {
            backups.extend(Backup::read(&candidate)?);
        }
    }
    backups.sort_by(|one, other| other.id.cmp(&one.id));
    Ok(backups)
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // Gone, or never made, or a stray file: nothing is listed there.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(StoreError::io("read", folder)(error)),
    };
    let paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>();
    let paths = paths.map_err(StoreError::io("read", folder))?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

impl Backup {
    /// Reads a folder; `None` when it is no complete backup: no manifest, another's manifest, or a file that is missing
    /// or has another size than the manifest says.
    ///
    /// # Errors
    /// When a file that is there cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        let Some(id) = folder
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse().ok())
        else {
            return Ok(None);
        };
        let path = folder.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        let Ok(manifest) = serde_json::from_slice::<BackupManifest>(&text) else {
            return Ok(None);
        };
        let id: BackupId = id;
        let whole = manifest.files.iter().all(|file| {
            std::fs::metadata(folder.join(&file.name)).is_ok_and(|found| found.len() == file.bytes)
        });
        if manifest.id != id.as_str() || !manifest.proof.is_complete() || !whole {
            return Ok(None);
        }
        Ok(Some(Self {
            id,
            folder: folder.to_owned(),
            manifest,
            verifications: verifications(folder)?,
        }))
    }

    /// The backup as a line of a list. Its grade is A once a restore test found no difference, B before.
    pub fn summary(&self, now: Timestamp) -> BackupSummary {
        let manifest = &self.manifest;
        let finished: Option<Timestamp> = manifest.finished_at.parse().ok();
        let proven = self
            .verifications
            .last()
            .is_some_and(|test| test.differences.is_empty());
        BackupSummary {
            id: self.id.to_string(),
            uri: self.uri(),
            source: "pgbackup".into(),
            database: manifest.database.clone(),
            finished_at: manifest.finished_at.clone(),
            age_seconds: finished.map_or(0, |finished| now.as_second() - finished.as_second()),
            bytes: Some(manifest.files.iter().map(|file| file.bytes).sum()),
            grade: if proven { BackupGrade::A } else { BackupGrade::B },
            system_identifier: manifest.server.system_identifier.clone(),
            server_major: Some(manifest.server.version_num / 10_000),
        }
    }

    /// Its place as `file://…`.
    pub fn uri(&self) -> String {
        url::Url::from_file_path(&self.folder)
            .map_or_else(|()| self.folder.display().to_string(), |url| url.to_string())
    }
}

fn verifications(folder: &Path) -> Result<Vec<Verification>, StoreError> {
    let entries = std::fs::read_dir(folder).map_err(StoreError::io("read", folder))?;
    let mut found: Vec<Verification> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("verified-"))
        .filter_map(|entry| serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok())
        .collect();
    found.sort_by(|one, other| one.verified_at.cmp(&other.verified_at));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_stores_and_other_places_are_not() {
        assert_eq!(Store::open("/a/b").unwrap().root(), Path::new("/a/b"));
        assert_eq!(
            Store::open("file:///a/b%20c").unwrap().root(),
            Path::new("/a/b c")
        );
        for text in ["", "s3://bucket/x", "https://host/x"] {
            assert!(
                matches!(Store::open(text), Err(StoreError::NoFolder(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn no_name_can_leave_its_step_of_the_path() {
        for name in ["..", ".", "a/b", "a\\b", "C:", "é", "x\ny", ""] {
            let step = step(name);
            assert!(
                !step.is_empty() && !step.contains(['/', '\\', '.', ':', '\n']),
                "{step}"
            );
        }
    }
}
