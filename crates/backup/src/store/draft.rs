//! A backup that is being written: nothing of it is a backup until its manifest is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use model::BackupManifest;

use crate::{Backup, BackupId, StoreError};

use super::MANIFEST;

/// The end of the name of a file that is not complete.
const PARTIAL: &str = ".partial";

/// A folder that is removed again unless it is published.
#[derive(Debug)]
pub(crate) struct Draft {
    root: PathBuf,
    folder: PathBuf,
    id: BackupId,
    published: bool,
}

impl Draft {
    pub(super) fn begin(root: &Path, place: &Path, id: &BackupId) -> Result<Self, StoreError> {
        fs::create_dir_all(place).map_err(StoreError::io("create", place))?;
        let folder = place.join(id.as_str());
        // Not made with its parents: a folder that exists already is somebody else's.
        make_private_folder(&folder).map_err(StoreError::io("create", &folder))?;
        Ok(Self {
            root: root.to_owned(),
            folder,
            id: id.clone(),
            published: false,
        })
    }

    /// Where a file is written until it is complete.
    pub(crate) fn partial(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{PARTIAL}"))
    }

    /// Gives a complete file its name.
    pub(crate) fn keep(&self, name: &str) -> Result<(), StoreError> {
        let from = self.partial(name);
        fs::rename(&from, self.folder.join(name)).map_err(StoreError::io("rename", &from))
    }

    /// Writes a small file whole.
    pub(crate) fn write(&self, name: &str, text: &[u8]) -> Result<(), StoreError> {
        write_new(&self.folder.join(name), text)
    }

    /// Leaves out a file that did not become complete.
    pub(crate) fn leave_out(&self, name: &str) {
        // The folder goes or stays without it; nobody reads partial files.
        let _ = fs::remove_file(self.partial(name));
    }

    /// Publishes the manifest: from now on this is a backup.
    pub(crate) fn publish(mut self, manifest: BackupManifest) -> Result<Backup, StoreError> {
        let path = self.folder.join(MANIFEST);
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(io::Error::from)
            .map_err(StoreError::io("write", &path))?;
        sync_folder(&self.folder);
        write_new(&path, &text)?;
        self.published = true;
        Ok(Backup {
            id: self.id.clone(),
            folder: self.folder.clone(),
            manifest,
            verifications: Vec::new(),
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        // What cannot be removed is still no backup: it has no manifest.
        let _ = fs::remove_dir_all(&self.folder);
        let mut above = self.folder.parent();
        while let Some(folder) = above.filter(|folder| folder.starts_with(&self.root) && *folder != self.root)
        {
            // Refused by the system where another backup is in it, which ends the walk.
            if fs::remove_dir(folder).is_err() {
                break;
            }
            above = folder.parent();
        }
    }
}

/// Makes a folder that only its owner can look into, where the system knows owners: it will hold all of a database.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new().mode(0o700).create(folder)
    }
    #[cfg(not(unix))]
    fs::create_dir(folder)
}

/// Writes a file that appears whole or not at all, and never in the place of another.
pub(crate) fn write_new(path: &Path, text: &[u8]) -> Result<(), StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(PARTIAL);
    let partial = path.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&partial)
        .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()));
    let published = written.and_then(|()| match fs::hard_link(&partial, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !path.exists() => {
            // Some file systems know no links; there nobody else writes into a folder whose name is ours alone.
            fs::rename(&partial, path)
        }
        other => other,
    });
    let _ = fs::remove_file(&partial);
    published.map_err(StoreError::io("write", path))?;
    if let Some(folder) = path.parent() {
        sync_folder(folder);
    }
    Ok(())
}

/// Makes the names in a folder last, where the system has such a thing.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}
