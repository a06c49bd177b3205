//! A command in a container, whose end and bytes are proven.

use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::Cluster;

/// What to run where.
#[derive(Debug, Clone)]
pub struct ExecRequest {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The program and its arguments. They stand in the API server's audit log: no secret may be among them.
    pub command: Vec<String>,
    /// Give up when nothing at all moved for so long: no byte either way and no sign of life from the API server.
    /// `None` waits as long as the connection stands, which suits commands that think for hours.
    pub silence_limit: Option<Duration>,
}

impl ExecRequest {
    /// A request without a silence limit.
    pub fn new(
        namespace: impl Into<String>,
        pod: impl Into<String>,
        container: impl Into<String>,
        command: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            namespace: namespace.into(),
            pod: pod.into(),
            container: container.into(),
            command: command.into_iter().map(Into::into).collect(),
            silence_limit: None,
        }
    }
}

/// How a command ended. That there is one means: the API server sent the command's status and closed the stream after
/// it, and every byte of stdout before that was written to the sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecEnd {
    /// The command's exit code; not 0 is not an error here.
    pub exit_code: i32,
    /// The end of its stderr, at most 64 KiB.
    pub stderr_tail: String,
    /// Bytes received on stdout, counted here.
    pub stdout_bytes: u64,
    /// sha256 over them, computed here, lower-case hex.
    pub stdout_sha256: String,
    /// Bytes of stdin that were sent.
    pub stdin_bytes: u64,
    /// Whether stdin was sent to its end, end mark included. `false` when the command ended before it had read all.
    pub stdin_complete: bool,
}

/// The end of a command with little output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecText {
    /// The command's exit code; not 0 is not an error here.
    pub exit_code: i32,
    /// All of its stdout.
    pub stdout: String,
    /// The end of its stderr, at most 64 KiB.
    pub stderr: String,
}

/// Why a command's end or output is not known. Whatever arrived must not be taken for the whole.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The stream ended without the command's status.
    #[error("the stream from pod {pod} ended before the command did: its output is not complete")]
    NoStatus {
        /// The pod.
        pod: String,
    },
}

impl Cluster {
    /// Runs a command. stdout goes to `stdout` as it comes (flushed, not shut down, at the end), stderr into a ring,
    /// stdin from `stdin` to its end, which is then signalled. Nothing is ever held whole in memory.
    ///
    /// # Errors
    /// When the command's status did not come, the connection broke, the sink or the source failed. Dropping the future
    /// closes the connection; the command in the pod may go on (it sees its stdout closed only when it writes).
    pub async fn exec(
        &self,
        _request: &ExecRequest,
        _stdin: Option<impl AsyncRead + Unpin + Send>,
        _stdout: impl AsyncWrite + Unpin + Send,
    ) -> Result<ExecEnd, ExecError> {
        todo!()
    }

    /// Runs a command with little output (1 MiB at most) and little or no input.
    ///
    /// # Errors
    /// As [`Cluster::exec`]; also when stdout is longer than 1 MiB or is no UTF-8.
    pub async fn exec_text(
        &self,
        _request: &ExecRequest,
        _stdin: Option<&[u8]>,
    ) -> Result<ExecText, ExecError> {
        todo!()
    }
}
