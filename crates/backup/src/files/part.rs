//! A file that is arriving here: beside its destination, under the destination's name with `.part` behind it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::FileError;

/// How many bytes pass between two words of progress.
const PROGRESS_STEP: u64 = 16 << 20;

/// The part and who may write it.
pub(super) struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    /// Opens what an earlier attempt left, or begins.
    pub(super) fn open(destination: &Path) -> Result<Self, FileError> {
        let mut name = destination.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let path = destination.with_file_name(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // Whatever it will be, nobody else reads it before it is whole.
            options.mode(0o600);
        }
        let file = options.open(&path).map_err(local("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, file }),
            Err(TryLockError::WouldBlock) => Err(FileError::Busy(path.display().to_string())),
            Err(TryLockError::Error(source)) => Err(local("lock", &path)(source)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How much is there.
    pub(super) fn bytes(&self) -> Result<u64, FileError> {
        let metadata = self.file.metadata().map_err(local("read", &self.path))?;
        Ok(metadata.len())
    }

    /// Cuts it to its first bytes and gives a place to write what comes behind them.
    pub(super) fn continue_at<'a>(
        &self,
        bytes: u64,
        progress: &'a (dyn Fn(u64) + Send + Sync),
    ) -> Result<Arriving<'a>, FileError> {
        let failed = |source| local("write", &self.path)(source);
        self.file.set_len(bytes).map_err(failed)?;
        let mut file = self.file.try_clone().map_err(failed)?;
        file.seek(SeekFrom::Start(bytes)).map_err(failed)?;
        Ok(Arriving {
            file: tokio::fs::File::from_std(file),
            bytes,
            said: bytes,
            failed: None,
            progress,
        })
    }

    /// Makes it last.
    pub(super) fn sync(&self) -> Result<(), FileError> {
        self.file.sync_all().map_err(local("write", &self.path))
    }

    /// Gives it its mode and its name; an existing file only makes way when it may.
    pub(super) fn publish(
        self,
        destination: &Path,
        mode: Option<u32>,
        overwrite: bool,
    ) -> Result<(), FileError> {
        set_mode(&self.file, mode).map_err(local("set the mode of", &self.path))?;
        let renamed = if overwrite {
            std::fs::rename(&self.path, destination)
        } else {
            match std::fs::hard_link(&self.path, destination) {
                Ok(()) => std::fs::remove_file(&self.path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists || destination.exists() => {
                    return Err(FileError::Taken(destination.display().to_string()));
                }
                // Some file systems know no links.
                Err(_) => std::fs::rename(&self.path, destination),
            }
        };
        renamed.map_err(local("rename", &self.path))
    }

    /// Takes it away.
    pub(super) fn forget(self) {
        // It is no result either way; what cannot be removed only takes room.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn set_mode(file: &File, mode: Option<u32>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    match mode {
        Some(mode) => file.set_permissions(std::fs::Permissions::from_mode(mode)),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _mode: Option<u32>) -> io::Result<()> {
    Ok(())
}

pub(super) fn local(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError + use<> {
    let path = path.display().to_string();
    move |source| FileError::Local { doing, path, source }
}

/// A sink that remembers why a write failed, because whoever carries the bytes only says that it did.
pub(super) struct Arriving<'a> {
    file: tokio::fs::File,
    bytes: u64,
    said: u64,
    failed: Option<io::Error>,
    progress: &'a (dyn Fn(u64) + Send + Sync),
}

impl Arriving<'_> {
    /// Writes what is still held here, and says why a write failed if one did.
    pub(super) async fn end(mut self) -> io::Result<()> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.file.flush().await,
        }
    }
}

impl AsyncWrite for Arriving<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = Pin::new(&mut this.file).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            this.bytes += *count as u64;
            if this.bytes >= this.said + PROGRESS_STEP {
                this.said = this.bytes;
                (this.progress)(this.bytes);
            }
        }
        written.map_err(|error| note(&mut this.failed, error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let flushed = Pin::new(&mut this.file).poll_flush(context);
        flushed.map_err(|error| note(&mut this.failed, error))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

fn note(failed: &mut Option<io::Error>, error: io::Error) -> io::Error {
    let told = io::Error::new(error.kind(), error.to_string());
    failed.get_or_insert(error);
    told
}
