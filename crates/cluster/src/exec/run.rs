//! Commands on a cluster.

use kube::api::AttachParams;
use tokio::io::{AsyncRead, AsyncWrite};

use super::session::{self, CLOSE_LIMIT, Failure};
use super::{ExecEnd, ExecError, ExecRequest, ExecText};
use crate::{Cluster, RequestError};

/// How much output counts as text.
const TEXT_BYTES: usize = 1024 * 1024;

impl Cluster {
    /// Runs a command, without a terminal. stdout goes to `stdout` as it comes (flushed, not shut down, at the end),
    /// stderr into a ring, stdin from `stdin` to its end, which is then signalled. Nothing is ever held whole in memory.
    ///
    /// # Errors
    /// When the command's status did not come, the connection broke, the sink or the source failed. Dropping the future
    /// closes the connection; the command in the pod may go on (it sees its stdout closed only when it writes).
    pub async fn exec(
        &self,
        request: &ExecRequest,
        stdin: Option<impl AsyncRead + Unpin + Send>,
        stdout: impl AsyncWrite + Unpin + Send,
    ) -> Result<ExecEnd, ExecError> {
        let open = |source| ExecError::Open {
            pod: request.pod.clone(),
            container: request.container.clone(),
            source: RequestError::from(source),
        };
        let params = AttachParams::default()
            .container(&request.container)
            .stdin(stdin.is_some())
            .stdout(true)
            .stderr(true)
            .tty(false);
        let pods = kube::core::Request::new(format!("/api/v1/namespaces/{}/pods", request.namespace));
        let call = pods
            .exec(&request.pod, &request.command, &params)
            .map_err(|error| open(kube::Error::BuildRequest(error)))?;
        let connection = self.client.connect(call).await.map_err(open)?;
        if stdin.is_some() && !connection.supports_stream_close() {
            return Err(ExecError::OldProtocol);
        }
        session::run(connection.into_stream(), stdin, stdout, request.silence_limit)
            .await
            .map_err(|failure| explain(failure, request))
    }

    /// Runs a command with little output (1 MiB at most) and little or no input.
    ///
    /// # Errors
    /// As [`Cluster::exec`]; also when stdout is longer than 1 MiB or is no UTF-8.
    pub async fn exec_text(
        &self,
        request: &ExecRequest,
        stdin: Option<&[u8]>,
    ) -> Result<ExecText, ExecError> {
        let mut sink = BoundedSink(Vec::new());
        let end = match self.exec(request, stdin, &mut sink).await {
            Err(ExecError::Stdout { pod, .. }) => {
                return Err(ExecError::TooLong {
                    pod,
                    limit: TEXT_BYTES,
                });
            }
            other => other?,
        };
        let stdout = String::from_utf8(sink.0).map_err(|_| ExecError::NotText {
            pod: request.pod.clone(),
        })?;
        Ok(ExecText {
            exit_code: end.exit_code,
            stdout,
            stderr: end.stderr_tail,
        })
    }
}

fn explain(failure: Failure, request: &ExecRequest) -> ExecError {
    let pod = request.pod.clone();
    match failure {
        Failure::Broken(source) => ExecError::Broken { pod, source },
        Failure::NoStatus => ExecError::NoStatus { pod },
        Failure::NotClosed => ExecError::NotClosed {
            pod,
            limit: CLOSE_LIMIT,
        },
        Failure::UnreadableStatus(text) => ExecError::UnreadableStatus { pod, text },
        Failure::NotRun(message) => ExecError::NotRun {
            pod,
            container: request.container.clone(),
            message,
        },
        Failure::Silent(limit) => ExecError::Silent { pod, limit },
        Failure::Stdin(source) => ExecError::Stdin { pod, source },
        Failure::Stdout(source) => ExecError::Stdout { pod, source },
    }
}

/// A buffer that refuses to grow beyond [`TEXT_BYTES`].
struct BoundedSink(Vec<u8>);

impl AsyncWrite for BoundedSink {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        if self.0.len() + bytes.len() > TEXT_BYTES {
            return std::task::Poll::Ready(Err(std::io::ErrorKind::FileTooLarge.into()));
        }
        self.0.extend_from_slice(bytes);
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
