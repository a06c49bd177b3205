//! One WebSocket of a command, from its first frame to its close.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::ExecEnd;
use super::status::{CommandStatus, command_status};
use super::tail::{STDERR_TAIL_BYTES, Tail};

// Channels of `v5.channel.k8s.io`: the first byte of every frame.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const END_OF_CHANNEL: u8 = 255;

/// How often a sign of life is sent. Balancers cut connections that are idle for a minute; a dead peer is noticed when
/// TCP gives up on the ping, not by a missing answer, because an API server whose pod reads no stdin answers none.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How long the close may take after the status. The API server closes at once; what is later is a broken middleman.
pub(super) const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// Frames of stdout that may wait for the sink: 1 MiB, as kubelets send 32 KiB at most in one.
const QUEUED_FRAMES: usize = 32;

/// Bytes of stdin in one frame, as kubectl sends them.
const STDIN_FRAME_BYTES: usize = 32 * 1024;

/// Why a session did not come to its proven end.
#[derive(Debug)]
pub(super) enum Failure {
    Broken(io::Error),
    NoStatus,
    NotClosed,
    UnreadableStatus(String),
    NotRun(String),
    Silent(Duration),
    Stdin(io::Error),
    Stdout(io::Error),
}

/// How far stdin has been sent.
#[derive(Clone, Copy)]
struct Sent {
    bytes: u64,
    complete: bool,
    at: Instant,
}

/// Runs one session: receives, keeps and sends at the same time, so that no side can wait for another.
pub(super) async fn run<S, I, O>(
    socket: WebSocketStream<S>,
    stdin: Option<I>,
    stdout: O,
    silence_limit: Option<Duration>,
) -> Result<ExecEnd, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
    I: AsyncRead + Unpin,
    O: AsyncWrite + Unpin,
{
    let (to_server, from_server) = socket.split();
    let (queue, queued) = mpsc::channel(QUEUED_FRAMES);
    let (sent, sent_so_far) = watch::channel(Sent {
        bytes: 0,
        complete: false,
        at: Instant::now(),
    });

    let arriving = async {
        tokio::try_join!(
            receive(from_server, queue, sent_so_far.clone(), silence_limit),
            keep(queued, stdout),
        )
    };
    let ((exit_code, stderr), (stdout_bytes, stdout_sha256)) = tokio::select! {
        arrived = arriving => arrived?,
        failure = send(to_server, stdin, sent) => return Err(failure),
    };
    let sent = *sent_so_far.borrow();
    Ok(ExecEnd {
        exit_code,
        stderr_tail: stderr.into_text(),
        stdout_bytes,
        stdout_sha256,
        stdin_bytes: sent.bytes,
        stdin_complete: sent.complete,
    })
}

/// Receives until the close. The status is what makes an end a success; bytes that come after it still count.
async fn receive(
    mut from_server: impl Stream<Item = Result<Message, SocketError>> + Unpin,
    queue: mpsc::Sender<Bytes>,
    sent: watch::Receiver<Sent>,
    silence_limit: Option<Duration>,
) -> Result<(i32, Tail), Failure> {
    let mut stderr = Tail::new(STDERR_TAIL_BYTES);
    let mut status = None;
    loop {
        let next = if status.is_some() {
            timeout(CLOSE_LIMIT, from_server.next())
                .await
                .map_err(|_| Failure::NotClosed)?
        } else {
            next_before_silence(&mut from_server, &sent, silence_limit).await?
        };
        match next {
            Some(Ok(Message::Binary(frame))) => match frame.first() {
                // Every channel is announced by an empty frame.
                Some(_) if frame.len() == 1 => {}
                Some(&STDOUT) => {
                    if queue.send(frame.slice(1..)).await.is_err() {
                        // The sink has failed and says so itself.
                        std::future::pending::<()>().await;
                    }
                }
                Some(&STDERR) => stderr.push(&frame[1..]),
                Some(&STATUS) => {
                    let text = &frame[1..];
                    status = Some(command_status(text).ok_or_else(|| {
                        Failure::UnreadableStatus(String::from_utf8_lossy(text).into_owned())
                    })?);
                }
                Some(_) | None => {}
            },
            Some(Ok(Message::Close(_))) | None => break,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Frame(_))) => {}
            // API servers cut the connection after the status without closing the WebSocket first.
            Some(Err(_)) if status.is_some() => break,
            Some(Err(error)) => return Err(Failure::Broken(io_error(error))),
        }
    }
    match status {
        Some(CommandStatus::Ended(code)) => Ok((code, stderr)),
        Some(CommandStatus::NotRun(message)) => Err(Failure::NotRun(message)),
        None => Err(Failure::NoStatus),
    }
}

