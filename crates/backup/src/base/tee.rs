//! One stream into two places.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncWrite, DuplexStream};

/// Passes on what is written to the first writer, and to the second what the first took. When nobody reads the second
/// any more, writing fails: its reader has found that the stream is worth nothing.
pub(super) struct Tee<'a, W> {
    first: &'a mut W,
    second: DuplexStream,
    /// What the first took and the second has not yet.
    owed: Vec<u8>,
}

impl<'a, W: AsyncWrite + Unpin> Tee<'a, W> {
    pub(super) fn new(first: &'a mut W, second: DuplexStream) -> Self {
        Self {
            first,
            second,
            owed: Vec::new(),
        }
    }

    fn pay(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.owed.is_empty() {
            let taken = ready!(Pin::new(&mut self.second).poll_write(context, &self.owed))?;
            self.owed.drain(..taken);
        }
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Tee<'_, W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.pay(context))?;
        let taken = ready!(Pin::new(&mut *this.first).poll_write(context, bytes))?;
        this.owed.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.pay(context))?;
        ready!(Pin::new(&mut this.second).poll_flush(context))?;
        Pin::new(&mut *this.first).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.pay(context))?;
        ready!(Pin::new(&mut this.second).poll_shutdown(context))?;
        Pin::new(&mut *this.first).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn both_places_get_all_however_small_the_pipe() {
        let (theirs, mut ours) = tokio::io::duplex(7);
        let text: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        let sent = text.clone();
        let reading = tokio::spawn(async move {
            let mut read = Vec::new();
            ours.read_to_end(&mut read).await.map(|_| read)
        });
        let mut first = Vec::new();
        let mut tee = Tee::new(&mut first, theirs);
        tee.write_all(&sent).await.unwrap();
        tee.shutdown().await.unwrap();
        drop(tee);
        assert_eq!(first, text);
        assert_eq!(reading.await.unwrap().unwrap(), text);
    }

    #[tokio::test]
    async fn a_reader_that_gave_up_ends_the_stream() {
        let (theirs, ours) = tokio::io::duplex(7);
        drop(ours);
        let mut first = Vec::new();
        let mut tee = Tee::new(&mut first, theirs);
        let written = tee.write_all(&[0; 100]).await;
        let flushed = tee.flush().await;
        assert!(written.is_err() || flushed.is_err());
    }
}
