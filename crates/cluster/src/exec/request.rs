//! What to run, and how it ended.

use std::time::Duration;

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
    /// Give up when nothing at all moved for so long while we waited for the other side: no byte either way and no sign
    /// of life from the API server. `None` waits as long as the connection stands, which suits commands that think for
    /// hours. Must be longer than 20 s, the beat at which signs of life are asked for.
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
/// it, and every byte of stdout that came was written to the sink. What happened inside the pod before (a proxy or
/// kubelet that lost bytes) is not proven: compare with a length and hash computed there.
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
    /// Whether stdin was sent to its end, end mark included. `false` when the command ended before it had been sent all.
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
