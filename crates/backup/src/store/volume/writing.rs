//! A file on its way into a volume, in pieces whose sizes are said beforehand: the end of standard input does not reach
//! every container.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf as _, Bytes};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Interval, interval};
use tokio_util::sync::PollSender;
use tokio_util::task::TaskTracker;

use super::{VolumeFault, refused};
use crate::script::{self, Trailer, last_words, nonce};
use crate::store::StoreError;
use crate::store::backend::Writer;
use crate::transfer::hex;
use crate::{RunEnd, RunError, Runner};

/// Bytes of a piece; one is being filled, one waits and one is on its way.
const PIECE: usize = 2 << 20;

/// How often we say that we are still there. Cloud load balancers cut connections that are quiet for a minute.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

/// What the other end says of a name that is not free.
const EXISTS: &str = "exists";

/// What is sent next.
enum Piece {
    Data(Vec<u8>),
    /// All of it was sent: bytes and sha256 of the whole.
    End(u64, String),
}

/// A file being written; nobody sees it under its name before [`Writer::finish`].
pub(super) struct Writing {
    uri: String,
    nonce: String,
    pieces: PollSender<Piece>,
    buffer: Vec<u8>,
    hash: Sha256,
    bytes: u64,
    /// Gone once it has ended and was judged.
    command: Option<JoinHandle<Result<RunEnd, RunError>>>,
}

impl Writing {
    pub(super) fn begin(hand: Arc<dyn Runner>, tasks: &TaskTracker, path: String, uri: String) -> Self {
        let (sender, queue) = mpsc::channel(1);
        let nonce = nonce();
        let arguments = [nonce.clone(), path];
        let input = Box::new(Pieces {
            queue,
            head: Bytes::new(),
            body: Bytes::new(),
            beat: interval(SIGN_OF_LIFE),
        });
        let command = tasks.spawn(async move {
            let mut nothing = tokio::io::sink();
            hand.run(script::VOLUME_WRITE, &arguments, input, &mut nothing)
                .await
        });
        Self {
            uri,
            nonce,
            pieces: PollSender::new(sender),
            buffer: Vec::new(),
            hash: Sha256::new(),
            bytes: 0,
            command: Some(command),
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if ready!(self.pieces.poll_reserve(context)).is_err() {
            // Nobody listens any more: how the command ended says why.
            let end = ready!(self.poll_end(context));
            return Poll::Ready(Err(match end {
                Ok(trailer) if trailer.text("state") == EXISTS => {
                    io::Error::new(io::ErrorKind::AlreadyExists, StoreError::Taken(self.uri.clone()))
                }
                Ok(_) => io::Error::other(VolumeFault::NoWord("it ended before the file did".into())),
                Err(fault) => io::Error::other(fault),
            }));
        }
        let piece = mem::take(&mut self.buffer);
        let sent = self.pieces.send_item(Piece::Data(piece));
        Poll::Ready(sent.map_err(|_| io::ErrorKind::BrokenPipe.into()))
    }

    /// Waits for the command's end, and says what it said.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Result<Trailer, VolumeFault>> {
        let Some(command) = &mut self.command else {
            return Poll::Ready(Err(VolumeFault::NoWord("it had ended already".into())));
        };
        let end = ready!(Pin::new(command).poll(context));
        self.command = None;
        Poll::Ready(self.judge(end))
    }

    /// What the command said at its end.
    fn judge(
        &self,
        end: Result<Result<RunEnd, RunError>, tokio::task::JoinError>,
    ) -> Result<Trailer, VolumeFault> {
        let end = match end {
            Ok(end) => end?,
            Err(error) => return Err(VolumeFault::NoWord(error.to_string())),
        };
        let Some(trailer) = Trailer::find(&end.stderr_tail, &self.nonce) else {
            return Err(VolumeFault::NoWord(last_words(&end.stderr_tail)));
        };
        match trailer.text("state") {
            "done" | EXISTS => Ok(trailer),
            "differs" => Err(VolumeFault::Differs {
                sent: self.bytes,
                arrived: trailer.text("bytes").to_owned(),
            }),
            _ => Err(refused(&end)),
        }
    }

    async fn complete(&mut self) -> Result<Trailer, VolumeFault> {
        let sha256 = hex(&mem::take(&mut self.hash).finalize());
        let rest = mem::take(&mut self.buffer);
        // Where nobody listens any more, the command's end says why.
        if let Some(sender) = self.pieces.get_ref() {
            let sender = sender.clone();
            if !rest.is_empty() {
                let _ = sender.send(Piece::Data(rest)).await;
            }
            let _ = sender.send(Piece::End(self.bytes, sha256.clone())).await;
        }
        let trailer = std::future::poll_fn(|context| self.poll_end(context)).await?;
        let same = trailer.bytes("bytes") == Some(self.bytes) && trailer.text("sha256") == sha256;
        if trailer.text("state") == "done" && !same {
            return Err(VolumeFault::Differs {
                sent: self.bytes,
                arrived: trailer.text("bytes").to_owned(),
            });
        }
        Ok(trailer)
    }
}

#[async_trait]
impl Writer for Writing {
    async fn finish(mut self: Box<Self>) -> Result<u64, StoreError> {
        match self.complete().await {
            Ok(trailer) if trailer.text("state") == EXISTS => Err(StoreError::Taken(self.uri.clone())),
            Ok(_) => Ok(self.bytes),
            Err(source) => Err(StoreError::Volume {
                doing: "write",
                file: self.uri.clone(),
                source,
            }),
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // Without its last line the command gives the file no name, and takes it away.
        if let Some(command) = &self.command {
            command.abort();
        }
    }
}

impl AsyncWrite for Writing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.buffer.len() == PIECE {
            ready!(this.poll_send(context))?;
        }
        if this.buffer.is_empty() {
            this.buffer.reserve_exact(PIECE);
        }
        let count = bytes.len().min(PIECE - this.buffer.len());
        this.buffer.extend_from_slice(&bytes[..count]);
        this.hash.update(&bytes[..count]);
        this.bytes += count as u64;
        Poll::Ready(Ok(count))
    }

    /// What is not a whole piece yet waits for the rest of it.
    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The command's standard input.
struct Pieces {
    queue: mpsc::Receiver<Piece>,
    head: Bytes,
    body: Bytes,
    beat: Interval,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.head.is_empty() && this.body.is_empty() {
            match this.queue.poll_recv(context) {
                Poll::Ready(Some(Piece::Data(piece))) => {
                    this.head = format!("{}\n", piece.len()).into();
                    this.body = piece.into();
                }
                Poll::Ready(Some(Piece::End(bytes, sha256))) => {
                    this.head = format!("end {bytes} {sha256}\n").into();
                }
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(this.beat.poll_tick(context));
                    this.head = Bytes::from_static(b"\n");
                }
            }
        }
        for part in [&mut this.head, &mut this.body] {
            let count = part.len().min(buffer.remaining());
            buffer.put_slice(&part[..count]);
            part.advance(count);
        }
        Poll::Ready(Ok(()))
    }
}
