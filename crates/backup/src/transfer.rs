//! Bytes on their way to or from a file, counted and hashed as they pass. Nothing is held whole in memory.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How many bytes pass between two words of progress.
const PROGRESS_STEP: u64 = 16 << 20;

/// What one read or write moves.
const CHUNK: usize = 256 << 10;

/// What passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// A file being written. Remembers why a write failed, because whoever carries the bytes only says that it did.
pub(crate) struct HashedFile<'a> {
    file: tokio::fs::File,
    path: PathBuf,
    hash: Sha256,
    bytes: u64,
    said: u64,
    failed: Option<io::Error>,
    progress: &'a (dyn Fn(u64) + Send + Sync),
}

impl<'a> HashedFile<'a> {
    /// A new file; one that exists already is an error.
    pub(crate) async fn create(path: &Path, progress: &'a (dyn Fn(u64) + Send + Sync)) -> io::Result<Self> {
        let file = tokio::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .await?;
        Ok(Self {
            file,
            path: path.to_owned(),
            hash: Sha256::new(),
            bytes: 0,
            said: 0,
            failed: None,
            progress,
        })
    }

    /// Why a write failed, if one did.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Makes the file last, reads it back and says what was written and what is stored.
    pub(crate) async fn finish(mut self) -> io::Result<(Passed, Passed)> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        drop(self.file);
        let written = Passed {
            bytes: self.bytes,
            sha256: hex(&self.hash.finalize()),
        };
        Ok((written, read_through(&self.path).await?))
    }
}

impl AsyncWrite for HashedFile<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match Pin::new(&mut this.file).poll_write(context, bytes) {
            Poll::Ready(Ok(count)) => {
                this.hash.update(&bytes[..count]);
                this.bytes += count as u64;
                if this.bytes >= this.said + PROGRESS_STEP {
                    this.said = this.bytes;
                    (this.progress)(this.bytes);
                }
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(this.note(error))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        Pin::new(&mut this.file)
            .poll_flush(context)
            .map_err(|error| this.note(error))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl HashedFile<'_> {
    fn note(&mut self, error: io::Error) -> io::Error {
        let told = io::Error::new(error.kind(), error.to_string());
        self.failed.get_or_insert(error);
        told
    }
}

/// Counts and hashes a whole file.
pub(crate) async fn read_through(path: &Path) -> io::Result<Passed> {
    pass(&mut tokio::fs::File::open(path).await?, &mut tokio::io::sink()).await
}

/// Copies, counts and hashes.
pub(crate) async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<Passed> {
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            break;
        }
        hash.update(&chunk[..count]);
        bytes += count as u64;
        to.write_all(&chunk[..count]).await?;
    }
    to.flush().await?;
    Ok(Passed {
        bytes,
        sha256: hex(&hash.finalize()),
    })
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A size as people read it.
pub(crate) fn size_in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{size:.1} {}", UNITS[unit])
    }
}

/// The hash of a short text.
pub(crate) fn hash(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}
