//! A store in a folder. Files are written under a draft's name, flushed and renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWrite, AsyncWriteExt as _};

use super::StoreError;
use super::backend::{Backend, Incoming, StoredFile, Writer};

/// The end of the name of a file that is not complete.
const PARTIAL: &str = ".partial";

/// A folder on this machine.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

#[async_trait]
impl Backend for Folder {
    fn folder(&self) -> Option<&Path> {
        Some(&self.root)
    }

    fn uri(&self, path: &str) -> String {
        let path = self.at(path);
        url::Url::from_file_path(&path).map_or_else(|()| path.display().to_string(), |url| url.to_string())
    }

    async fn files(&self, folder: &str, depth: usize) -> Result<Vec<StoredFile>, StoreError> {
        let (root, folder) = (self.root.clone(), folder.to_owned());
        blocking(move || {
            let mut found = Vec::new();
            let above = folder.split('/').filter(|step| !step.is_empty()).count();
            walk(&root, &folder, depth.saturating_sub(above), &mut found)?;
            Ok(found)
        })
        .await
    }

    async fn read_small(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.at(path);
        match tokio::fs::read(&path).await {
            Ok(text) => Ok(Some(text)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    async fn read(&self, path: &str, range: Range<u64>) -> Result<Incoming, StoreError> {
        let path = self.at(path);
        let opened = async {
            let mut file = tokio::fs::File::open(&path).await?;
            file.seek(io::SeekFrom::Start(range.start)).await?;
            Ok(file.take(range.end - range.start))
        };
        Ok(Box::pin(opened.await.map_err(StoreError::io("read", &path))?))
    }

    async fn begin(&self, folder: &str) -> Result<(), StoreError> {
        let folder = self.at(folder);
        blocking(move || {
            let above = folder.parent().unwrap_or(&folder);
            fs::create_dir_all(above).map_err(StoreError::io("create", above))?;
            // Not made with its parents: a folder that exists already is somebody else's.
            make_private_folder(&folder).map_err(StoreError::io("create", &folder))
        })
        .await
    }

    async fn writer(self: Arc<Self>, path: &str, _expected: u64) -> Result<Box<dyn Writer>, StoreError> {
        let path = self.at(path);
        let partial = partial(&path);
        let file = tokio::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&partial)
            .await
            .map_err(StoreError::io("write", &path))?;
        Ok(Box::new(FolderWriter {
            file,
            path,
            partial,
            finished: false,
        }))
    }

    async fn put_new(&self, path: &str, text: Vec<u8>) -> Result<(), StoreError> {
        let path = self.at(path);
        blocking(move || {
            if let Some(folder) = path.parent() {
                sync_folder(folder);
            }
            write_new(&path, &text)
        })
        .await
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        let path = self.at(path);
        blocking(move || {
            for path in [&partial(&path), &path] {
                match fs::remove_file(path) {
                    Err(error) if !is_absent(&error) => return Err(StoreError::io("remove", path)(error)),
                    Ok(()) | Err(_) => {}
                }
            }
            Ok(())
        })
        .await
    }

    async fn discard(&self, folder: &str) -> Result<(), StoreError> {
        let (root, folder) = (self.root.clone(), self.at(folder));
        blocking(move || remove_folder(&root, &folder).map_err(StoreError::io("remove", &folder))).await
    }

    fn abandon(self: Arc<Self>, folder: &str) {
        // What cannot be removed is still no backup: it has no manifest.
        let _ = remove_folder(&self.root, &self.at(folder));
    }

    async fn settle(&self) {}
}

/// Removes a folder, and the folders above it up to the root that hold nothing any more.
fn remove_folder(root: &Path, folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if !is_absent(&error) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut above = folder.parent();
    while let Some(folder) = above.filter(|folder| folder.starts_with(root) && *folder != root) {
        // Refused by the system where another backup is in it, which ends the walk.
        if fs::remove_dir(folder).is_err() {
            break;
        }
        above = folder.parent();
    }
    Ok(())
}

fn walk(root: &Path, folder: &str, depth: usize, found: &mut Vec<StoredFile>) -> Result<(), StoreError> {
    let path = root.join(folder);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        // Gone, or never made, or a stray file: nothing is listed there.
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(StoreError::io("read", &path)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(StoreError::io("read", &path))?;
        // What is no text was not named by us.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let below = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        // Followed, since somebody may have moved a part of the store to another disk and left a link.
        let metadata = match fs::metadata(entry.path()) {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(StoreError::io("read", &entry.path())(error)),
        };
        if depth > 1 && metadata.is_dir() && is_step(&below) {
            walk(root, &below, depth - 1, found)?;
        } else if depth == 1 && metadata.is_file() {
            found.push(StoredFile {
                path: below,
                bytes: metadata.len(),
            });
        }
    }
    Ok(())
}

/// Whether a folder's name can be one of ours. A disk's `lost+found`, which others may not look into, and a server's `.snapshot`
/// are none.
fn is_step(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'%');
    name.bytes().all(ours)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A file under the name of what is not complete.
struct FolderWriter {
    file: tokio::fs::File,
    path: PathBuf,
    partial: PathBuf,
    finished: bool,
}

#[async_trait]
impl Writer for FolderWriter {
    async fn finish(mut self: Box<Self>) -> Result<u64, StoreError> {
        let written = async {
            self.file.flush().await?;
            self.file.sync_all().await?;
            tokio::fs::rename(&self.partial, &self.path).await?;
            Ok(tokio::fs::metadata(&self.path).await?.len())
        };
        let bytes = written.await.map_err(StoreError::io("write", &self.path))?;
        self.finished = true;
        Ok(bytes)
    }
}

impl Drop for FolderWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody reads partial files.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

impl AsyncWrite for FolderWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.file).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(PARTIAL);
    path.with_file_name(name)
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
fn write_new(path: &Path, text: &[u8]) -> Result<(), StoreError> {
    let partial = partial(path);
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
    published.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::Taken(path.display().to_string()),
        _ => StoreError::io("write", path)(error),
    })?;
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn folders_that_cannot_be_ours_are_not_looked_into() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["c/n/s/a%2Fb/id", "lost+found/n/s/d/id", ".snapshot/n/s/d/id"] {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("manifest.json"), "{}").unwrap();
        }
        let files = Folder::new(root.path().to_owned()).files("", 6).await.unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["c/n/s/a%2Fb/id/manifest.json"]);
    }
}
