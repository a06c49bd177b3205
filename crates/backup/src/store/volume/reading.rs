//! A file on its way out of a volume.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use cluster::ExecError;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, DuplexStream, ReadBuf, Take};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::refused;
use crate::feed::Feed;
use crate::{RunEnd, RunError, Runner, script};

/// What the other end leaves out is counted in whole blocks of this many bytes.
const BLOCK: u64 = 1 << 20;

/// Between the command and whoever reads.
const PIPE: usize = 1 << 20;

/// How often a read is taken up again where its connection broke: through an API server they do, now and then. Whoever reads
/// hashes the whole.
const AGAIN: usize = 3;

/// Bytes that come from a command; its end is told where they are fewer than were asked for.
pub(super) struct Reading {
    from: Take<DuplexStream>,
    /// Gone once it has ended.
    command: Option<JoinHandle<Result<RunEnd, RunError>>>,
}

/// Begins to read a part of a file.
pub(super) fn reading(
    hand: Arc<dyn Runner>,
    tasks: &TaskTracker,
    path: String,
    range: Range<u64>,
) -> Reading {
    let (from, to) = tokio::io::duplex(PIPE);
    let left = range.end.saturating_sub(range.start);
    Reading {
        from: from.take(left),
        command: Some(tasks.spawn(send(hand, path, range, to))),
    }
}

/// Sends a part of a file; a connection that breaks is taken up where it broke.
async fn send(
    hand: Arc<dyn Runner>,
    path: String,
    range: Range<u64>,
    to: DuplexStream,
) -> Result<RunEnd, RunError> {
    let mut passing = Passing {
        to,
        skip: 0,
        passed: 0,
    };
    let mut broken = 0;
    loop {
        let at = range.start + passing.passed;
        passing.skip = at % BLOCK;
        let bytes = passing.skip + range.end.saturating_sub(at);
        let arguments = [path.clone(), (at / BLOCK).to_string(), bytes.to_string()];
        let input = Box::new(Feed::new(None));
        let ended = hand
            .run(script::VOLUME_READ, &arguments, input, &mut passing)
            .await;
        match ended {
            Err(error) if broken < AGAIN && is_broken(&error) => broken += 1,
            ended => return ended,
        }
    }
}

/// Whether only the way to the command broke.
fn is_broken(error: &RunError) -> bool {
    match error {
        RunError::Exec { source, .. } => matches!(
            **source,
            ExecError::Broken { .. } | ExecError::NoStatus { .. } | ExecError::NotClosed { .. }
        ),
        RunError::Local(_) => false,
    }
}

/// Leaves out the first bytes, and counts the others as they pass.
struct Passing {
    to: DuplexStream,
    skip: u64,
    passed: u64,
}

impl AsyncWrite for Passing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let skipped = usize::try_from(this.skip).unwrap_or(usize::MAX).min(bytes.len());
        if skipped > 0 {
            this.skip -= skipped as u64;
            return Poll::Ready(Ok(skipped));
        }
        let count = ready!(Pin::new(&mut this.to).poll_write(context, bytes))?;
        this.passed += count as u64;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.to).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl AsyncRead for Reading {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.from).poll_read(context, buffer))?;
        if buffer.filled().len() > before || this.from.limit() == 0 || buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let Some(command) = &mut this.command else {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        };
        let end = ready!(Pin::new(command).poll(context));
        this.command = None;
        Poll::Ready(Err(match end {
            Ok(Ok(end)) if end.exit_code == 0 => io::ErrorKind::UnexpectedEof.into(),
            Ok(Ok(end)) => io::Error::other(refused(&end)),
            Ok(Err(error)) => io::Error::other(error),
            Err(error) => io::Error::other(error),
        }))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // Nobody waits for the rest.
        if let Some(command) = &self.command {
            command.abort();
        }
    }
}
