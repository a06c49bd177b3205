//! A running helm as its starter sees it.

use crate::HelmError;

/// A line of helm's output without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputLine {
    /// From standard output.
    Out(String),
    /// From standard error.
    Err(String),
}

impl OutputLine {
    /// The text.
    pub fn text(&self) -> &str {
        match self {
            Self::Out(text) | Self::Err(text) => text,
        }
    }
}

/// How helm ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmEnd {
    /// Its exit code; 128 and the signal's number when a signal ended it.
    pub code: i32,
    /// The last lines of its output, bounded.
    pub output_tail: Vec<String>,
}

impl HelmEnd {
    /// Whether helm says that it succeeded.
    pub fn is_success(&self) -> bool {
        self.code == 0
    }

    /// helm's own error on one line; `None` when it succeeded.
    pub fn error(&self) -> Option<String> {
        todo!()
    }
}

/// A running helm. Dropping it ends helm.
pub struct Running {}

impl Running {
    /// The next line; `None` once helm's output has ended. Cancel-safe.
    pub async fn next_line(&mut self) -> Option<OutputLine> {
        todo!()
    }

    /// Waits for helm's end. Lines not taken are dropped, their tail kept. Cancel-safe.
    ///
    /// # Errors
    /// The supervisor itself was lost.
    pub async fn wait(&mut self) -> Result<HelmEnd, HelmError> {
        todo!()
    }

    /// Tells helm to end (SIGTERM: it marks its revision failed), kills it after
    /// [`STOP_GRACE`](crate::supervise::STOP_GRACE), and waits for its end. A hook Job that it started keeps running.
    ///
    /// # Errors
    /// The supervisor itself was lost.
    pub async fn stop(&mut self) -> Result<HelmEnd, HelmError> {
        todo!()
    }
}
