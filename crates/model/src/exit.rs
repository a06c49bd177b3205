//! The exit codes that all three programs share.

/// How a program ends. `docs/exit-codes.md` is the user's page on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Done, or ready.
    Done,
    /// Could not begin: usage, connection or credentials. Nothing changed.
    CouldNotBegin,
    /// Blocked by a finding. Nothing changed.
    Blocked,
    /// A blocking check could not be judged. Nothing changed.
    CannotTell,
    /// Failed, and everything was put back; or a backup act failed and left nothing.
    PutBack,
    /// Stopped half-way and waits for a person: `resume` and `abort` work, unless the person has taken over with
    /// `abort --leave`.
    Stopped,
    /// Upgraded, but a post-check failed.
    PostCheckFailed,
}

impl ExitCode {
    /// The number the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CouldNotBegin => 1,
            Self::Blocked => 2,
            Self::CannotTell => 3,
            Self::PutBack => 10,
            Self::Stopped => 11,
            Self::PostCheckFailed => 12,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}