/// The next frame, or a failure once neither a frame came nor a byte of stdin went for longer than the limit.
async fn next_before_silence<T: Stream + Unpin>(
    from_server: &mut T,
    sent: &watch::Receiver<Sent>,
    limit: Option<Duration>,
) -> Result<Option<T::Item>, Failure> {
    let Some(limit) = limit else {
        return Ok(from_server.next().await);
    };
    let waiting_since = Instant::now();
    loop {
        let moved = waiting_since.max(sent.borrow().at);
        match timeout_at(moved + limit, from_server.next()).await {
            Ok(next) => return Ok(next),
            Err(_) if sent.borrow().at > moved => {}
            Err(_) => return Err(Failure::Silent(limit)),
        }
    }
}

/// Writes stdout to the sink, counting and hashing.
async fn keep(
    mut queued: mpsc::Receiver<Bytes>,
    mut stdout: impl AsyncWrite + Unpin,
) -> Result<(u64, String), Failure> {
    let mut hash = Sha256::new();
    let mut bytes = 0;
    while let Some(frame) = queued.recv().await {
        stdout.write_all(&frame).await.map_err(Failure::Stdout)?;
        hash.update(&frame);
        bytes += frame.len() as u64;
    }
    stdout.flush().await.map_err(Failure::Stdout)?;
    Ok((bytes, hex(&hash.finalize())))
}

/// Sends stdin to its end, then the end mark, and a ping now and then for as long as the session lasts. Returns only on
/// failure. A source that fails gets no end mark: the command would take the part for the whole.
async fn send(
    mut to_server: impl Sink<Message, Error = SocketError> + Unpin,
    mut stdin: Option<impl AsyncRead + Unpin>,
    sent: watch::Sender<Sent>,
) -> Failure {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut buffer = vec![0; STDIN_FRAME_BYTES];
    loop {
        let read = async {
            match stdin.as_mut() {
                Some(source) => source.read(&mut buffer).await,
                None => std::future::pending().await,
            }
        };
        let (message, length) = tokio::select! {
            _ = pings.tick() => (Message::Ping(Bytes::new()), None),
            read = read => match read {
                Ok(0) => (Message::binary(vec![END_OF_CHANNEL, STDIN]), Some(0)),
                Ok(length) => {
                    let mut frame = Vec::with_capacity(length + 1);
                    frame.push(STDIN);
                    frame.extend_from_slice(&buffer[..length]);
                    (Message::binary(frame), Some(length))
                }
                Err(error) => return Failure::Stdin(error),
            },
        };
        if let Err(error) = to_server.send(message).await {
            // What the server said before it stopped listening (a status, perhaps) is still on its way: the receiver
            // ends the session, unless nothing ever comes.
            sleep(CLOSE_LIMIT).await;
            return Failure::Broken(io_error(error));
        }
        if let Some(length) = length {
            sent.send_modify(|sent| {
                sent.bytes += length as u64;
                sent.complete = length == 0;
                sent.at = Instant::now();
            });
            if length == 0 {
                stdin = None;
            }
        }
    }
}

fn io_error(error: SocketError) -> io::Error {
    match error {
        SocketError::Io(error) => error,
        other => io::Error::other(other),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
