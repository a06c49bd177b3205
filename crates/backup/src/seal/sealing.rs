//! Bytes on their way into a sealed file.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use age::stream::StreamWriter;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::compat::{Compat, FuturesAsyncWriteCompatExt as _, TokioAsyncWriteCompatExt as _};

use super::Recipients;
use crate::transfer::{Passed, hex};

/// Seals what is written to it, and counts and hashes it as it was before. Holds two chunks of 64 KiB, whatever the size.
pub(crate) struct Sealing<W: AsyncWrite + Unpin> {
    writer: Compat<StreamWriter<Compat<W>>>,
    hash: Sha256,
    bytes: u64,
}

impl<W: AsyncWrite + Unpin> Sealing<W> {
    /// Writes the header.
    pub(crate) async fn begin(recipients: &Recipients, sink: W) -> io::Result<Self> {
        let writer = recipients
            .encryptor()?
            .wrap_async_output(sink.compat_write())
            .await?;
        Ok(Self {
            writer: writer.compat_write(),
            hash: Sha256::new(),
            bytes: 0,
        })
    }

    /// Writes the last chunk, without which nobody takes the file for whole, and says what went in.
    pub(crate) async fn end(mut self) -> io::Result<Passed> {
        self.writer.shutdown().await?;
        Ok(Passed {
            bytes: self.bytes,
            sha256: hex(&self.hash.finalize()),
        })
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Sealing<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = Pin::new(&mut this.writer).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            this.hash.update(&bytes[..*count]);
            this.bytes += *count as u64;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    /// Whoever carries the bytes may shut its end down; the file is whole only once [`Sealing::end`] says so.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
