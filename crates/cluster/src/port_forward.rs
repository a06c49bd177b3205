//! One TCP connection into a pod.
//!
//! The WebSocket is driven here and not by kube's `Portforwarder`: that one turns a broken socket into a quiet end of
//! file, drops what the pod still says once our writing half is shut, and keeps the kubelet's error text to itself.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use crate::{Cluster, RequestError};

// Channels of the one port asked for: the first byte of every frame.
const DATA: u8 = 0;
const ERROR: u8 = 1;

/// How often a sign of life is sent while somebody reads: balancers cut connections that are idle for a minute.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Bytes in one frame towards the pod.
const FRAME_BYTES: usize = 32 * 1024;

/// One connection to one port of a pod: a WebSocket of its own. Never half-closes (the API server would drop what the
/// pod still says): shutting down only flushes, dropping closes. A broken connection and the kubelet's error text come
/// out of reads and writes as errors, never as an end of file.
pub struct PortForward {
    socket: WebSocketStream<TokioIo<Upgraded>>,
    /// Received and not yet read.
    received: Bytes,
    /// Whether the data and the error channel have been announced by their first frame.
    announced: [bool; 2],
    /// What the kubelet said on the error channel.
    failure: Option<String>,
    ended: bool,
    /// Whether somebody waits for room to write. The socket wakes one writer only, and a ping must not take its place.
    writer_waits: bool,
    pings: Interval,
}

impl std::fmt::Debug for PortForward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PortForward")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Why a port of a pod could not be reached.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PortForwardError {
    /// The API server refused or could not be reached.
    #[error("failed to open a connection to port {port} of pod {pod}")]
    Open {
        /// The pod.
        pod: String,
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: RequestError,
    },
}

impl Cluster {
    /// Opens one connection to a port of a pod. Call again for each further connection.
    ///
    /// # Errors
    /// When the API server refuses. That nothing listens on the port comes out of the first read.
    pub async fn port_forward(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
    ) -> Result<PortForward, PortForwardError> {
        let open = |source| PortForwardError::Open {
            pod: pod.to_owned(),
            port,
            source: RequestError::from(source),
        };
        let pods = kube::core::Request::new(format!("/api/v1/namespaces/{namespace}/pods"));
        let call = pods
            .portforward(pod, &[port])
            .map_err(|error| open(kube::Error::BuildRequest(error)))?;
        let connection = self.client.connect(call).await.map_err(open)?;
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(PortForward {
            socket: connection.into_stream(),
            received: Bytes::new(),
            announced: [false; 2],
            failure: None,
            ended: false,
            writer_waits: false,
            pings,
        })
    }
}

impl PortForward {
    /// Takes in one frame.
    fn accept(&mut self, mut frame: Bytes) {
        if frame.is_empty() {
            return;
        }
        let channel = frame.split_to(1)[0];
        let Some(announced) = self.announced.get_mut(usize::from(channel)) else {
            return;
        };
        // The first frame of each channel carries the port's number.
        if !std::mem::replace(announced, true) {
            return;
        }
        match channel {
            DATA => self.received = frame,
            ERROR if !frame.is_empty() => {
                self.failure = Some(String::from_utf8_lossy(&frame).trim().to_owned());
            }
            _ => {}
        }
    }

    fn check(&self) -> io::Result<()> {
        match &self.failure {
            Some(text) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, text.clone())),
            None => Ok(()),
        }
    }
}

impl AsyncRead for PortForward {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !self.received.is_empty() {
                let length = self.received.len().min(buffer.remaining());
                buffer.put_slice(&self.received.split_to(length));
                return Poll::Ready(Ok(()));
            }
            self.check()?;
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            if self.pings.poll_tick(context).is_ready() {
                // A ping that cannot be sent now is not missed: then something else is on its way.
                if !self.writer_waits
                    && self
                        .socket
                        .poll_ready_unpin(context)
                        .map_err(io_error)?
                        .is_ready()
                {
                    self.socket
                        .start_send_unpin(Message::Ping(Bytes::new()))
                        .map_err(io_error)?;
                    let _ = self.socket.poll_flush_unpin(context).map_err(io_error)?;
                }
                continue;
            }
            match ready!(self.socket.poll_next_unpin(context)) {
                Some(Ok(Message::Binary(frame))) => self.accept(frame),
                Some(Ok(Message::Close(_))) | None => self.ended = true,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Frame(_))) => {}
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(io_error(error)));
                }
            }
        }
    }
}

impl AsyncWrite for PortForward {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        let room = self.socket.poll_ready_unpin(context).map_err(io_error);
        self.writer_waits = room.is_pending();
        ready!(room)?;
        let length = bytes.len().min(FRAME_BYTES);
        let mut frame = Vec::with_capacity(length + 1);
        frame.push(DATA);
        frame.extend_from_slice(&bytes[..length]);
        self.socket
            .start_send_unpin(Message::binary(frame))
            .map_err(io_error)?;
        // Sent at once where possible: not everyone who writes flushes.
        let _ = self.socket.poll_flush_unpin(context).map_err(io_error)?;
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.socket.poll_flush_unpin(context).map_err(io_error);
        self.writer_waits = flushed.is_pending();
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

fn io_error(error: SocketError) -> io::Error {
    match error {
        SocketError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::ConnectionReset, other),
    }
}
