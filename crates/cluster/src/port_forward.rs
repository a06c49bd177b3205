//! One TCP connection into a pod.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Cluster;

/// One connection to one port of a pod: a WebSocket of its own. Never half-closes (the API server would drop what the
/// pod still says): shutting down only flushes, dropping closes. The kubelet's error text comes out of reads and writes.
pub struct PortForward(());

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
        source: crate::RequestError,
    },
}

impl Cluster {
    /// Opens one connection to a port of a pod. Call again for each further connection.
    ///
    /// # Errors
    /// When the API server refuses. That nothing listens on the port comes out of the first read.
    pub async fn port_forward(
        &self,
        _namespace: &str,
        _pod: &str,
        _port: u16,
    ) -> Result<PortForward, PortForwardError> {
        todo!()
    }
}

impl AsyncRead for PortForward {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        todo!()
    }
}

impl AsyncWrite for PortForward {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        _bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        todo!()
    }
    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
}
