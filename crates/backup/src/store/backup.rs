//! A complete backup in a store.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use model::{BackupFile, BackupGrade, BackupManifest, BackupSummary, Verification};

use super::StoreError;
use super::backend::{Backend, Incoming, StoredFile};
use super::layout::{MANIFEST, SMALL, VERIFIED};
use crate::BackupId;

/// A complete backup in a store.
#[derive(Clone)]
pub struct Backup {
    /// Its id.
    pub id: BackupId,
    /// Its manifest.
    pub manifest: BackupManifest,
    /// Its restore tests, oldest first.
    pub verifications: Vec<Verification>,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) folder: String,
}

/// What a folder of a store is.
pub(super) enum Looked {
    /// A complete backup.
    Whole(Box<Backup>),
    /// It has a manifest and is not what that says, in words.
    Flawed(Vec<String>),
    /// No backup: it has no manifest.
    Nothing,
}

impl Looked {
    /// The complete backup, if it is one.
    pub(super) fn whole(self) -> Option<Backup> {
        match self {
            Self::Whole(backup) => Some(*backup),
            Self::Flawed(_) | Self::Nothing => None,
        }
    }
}

/// What a folder lacks of what its manifest says, in words.
fn flaws(id: &BackupId, manifest: &BackupManifest, folder: &str, files: &[StoredFile]) -> Vec<String> {
    let mut flaws = Vec::new();
    if manifest.id != id.as_str() {
        flaws.push(format!("its manifest is that of {}", manifest.id));
    }
    if !manifest.proof.is_complete() {
        flaws.push("it was never proven".to_owned());
    }
    for file in &manifest.files {
        let path = format!("{folder}/{}", file.name);
        match files.iter().find(|found| found.path == path) {
            None => flaws.push(format!("{} is missing", file.name)),
            Some(found) if found.bytes != file.bytes => flaws.push(format!(
                "{} has {} bytes instead of {}",
                file.name, found.bytes, file.bytes
            )),
            Some(_) => {}
        }
    }
    flaws
}

impl PartialEq for Backup {
    fn eq(&self, other: &Self) -> bool {
        self.uri() == other.uri()
            && self.manifest == other.manifest
            && self.verifications == other.verifications
    }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backup").field(&self.uri()).finish()
    }
}

impl Backup {
    pub(super) fn new(
        backend: Arc<dyn Backend>,
        folder: String,
        id: BackupId,
        manifest: BackupManifest,
        verifications: Vec<Verification>,
    ) -> Self {
        Self {
            id,
            manifest,
            verifications,
            backend,
            folder,
        }
    }

    /// Reads a backup's folder, whose files are given.
    pub(super) async fn look(
        backend: Arc<dyn Backend>,
        folder: &str,
        files: &[StoredFile],
    ) -> Result<Looked, StoreError> {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let Ok(id) = name.parse::<BackupId>() else {
            return Ok(Looked::Nothing);
        };
        let path = |name: &str| format!("{folder}/{name}");
        if !files.iter().any(|file| file.path == path(MANIFEST)) {
            return Ok(Looked::Nothing);
        }
        let Some(text) = backend.read_small(&path(MANIFEST)).await? else {
            return Ok(Looked::Nothing);
        };
        let Ok(manifest) = serde_json::from_slice::<BackupManifest>(&text) else {
            return Ok(Looked::Flawed(vec![format!("{MANIFEST} cannot be read")]));
        };
        let flaws = flaws(&id, &manifest, folder, files);
        if !flaws.is_empty() {
            return Ok(Looked::Flawed(flaws));
        }
        let mut verifications: Vec<Verification> = Vec::new();
        for file in files {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            if name.starts_with(VERIFIED)
                && let Some(text) = backend.read_small(&file.path).await?
                && let Ok(test) = serde_json::from_slice(&text)
            {
                verifications.push(test);
            }
        }
        verifications.sort_by(|one, other| one.verified_at.cmp(&other.verified_at));
        let folder = folder.to_owned();
        let backup = Self::new(backend, folder, id, manifest, verifications);
        Ok(Looked::Whole(Box::new(backup)))
    }

    /// Its folder below the store's root.
    pub(crate) fn path(&self) -> &str {
        &self.folder
    }

    /// Its folder, where it is in one on this machine.
    pub fn folder(&self) -> Option<PathBuf> {
        Some(self.backend.folder()?.join(&self.folder))
    }

    /// Its place as `file://…`, `s3://…`.
    pub fn uri(&self) -> String {
        self.backend.uri(&self.folder)
    }

    /// The place of one of its files.
    pub fn file_uri(&self, name: &str) -> String {
        self.backend.uri(&format!("{}/{name}", self.folder))
    }

    /// A part of one of its files, as it is stored; the bytes prove nothing until they were hashed.
    ///
    /// # Errors
    /// When the store does not give it.
    pub async fn read(
        &self,
        file: &BackupFile,
        range: Range<u64>,
    ) -> Result<impl tokio::io::AsyncRead + Send + Unpin + use<>, StoreError> {
        self.stream(&file.name, range).await
    }

    pub(crate) async fn stream(&self, name: &str, range: Range<u64>) -> Result<Incoming, StoreError> {
        if range.is_empty() {
            return Ok(Box::pin(tokio::io::empty()));
        }
        self.backend.read(&format!("{}/{name}", self.folder), range).await
    }

    /// A small file of it, whole.
    ///
    /// # Errors
    /// When the store does not give it, or there is none.
    pub async fn read_small(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let path = format!("{}/{name}", self.folder);
        let missing = || StoreError::Io {
            doing: "read",
            path: self.backend.uri(&path),
            source: std::io::ErrorKind::NotFound.into(),
        };
        self.backend.read_small(&path).await?.ok_or_else(missing)
    }

    /// Writes the result of a restore test beside the manifest.
    ///
    /// # Errors
    /// When it cannot be written, or there is one of the same millisecond.
    pub async fn publish_verification(
        &self,
        verification: &Verification,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let name = format!("{VERIFIED}{}.json", now.strftime("%Y%m%dT%H%M%S%.3fZ"));
        let path = format!("{}/{name}", self.folder);
        let text = serde_json::to_vec_pretty(verification)
            .map_err(std::io::Error::from)
            .map_err(StoreError::io_at("write", self.backend.uri(&path)))?;
        self.backend.put_new(&path, text).await
    }

    /// Names of files in its folder that are neither listed in the manifest nor written beside it by us.
    pub(crate) async fn strangers(&self) -> Result<Vec<String>, StoreError> {
        let depth = self.folder.split('/').count() + 1;
        let files = self.backend.files(&self.folder, depth).await?;
        let names = files.iter().filter_map(|file| file.path.rsplit('/').next());
        let ours = |name: &&str| {
            *name == MANIFEST
                || name.starts_with(VERIFIED)
                || SMALL.contains(name)
                || self.manifest.files.iter().any(|file| file.name == **name)
        };
        Ok(names.filter(|name| !ours(name)).map(str::to_owned).collect())
    }

    /// Publishes a small file beside the manifest: it appears whole or not at all, and never in the place of another.
    pub(crate) async fn publish_small(&self, name: &str, text: Vec<u8>) -> Result<(), StoreError> {
        let path = format!("{}/{name}", self.folder);
        self.backend.put_new(&path, text).await
    }

    /// Removes a small file beside the manifest.
    pub(crate) async fn remove_small(&self, name: &str) -> Result<(), StoreError> {
        self.backend.remove(&format!("{}/{name}", self.folder)).await
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
}
