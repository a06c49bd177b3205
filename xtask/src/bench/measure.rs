//! One command, its time and its memory.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// How often the memory of a running command is read. The kernel keeps the highest value itself, so only what is added
/// in the last moment can be missed.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// Wall time in seconds.
    pub(crate) seconds: f64,
    /// Highest resident memory of the process itself, in MiB.
    pub(crate) peak_mib: f64,
}

/// Runs a command that must succeed and reads nothing.
pub(crate) fn measure(command: &mut Command) -> Result<Taken> {
    measure_with(command, Stdio::null())
}

/// Runs a command that must succeed, with this standard input.
pub(crate) fn measure_with(command: &mut Command, input: Stdio) -> Result<Taken> {
    let name = command.get_program().display().to_string();
    command.stdin(input).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().with_context(|| format!("start {name}"))?;
    let errors = child
        .stderr
        .take()
        .map(|stream| thread::spawn(move || std::io::read_to_string(stream)));
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = fs::read_to_string(&status_file)
            .ok()
            .and_then(|text| highest_resident_kib(&text))
            .map_or(peak_kib, |now| now.max(peak_kib));
        if let Some(status) = child.try_wait().with_context(|| format!("wait for {name}"))? {
            break status;
        }
        pause();
    };
    let seconds = begun.elapsed().as_secs_f64();
    let said = match errors.map(thread::JoinHandle::join) {
        Some(Ok(Ok(said))) => said,
        Some(Ok(Err(_)) | Err(_)) | None => String::new(),
    };
    ensure!(status.success(), "{name} ended with {status}: {said}");
    Ok(Taken {
        seconds,
        peak_mib: f64::from(peak_kib) / 1024.0,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells of a process's memory but a look at it"
)]
fn pause() {
    thread::sleep(LOOK_EVERY);
}

/// `VmHWM` of `/proc/PID/status`.
fn highest_resident_kib(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_resident_memory_is_read_from_the_kernels_text() {
        assert_eq!(
            highest_resident_kib("VmPeak:\t 9000 kB\nVmHWM:\t  5124 kB\nVmRSS:\t 10 kB\n"),
            Some(5124)
        );
        assert_eq!(highest_resident_kib("Name:\tx\n"), None);
    }

    #[test]
    fn a_command_that_fails_is_no_figure() {
        let error = measure(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err();
        assert!(format!("{error:#}").contains("no"), "{error:#}");
    }
}
