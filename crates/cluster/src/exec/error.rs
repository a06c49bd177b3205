//! Why a command's end or output is not known.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::RequestError;

/// Why a command's end or output is not known. Whatever arrived must not be taken for the whole.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The API server refused or could not be reached.
    #[error("failed to open a command in container {container} of pod {pod}")]
    Open {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// Why.
        #[source]
        source: RequestError,
    },
    /// The container runtime did not run the command.
    #[error("command in container {container} of pod {pod} did not run: {message}")]
    NotRun {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// The runtime's words.
        message: String,
    },
    /// The API server cannot signal the end of stdin (before Kubernetes 1.30).
    #[error("the API server cannot signal the end of stdin: Kubernetes 1.30 or newer is needed")]
    OldProtocol,
    /// The connection broke.
    #[error("the connection to pod {pod} broke before the command ended: its output is not complete")]
    Broken {
        /// The pod.
        pod: String,
        /// How.
        #[source]
        source: io::Error,
    },
    /// The stream ended without the command's status.
    #[error("the stream from pod {pod} ended without the command's status: its output is not complete")]
    NoStatus {
        /// The pod.
        pod: String,
    },
    /// The command's status came but the stream was not closed after it.
    #[error(
        "the stream from pod {pod} did not close within {} s of the command's end: its output may not be complete",
        limit.as_secs()
    )]
    NotClosed {
        /// The pod.
        pod: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The command's status could not be understood.
    #[error("the status of the command in pod {pod} is unreadable: {text}")]
    UnreadableStatus {
        /// The pod.
        pod: String,
        /// Its text.
        text: String,
    },
    /// Nothing moved for as long as the caller allows.
    #[error("nothing came from pod {pod} for {} s", limit.as_secs())]
    Silent {
        /// The pod.
        pod: String,
        /// The caller's limit.
        limit: Duration,
    },
    /// What was to be sent could not be read. Its end was not signalled: the command did not take it for the whole.
    #[error("failed to read what was to be sent to pod {pod}")]
    Stdin {
        /// The pod.
        pod: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What came could not be kept.
    #[error("failed to write what came from pod {pod}")]
    Stdout {
        /// The pod.
        pod: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// More output than a text may have.
    #[error("the command in pod {pod} wrote more than {limit} bytes")]
    TooLong {
        /// The pod.
        pod: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// Output that is no text.
    #[error("the output of the command in pod {pod} is no UTF-8")]
    NotText {
        /// The pod.
        pod: String,
    },
}
