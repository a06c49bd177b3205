//! Processes of this machine: who there is, what they were started with, and signals to those that a test started.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::Ended;

/// How long something on this machine or in the cluster is waited for that nothing can watch.
const PATIENCE: Duration = Duration::from_secs(90);

/// A process as `/proc` shows it to everybody.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Process {
    /// The arguments in one line.
    #[must_use]
    pub fn line(&self) -> String {
        self.arguments.join(" ")
    }
}

/// Every process.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn processes() -> Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let Some(pid) = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A process may end while it is looked at.
        let (Ok(status), Ok(line)) = (
            std::fs::read_to_string(path.join("status")),
            std::fs::read(path.join("cmdline")),
        ) else {
            continue;
        };
        let parent = status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
            .unwrap_or(0);
        let line = String::from_utf8_lossy(&line).into_owned();
        found.push(Process {
            pid,
            parent,
            arguments: line.split_terminator('\0').map(str::to_owned).collect(),
        });
    }
    Ok(found)
}

/// The plugin that a helm started.
///
/// # Errors
/// When helm has no such child.
pub fn plugin_below(helm: &Child) -> Result<u32> {
    processes()?
        .into_iter()
        .find(|process| process.parent == helm.id() && process.line().contains("helm-safe-upgrade"))
        .map(|process| process.pid)
        .context("helm runs the plugin as its child")
}

/// Sends a signal, such as `KILL`.
///
/// # Errors
/// When there is no such process.
pub fn signal(pid: u32, name: &str) -> Result<()> {
    let signal = format!("-{name}");
    Ended::of(Command::new("kill").args([signal, pid.to_string()]))?
        .expect(0)
        .map(drop)
}

/// Waits until something holds that nothing can watch.
///
/// # Errors
/// When it does not within 90 s, or cannot be told.
pub fn wait_for(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if holds()? {
            return Ok(());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "processes of this machine cannot be watched"
        )]
        std::thread::sleep(Duration::from_millis(200));
    }
    bail!("{what}: not within {} s", PATIENCE.as_secs())
}
