//! A running helm as its starter sees it.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::group;
use super::tail::Tail;
use crate::HelmError;
use crate::post_render::Staged;

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
    /// The last lines of its standard error, bounded.
    pub output_tail: Vec<String>,
    /// Why our post-renderer refused the manifest: Helm 4 shows nothing of a post-renderer's words.
    pub post_render_error: Option<String>,
}

impl HelmEnd {
    /// Whether helm says that it succeeded.
    pub fn is_success(&self) -> bool {
        self.code == 0
    }

    /// The error on one line; `None` when helm succeeded.
    pub fn error(&self) -> Option<String> {
        if self.is_success() {
            return None;
        }
        Some(match &self.post_render_error {
            Some(error) => error.clone(),
            None => {
                error_line(&self.output_tail).unwrap_or_else(|| format!("helm ended with code {}", self.code))
            }
        })
    }
}

/// helm's own error out of its standard error: from the last line that begins with `Error:` to the end, on one line.
pub(crate) fn error_line<S: AsRef<str>>(stderr: &[S]) -> Option<String> {
    let first = stderr
        .iter()
        .rposition(|line| line.as_ref().starts_with("Error:"))
        .or_else(|| stderr.len().checked_sub(1))?;
    let text = stderr[first..]
        .iter()
        .map(|line| line.as_ref().trim())
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let text = text.strip_prefix("Error:").unwrap_or(&text).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// A running helm. Dropping it ends helm.
pub struct Running {
    child: Child,
    // Closing it is what tells the supervisor to end helm.
    pipe: Option<ChildStdin>,
    lines: mpsc::UnboundedReceiver<OutputLine>,
    readers: JoinSet<()>,
    stderr: Arc<Mutex<Tail>>,
    // What helm reads while it runs; goes when this is dropped.
    staged: Option<Staged>,
    end: Option<HelmEnd>,
}

impl Running {
    /// Starts `command`, which must be the supervisor with its arguments.
    pub(crate) fn start(mut command: Command) -> std::io::Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        group::start_apart(command.as_std_mut());
        let mut child = command.spawn()?;
        let (tell, lines) = mpsc::unbounded_channel();
        let stderr = Arc::new(Mutex::new(Tail::default()));
        let mut readers = JoinSet::new();
        if let Some(out) = child.stdout.take() {
            readers.spawn(read(out, OutputLine::Out, tell.clone(), None));
        }
        if let Some(err) = child.stderr.take() {
            readers.spawn(read(err, OutputLine::Err, tell, Some(Arc::clone(&stderr))));
        }
        Ok(Self {
            pipe: child.stdin.take(),
            child,
            lines,
            readers,
            stderr,
            staged: None,
            end: None,
        })
    }

    /// Keeps what helm reads while it runs.
    pub(crate) fn keep(mut self, staged: Staged) -> Self {
        self.staged = Some(staged);
        self
    }

    /// The next line; `None` once helm's output has ended. Cancel-safe.
    pub async fn next_line(&mut self) -> Option<OutputLine> {
        self.lines.recv().await
    }

    /// Waits for helm's end. Lines not taken stay for [`Running::next_line`]. Cancel-safe; can be called again.
    ///
    /// # Errors
    /// The supervisor itself was lost.
    pub async fn wait(&mut self) -> Result<HelmEnd, HelmError> {
        if let Some(end) = &self.end {
            return Ok(end.clone());
        }
        let waited = self.child.wait().await;
        let status = waited.map_err(HelmError::Lost)?;
        // The supervisor has killed the whole group, so both streams end.
        while self.readers.join_next().await.is_some() {}
        let end = HelmEnd {
            code: i32::from(group::code(status)),
            output_tail: self.stderr.lock().unwrap_or_else(PoisonError::into_inner).lines(),
            post_render_error: self
                .staged
                .as_ref()
                .and_then(|staged| std::fs::read_to_string(staged.errors()).ok())
                .filter(|text| !text.is_empty()),
        };
        self.end = Some(end.clone());
        Ok(end)
    }

    /// Tells helm to end (SIGTERM: it marks its revision failed), kills it after
    /// [`STOP_GRACE`](crate::supervise::STOP_GRACE), and waits for its end. A hook Job that it started keeps running.
    ///
    /// # Errors
    /// The supervisor itself was lost.
    pub async fn stop(&mut self) -> Result<HelmEnd, HelmError> {
        self.pipe = None;
        self.wait().await
    }
}

async fn read(
    stream: impl AsyncRead + Unpin,
    kind: fn(String) -> OutputLine,
    tell: mpsc::UnboundedSender<OutputLine>,
    tail: Option<Arc<Mutex<Tail>>>,
) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A stream that breaks has ended.
        match reader.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_owned();
        if let Some(tail) = &tail {
            tail.lock().unwrap_or_else(PoisonError::into_inner).push(&text);
        }
        // Nobody may be listening; the tail is kept all the same.
        let _ = tell.send(kind(text));
    }
}
