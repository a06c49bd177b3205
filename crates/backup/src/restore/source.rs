//! What a restore is filled from.

use model::BackupManifest;

use crate::fill::{Dump, FillError, ForeignDump};
use crate::{Backup, BackupId};

/// A backup of ours, or a dump that anybody made.
#[derive(Debug, Clone, Copy)]
pub enum RestoreFrom<'a> {
    /// A backup in a store.
    Backup(&'a Backup),
    /// A file or folder on this machine.
    File(&'a ForeignDump),
}

impl<'a> From<&'a Backup> for RestoreFrom<'a> {
    fn from(backup: &'a Backup) -> Self {
        Self::Backup(backup)
    }
}

impl<'a> From<&'a ForeignDump> for RestoreFrom<'a> {
    fn from(dump: &'a ForeignDump) -> Self {
        Self::File(dump)
    }
}

impl<'a> RestoreFrom<'a> {
    /// What is known of what it holds; nothing of a dump of somebody else's.
    pub fn manifest(self) -> Option<&'a BackupManifest> {
        match self {
            Self::Backup(backup) => Some(&backup.manifest),
            Self::File(_) => None,
        }
    }

    /// The backup's id.
    pub fn backup(self) -> Option<&'a BackupId> {
        match self {
            Self::Backup(backup) => Some(&backup.id),
            Self::File(_) => None,
        }
    }

    pub(super) fn dump(self) -> Result<Dump, FillError> {
        match self {
            Self::Backup(backup) => Dump::of_backup(backup),
            Self::File(file) => Ok(file.dump.clone()),
        }
    }
}
