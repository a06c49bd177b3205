//! Fetching a backup to disk. A fetch that was cut off is carried on where it ended: what is there already is read
//! again, and the hash at the end is over all of it.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use model::BackupFile;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::store::{MANIFEST, make_private_folder};
use crate::transfer::{read_through, size_in_words};
use crate::{Backup, Progress, Store, StoreError};

/// The end of the name of a folder that is not complete.
const PARTIAL: &str = ".partial";

/// What one request fetches.
const RANGE: u64 = 8 << 20;

/// How many requests are under way at once; with what one fetches, 32 MiB of memory.
const AT_ONCE: usize = 4;

/// Why a backup was not fetched. Nothing at the destination looks like a backup.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GetError {
    /// The destination is taken.
    #[error("{0} exists already")]
    Taken(String),
    /// A file at the destination.
    #[error("failed to write {path}")]
    Write {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The store stopped giving.
    #[error("failed to fetch {file} beyond its first {arrived} bytes")]
    Cut {
        /// The file in the store.
        file: String,
        /// How many bytes are on disk.
        arrived: u64,
        /// Why.
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
    /// The store does not give a file, or the copy cannot be read back.
    #[error("failed to read a backup")]
    Store(#[from] StoreError),
}

impl GetError {
    /// Whether what has arrived was kept, so that the same fetch can be carried on.
    pub fn can_be_carried_on(&self) -> bool {
        match self {
            Self::Cut { .. } | Self::Store(_) => true,
            Self::Taken(_) | Self::Write { .. } | Self::Damaged { .. } => false,
        }
    }
}

/// Copies a backup's files into `<destination>/<id>/` and compares their hashes with the manifest. What an earlier
/// attempt brought is used; what a failed one leaves lies in `<destination>/<id>.partial/` without a manifest, and only
/// where it can be carried on.
///
/// # Errors
/// See [`GetError`].
pub async fn get(backup: &Backup, destination: &Path, progress: Progress<'_>) -> Result<Backup, GetError> {
    let target = destination.join(backup.id.as_str());
    if target.exists() {
        return Err(GetError::Taken(target.display().to_string()));
    }
    let arriving = destination.join(format!("{}{PARTIAL}", backup.id));
    let fetched = fetch(backup, &arriving, progress).await;
    if let Err(error) = &fetched
        && !error.can_be_carried_on()
    {
        // It has no manifest; where it cannot be removed, it only takes room.
        let _ = tokio::fs::remove_dir_all(&arriving).await;
    }
    fetched?;
    let named = tokio::fs::rename(&arriving, &target).await;
    named.map_err(write_error(&target))?;
    let store = Store::open(&destination.display().to_string())?;
    let copy = store.directly(&backup.id).await?;
    copy.ok_or_else(|| GetError::Damaged {
        file: target.display().to_string(),
        expected: backup.id.to_string(),
        found: "no complete backup".into(),
    })
}

async fn fetch(backup: &Backup, arriving: &Path, progress: Progress<'_>) -> Result<(), GetError> {
    if !arriving.is_dir() {
        let made = match arriving.parent() {
            Some(above) => tokio::fs::create_dir_all(above).await,
            None => Ok(()),
        };
        made.and_then(|()| make_private_folder(arriving))
            .map_err(write_error(arriving))?;
    }
    for file in &backup.manifest.files {
        let to = arriving.join(&file.name);
        let found = match arrived(&to).await {
            0 => bring(backup, file, &to, progress).await?,
            before => {
                progress(
                    &format!(
                        "carrying on with {} behind the {} that are there",
                        file.name,
                        size_in_words(before)
                    ),
                    None,
                );
                let found = bring(backup, file, &to, progress).await?;
                if found == file.sha256_stored {
                    found
                } else {
                    progress(
                        &format!(
                            "what was there of {} is not part of it: fetching all of it",
                            file.name
                        ),
                        None,
                    );
                    tokio::fs::remove_file(&to).await.map_err(write_error(&to))?;
                    bring(backup, file, &to, progress).await?
                }
            }
        };
        if found != file.sha256_stored {
            return Err(GetError::Damaged {
                file: backup.file_uri(&file.name),
                expected: file.sha256_stored.clone(),
                found,
            });
        }
    }
    let manifest = backup.read_small(MANIFEST).await?;
    let to = arriving.join(MANIFEST);
    write_whole(&to, &manifest).await.map_err(write_error(&to))
}

/// How much of a file is there already.
async fn arrived(path: &Path) -> u64 {
    tokio::fs::metadata(path).await.map_or(0, |found| found.len())
}

/// Fetches what is missing of a file, makes it last and says the hash of what is on disk now.
async fn bring(
    backup: &Backup,
    file: &BackupFile,
    to: &Path,
    progress: Progress<'_>,
) -> Result<String, GetError> {
    let mut sink = tokio::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(to)
        .await
        .map_err(write_error(to))?;
    let mut written = arrived(to).await;
    let ranges = futures::stream::iter(ranges(written, file.bytes));
    let mut pieces = ranges.map(|range| piece(backup, file, range)).buffered(AT_ONCE);
    while let Some(piece) = pieces.next().await {
        sink.write_all(&piece.bytes).await.map_err(write_error(to))?;
        written += piece.bytes.len() as u64;
        if let Some(source) = piece.cut {
            // What has arrived is worth keeping; where it did not reach the disk, that much is fetched again.
            let _ = sink.flush().await;
            return Err(GetError::Cut {
                file: backup.file_uri(&file.name),
                arrived: written,
                source,
            });
        }
        progress(
            &format!("fetching {} ({})", file.name, size_in_words(file.bytes)),
            Some(written as f64 / file.bytes.max(1) as f64),
        );
    }
    drop(pieces);
    let lasting = async {
        sink.flush().await?;
        sink.sync_all().await?;
        Ok(read_through(to).await?.sha256)
    };
    lasting.await.map_err(write_error(to))
}

/// What is missing, cut into requests.
fn ranges(from: u64, to: u64) -> impl Iterator<Item = Range<u64>> {
    (from..to)
        .step_by(usize::try_from(RANGE).unwrap_or(usize::MAX))
        .map(move |start| start..to.min(start + RANGE))
}

/// What one request brought.
struct Piece {
    bytes: Vec<u8>,
    /// Why it is not all that was asked for.
    cut: Option<io::Error>,
}

async fn piece(backup: &Backup, file: &BackupFile, range: Range<u64>) -> Piece {
    let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    let read = async {
        let mut incoming = backup.stream(&file.name, range).await.map_err(io::Error::other)?;
        bytes.reserve_exact(wanted);
        incoming.read_to_end(&mut bytes).await?;
        if bytes.len() == wanted {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    };
    let cut = read.await.err();
    Piece { bytes, cut }
}

async fn write_whole(to: &PathBuf, text: &[u8]) -> io::Result<()> {
    let mut sink = tokio::fs::File::create(to).await?;
    sink.write_all(text).await?;
    sink.sync_all().await
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> GetError + use<> {
    let path = path.display().to_string();
    move |source| GetError::Write { path, source }
}

#[cfg(test)]
mod tests {
    use super::{RANGE, ranges};

    #[test]
    fn requests_cover_what_is_missing_and_no_more() {
        let all: Vec<_> = ranges(3, 2 * RANGE + 5).collect();
        assert_eq!(
            all,
            [
                3..RANGE + 3,
                RANGE + 3..2 * RANGE + 3,
                2 * RANGE + 3..2 * RANGE + 5
            ]
        );
        assert_eq!(ranges(5, 5).count(), 0);
        assert_eq!(ranges(9, 5).count(), 0);
    }
}
