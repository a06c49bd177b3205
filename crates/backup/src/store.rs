//! The folder that backups are kept in.

use std::path::{Path, PathBuf};

use model::{BackupManifest, BackupSummary, Verification};
use thiserror::Error;

use crate::BackupId;

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
pub enum StoreError {}

impl Store {
    /// A store in a folder, as an absolute or relative path or as `file:///path`. It is made when the first backup is.
    ///
    /// # Errors
    /// When the text names something else than a folder on this machine.
    pub fn open(text: &str) -> Result<Self, StoreError> {
        todo!()
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
        todo!()
    }

    /// The backup with this id.
    ///
    /// # Errors
    /// When there is none, or the folder cannot be read.
    pub async fn find(&self, id: &BackupId) -> Result<Backup, StoreError> {
        todo!()
    }
}

impl Backup {
    /// The backup as a line of a list. Its grade is A once a restore test found no difference, B before.
    pub fn summary(&self, now: jiff::Timestamp) -> BackupSummary {
        todo!()
    }
}
