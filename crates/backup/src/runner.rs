//! Where commands run.

use async_trait::async_trait;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

/// A place with the server's own client programs: a container of the server's pod, or this machine.
///
/// Both run the same scripts of POSIX shell; what differs is only who carries the bytes.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Runs `script` with positional arguments. Neither may hold a secret: both can be seen in process lists and audit
    /// logs. Standard input is passed to its end and then closed; standard output is passed on as it comes.
    ///
    /// # Errors
    /// When the command's end or the completeness of its output is not known. A bad exit code is no error here.
    /// Dropping the future ends the command, where the place can still be reached.
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError>;

    /// The place in words, for messages: `pod db-0` or `this machine`.
    fn place(&self) -> String;

    /// Takes away what was made for the place; nothing runs in it any more.
    async fn close(&self) {}
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// Its exit code; 128 and the signal's number where a signal ended it.
    pub exit_code: i32,
    /// The end of its standard error.
    pub stderr_tail: String,
}

/// Why a command's end is not known.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The stream to the pod failed or ended early.
    #[error("failed to run a command in {place}")]
    Exec {
        /// Where.
        place: String,
        /// Why.
        #[source]
        source: Box<cluster::ExecError>,
    },
    /// The command could not be started or its pipes failed on this machine.
    #[error("failed to run a command on this machine")]
    Local(#[source] std::io::Error),
}
