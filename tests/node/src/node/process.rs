//! Processes that outlive the one that started them, recorded so that no other is ever taken for one of them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::folders::write_whole;
use crate::wait;

/// How long a killed process may take to vanish: the kernel frees hundreds of megabytes and closes files meanwhile.
const GONE: Duration = Duration::from_secs(20);

/// A started process. The number alone would not do: numbers are used again, after a restart of the machine soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) pid: i32,
    /// Clock ticks between the start of the machine and of the process.
    start_time: u64,
    /// Names the run of the machine.
    boot: String,
}

impl Process {
    /// Starts `program` in a session of its own, its output going to `log`, and records it in `record`.
    pub(super) fn start(
        program: &Path,
        arguments: &[String],
        folder: &Path,
        log: &Path,
        record: &Path,
    ) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("create {}", log.display()))?;
        let errors = output
            .try_clone()
            .with_context(|| format!("open {} twice", log.display()))?;
        // A process that was just made leads no group, so setsid replaces itself and the number stays the same.
        let mut child = Command::new("setsid")
            .arg(program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let pid = i32::try_from(child.id()).context("a process number beyond its type")?;
        let start_time = stat(pid)
            .with_context(|| format!("look at the new process {pid}"))?
            .start_time;
        let process = Self {
            pid,
            start_time,
            boot: boot()?,
        };
        write_whole(record, serde_json::to_vec(&process).context("record a process")?)?;
        // Should it end before the one that started it, somebody has to take note, or it would stay in the table.
        thread::spawn(move || child.wait());
        Ok(process)
    }

    /// The process of this record; `None` when there is no record that can be read.
    pub(super) fn recorded(record: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(record).ok()?).ok()
    }

    /// Whether exactly this process still runs.
    pub(super) fn alive(&self) -> bool {
        boot().is_ok_and(|boot| boot == self.boot)
            && stat(self.pid).is_some_and(|stat| stat.start_time == self.start_time && !stat.ended())
    }

    /// Kills the process and waits until it is gone.
    pub(super) fn kill(&self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.wait_gone()
    }

    /// Asks the process to end, without waiting.
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        if !self.alive() {
            return Ok(());
        }
        match kill(Pid::from_raw(self.pid), signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("send {signal} to process {}", self.pid)),
        }
    }

    pub(super) fn wait_gone(&self) -> Result<()> {
        wait::until(
            &format!("end of process {}", self.pid),
            GONE,
            || Ok(!self.alive()),
        )
    }
}

struct Stat {
    state: char,
    threads: u32,
    start_time: u64,
}

impl Stat {
    /// Whether everything of the process has ended. Its first thread may be gone while others still hold its files and
    /// listen on its ports; only the last of them gives these back.
    fn ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }
}

/// State, threads and start time from `/proc/PID/stat`.
fn stat(pid: i32) -> Option<Stat> {
    read_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Fields 3, 20 and 22 (proc(5)); the name in field 2 may hold anything.
fn read_stat(text: &str) -> Option<Stat> {
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let threads = fields.nth(16)?.parse().ok()?;
    let start_time = fields.nth(1)?.parse().ok()?;
    Some(Stat {
        state,
        threads,
        start_time,
    })
}

pub(super) fn boot() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    Ok(fs::read_to_string(path)
        .with_context(|| format!("read {path}"))?
        .trim()
        .to_owned())
}

/// Every process of this machine as number and command line (its parts separated by spaces).
pub(super) fn all() -> Vec<(i32, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let line = fs::read(PathBuf::from("/proc").join(i32::to_string(&pid)).join("cmdline")).ok()?;
            Some((
                pid,
                String::from_utf8_lossy(&line)
                    .replace('\0', " ")
                    .trim_end()
                    .to_owned(),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path) -> (Process, PathBuf) {
        let record = folder.join("sleeper.json");
        let arguments = ["600".to_owned()];
        let log = folder.join("log");
        (
            Process::start(Path::new("/bin/sleep"), &arguments, folder, &log, &record).unwrap(),
            record,
        )
    }

    #[test]
    fn a_started_process_is_found_by_its_record_and_ends_when_killed() {
        let folder = tempfile::tempdir().unwrap();
        let (process, record) = sleeper(folder.path());
        let found = Process::recorded(&record).unwrap();
        assert_eq!(found, process);
        assert!(found.alive());
        found.kill().unwrap();
        assert!(!process.alive());
    }

    #[test]
    fn a_process_has_ended_when_its_last_thread_has() {
        let read = |state: char, threads: u32| {
            let text = format!(
                "23 (a) b) {state} 1 23 23 0 -1 4194304 9 0 0 0 5 2 0 0 20 0 {threads} 0 77 1000 50 18446744073709551615"
            );
            read_stat(&text).unwrap()
        };
        assert_eq!(read('S', 4).start_time, 77);
        for (state, threads, ended) in [
            ('S', 4, false),
            ('R', 1, false),
            ('Z', 4, false),
            ('Z', 1, true),
            ('X', 0, true),
        ] {
            assert_eq!(read(state, threads).ended(), ended, "{state} {threads}");
        }
    }

    #[test]
    fn another_process_under_the_same_number_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (process, _) = sleeper(folder.path());
        let stranger = Process {
            start_time: process.start_time + 1,
            ..process.clone()
        };
        stranger.kill().unwrap();
        assert!(
            process.alive(),
            "only a process that started at the recorded time is ours"
        );
        let before_restart = Process {
            boot: "another".to_owned(),
            ..process.clone()
        };
        before_restart.kill().unwrap();
        assert!(
            process.alive(),
            "numbers of an earlier run of the machine mean nothing"
        );
        process.kill().unwrap();
    }

    #[test]
    fn an_unreadable_record_is_no_process() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("x.json");
        assert_eq!(Process::recorded(&record), None);
        fs::write(&record, "{").unwrap();
        assert_eq!(Process::recorded(&record), None);
    }
}
