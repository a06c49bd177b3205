//! Bytes on their way into a store, counted and hashed as they pass.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::StoreError;
use super::backend::Writer;
use crate::transfer::{Passed, hex};

/// How many bytes pass between two words of progress.
const PROGRESS_STEP: u64 = 16 << 20;

/// A file being written into a store. Remembers why a write failed, because whoever carries the bytes only says that it
/// did.
pub(crate) struct Sink<'a> {
    writer: Box<dyn Writer>,
    uri: String,
    hash: Sha256,
    bytes: u64,
    said: u64,
    failed: Option<io::Error>,
    progress: &'a (dyn Fn(u64) + Send + Sync),
}

impl<'a> Sink<'a> {
    pub(super) fn new(
        writer: Box<dyn Writer>,
        uri: String,
        progress: &'a (dyn Fn(u64) + Send + Sync),
    ) -> Self {
        Self {
            writer,
            uri,
            hash: Sha256::new(),
            bytes: 0,
            said: 0,
            failed: None,
            progress,
        }
    }

    /// Where it will be, for messages.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Why a write failed, if one did.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Completes the file and says what is stored. The store's end was asked: as many bytes lie there as were hashed
    /// here.
    pub(crate) async fn finish(mut self) -> Result<Passed, StoreError> {
        let shut = self.writer.shutdown().await;
        shut.map_err(StoreError::io_at("write", self.uri.clone()))?;
        let stored = self.writer.finish().await?;
        if stored != self.bytes {
            return Err(StoreError::Short {
                path: self.uri,
                stored,
                written: self.bytes,
            });
        }
        Ok(Passed {
            bytes: stored,
            sha256: hex(&self.hash.finalize()),
        })
    }

    fn note(&mut self, error: io::Error) -> io::Error {
        let told = io::Error::new(error.kind(), error.to_string());
        self.failed.get_or_insert(error);
        told
    }
}

impl AsyncWrite for Sink<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match Pin::new(&mut this.writer).poll_write(context, bytes) {
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
        Pin::new(&mut this.writer)
            .poll_flush(context)
            .map_err(|error| this.note(error))
    }

    /// Whoever carries the bytes may shut its end down; the file is complete only once [`Sink::finish`] says so.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
