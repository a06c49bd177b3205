//! Process groups: a helm with all that it starts.

#[cfg(unix)]
mod system {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, ExitStatus};

    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;

    pub(crate) fn start_apart(command: &mut Command) {
        command.process_group(0);
    }

    pub(crate) fn end(leader: u32) {
        send(leader, Signal::SIGTERM);
    }

    /// Ends a process and all that it started in its group, at once.
    pub fn kill(leader: u32) {
        send(leader, Signal::SIGKILL);
    }

    /// A group that is gone already is what was wanted.
    fn send(leader: u32, signal: Signal) {
        if let Ok(leader) = i32::try_from(leader) {
            let _ = killpg(Pid::from_raw(leader), signal);
        }
    }

    /// The exit code; 128 and the signal's number for a process that a signal ended, as shells say it.
    pub(crate) fn code(status: ExitStatus) -> u8 {
        let code = status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal))
            .unwrap_or(1);
        u8::try_from(code).unwrap_or(u8::MAX)
    }
}

/// Windows has no groups to signal: the process itself is ended, and it has no gentle way.
#[cfg(not(unix))]
mod system {
    use std::process::{Command, ExitStatus, Stdio};

    pub(crate) fn start_apart(_command: &mut Command) {}

    pub(crate) fn end(leader: u32) {
        kill(leader);
    }

    /// Ends a process and all that it started, at once.
    pub fn kill(leader: u32) {
        let _ = Command::new("taskkill")
            .args(["/T", "/F", "/PID", &leader.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }

    pub(crate) fn code(status: ExitStatus) -> u8 {
        u8::try_from(status.code().unwrap_or(1)).unwrap_or(u8::MAX)
    }
}

pub use system::kill;
pub(crate) use system::{code, end, start_apart};
