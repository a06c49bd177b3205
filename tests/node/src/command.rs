//! Running other programs: what they said is part of every failure.

use std::ffi::OsStr;
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Lines of a failed program's output that go into the error.
const TAIL_LINES: usize = 20;

/// What a program that ran to its end has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; `None` when a signal ended the program.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Whether the program ended with exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "exit code {code}")?,
            None => write!(f, "ended by a signal")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let text = text.trim_end();
            if !text.is_empty() {
                write!(f, "\n{name}: {}", tail(text.lines()).join("\n"))?;
            }
        }
        Ok(())
    }
}

/// Runs a command to its end, whatever its exit code.
///
/// # Errors
/// When the program cannot be started.
pub fn output(command: &mut Command) -> Result<Output> {
    let done = command
        .output()
        .with_context(|| format!("start {}", shown(command)))?;
    Ok(Output {
        code: done.status.code(),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}

/// Runs a command that must succeed and returns its standard output.
///
/// # Errors
/// When the program cannot be started or ends with another code than 0; the error holds the end of what it said.
pub fn run(command: &mut Command) -> Result<String> {
    let done = output(command)?;
    if !done.success() {
        bail!("{} failed: {done}", shown(command));
    }
    Ok(done.stdout)
}

/// Runs a long command that must succeed and hands over each line that it says on either stream, as it comes.
///
/// # Errors
/// When the program cannot be started or ends with another code than 0; the error holds its last lines.
pub fn run_watched(command: &mut Command, mut each_line: impl FnMut(&str)) -> Result<()> {
    let (reader, writer) = std::io::pipe().context("make a pipe")?;
    let second = writer.try_clone().context("make a pipe")?;
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    let mut child = command
        .spawn()
        .with_context(|| format!("start {}", shown(command)))?;
    // The command keeps the pipe's writing ends; without letting go of them the reader would never see the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut last: Vec<String> = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.context("read what the program says")?;
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        each_line(&line);
        last.push(line);
        if last.len() > TAIL_LINES {
            last.remove(0);
        }
    }
    let status = child
        .wait()
        .with_context(|| format!("wait for {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status}):\n{}", shown(command), last.join("\n"));
    }
    Ok(())
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

fn tail<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let lines: Vec<_> = lines.collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_the_code_and_what_was_said() {
        let error = run(Command::new("sh").args(["-c", "echo reason >&2; exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("sh -c") && error.contains("exit code 3") && error.contains("stderr: reason"),
            "{error}"
        );
    }

    #[test]
    fn watched_lines_arrive_from_both_streams() {
        let mut lines = Vec::new();
        run_watched(
            Command::new("sh").args(["-c", "echo one; echo two >&2"]),
            |line| lines.push(line.to_owned()),
        )
        .unwrap();
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn a_watched_failure_keeps_the_last_lines() {
        let mut script = Command::new("sh");
        script.args(["-c", "for i in $(seq 50); do echo line$i; done; exit 1"]);
        let error = run_watched(&mut script, |_| {}).unwrap_err().to_string();
        assert!(error.contains("line50") && !error.contains("line30\n"), "{error}");
    }
}
