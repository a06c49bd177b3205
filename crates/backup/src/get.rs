//! Fetching a backup.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::store::{MANIFEST, make_private_folder};
use crate::transfer::{pass, read_through, size_in_words};
use crate::{Backup, Progress, StoreError};

/// Why a backup was not fetched. Nothing was left at the destination.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GetError {
    /// The destination is taken.
    #[error("{0} exists already")]
    Taken(String),
    /// A file.
    #[error("failed to copy {from} to {to}")]
    Copy {
        /// From where.
        from: String,
        /// To where.
        to: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The backup is not what it was.
    #[error("{file} is damaged: sha256 {found} instead of {expected}")]
    Damaged {
        /// The file.
        file: String,
        /// What the manifest says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The copy cannot be read back.
    #[error("failed to read the copy")]
    ReadBack(#[from] StoreError),
}

/// A folder that is removed again unless it is complete.
struct Arriving(PathBuf);

impl Drop for Arriving {
    fn drop(&mut self) {
        // Gone by rename when complete.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Copies a backup's files into `<destination>/<id>/` and compares their hashes with the manifest.
///
/// # Errors
/// See [`GetError`].
pub async fn get(backup: &Backup, destination: &Path, progress: Progress<'_>) -> Result<Backup, GetError> {
    let target = destination.join(backup.id.as_str());
    if target.exists() {
        return Err(GetError::Taken(target.display().to_string()));
    }
    let arriving = Arriving(destination.join(format!("{}.partial", backup.id)));
    // What an earlier, killed attempt left under this name is of no use to anybody.
    let _ = std::fs::remove_dir_all(&arriving.0);
    let failed = |from: &Path, to: &Path| {
        let (from, to) = (from.display().to_string(), to.display().to_string());
        move |source| GetError::Copy { from, to, source }
    };
    tokio::fs::create_dir_all(destination)
        .await
        .and_then(|()| make_private_folder(&arriving.0))
        .map_err(failed(&backup.folder, &arriving.0))?;
    for file in &backup.manifest.files {
        let (from, to) = (backup.folder.join(&file.name), arriving.0.join(&file.name));
        progress(
            &format!("copying {} ({})", file.name, size_in_words(file.bytes)),
            None,
        );
        let found = copy(&from, &to).await.map_err(failed(&from, &to))?;
        if found != file.sha256_stored {
            return Err(GetError::Damaged {
                file: from.display().to_string(),
                expected: file.sha256_stored.clone(),
                found,
            });
        }
    }
    let (from, to) = (backup.folder.join(MANIFEST), arriving.0.join(MANIFEST));
    copy(&from, &to).await.map_err(failed(&from, &to))?;
    tokio::fs::rename(&arriving.0, &target)
        .await
        .map_err(failed(&arriving.0, &target))?;
    Backup::read(&target)?.ok_or_else(|| GetError::Damaged {
        file: target.display().to_string(),
        expected: backup.id.to_string(),
        found: "no complete backup".into(),
    })
}

/// Copies a file, makes it last and says the hash of what is at the destination now.
async fn copy(from: &Path, to: &Path) -> io::Result<String> {
    let mut source = tokio::fs::File::open(from).await?;
    let mut sink = tokio::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(to)
        .await?;
    pass(&mut source, &mut sink).await?;
    sink.sync_all().await?;
    drop(sink);
    Ok(read_through(to).await?.sha256)
}
