//! Who holds a run.

use std::fmt;

use sha2::{Digest, Sha256};

/// Who runs a run: the lease's `holderIdentity` and the journal's `holder`.
///
/// Written as `<run> <user>@<host> <pid>.<machine>`; a person reads the first two, a process on the same machine can
/// tell by the last whether the holder is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder(String);

impl Holder {
    /// This process, working on the run.
    pub fn of_this_process(run: &str) -> Self {
        let user = ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .unwrap_or_else(|| "somebody".into());
        let pid = std::process::id();
        Self(format!(
            "{run} {user}@{host} {pid}.{machine}",
            host = host(),
            machine = machine()
        ))
    }

    /// A holder as written.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as written into the lease.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The run that the text names.
    pub fn run(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// Whether the process named is certainly gone: it ran on this machine, in this boot and this process namespace,
    /// and has no such process now. Elsewhere, or in doubt, `false`: then only time tells.
    pub fn is_certainly_dead(&self) -> bool {
        let Some((pid, its_machine)) = self.0.rsplit(' ').next().and_then(|last| last.split_once('.')) else {
            return false;
        };
        let Ok(pid) = pid.parse::<i32>() else {
            return false;
        };
        !its_machine.is_empty() && its_machine == machine() && is_gone(pid)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(unix)]
fn host() -> String {
    nix::sys::utsname::uname()
        .ok()
        .and_then(|names| names.nodename().to_str().map(str::to_owned))
        .unwrap_or_else(|| "unknown".into())
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".into())
}

/// Names boot and process namespace; empty where the system does not tell, so that nobody is ever called dead there.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let namespace = std::fs::read_link("/proc/self/ns/pid");
    let (Ok(boot), Ok(namespace)) = (boot, namespace) else {
        return String::new();
    };
    let mut hash = Sha256::new();
    hash.update(boot.trim());
    hash.update(namespace.to_string_lossy().as_bytes());
    hash.finalize()
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(unix)]
fn is_gone(pid: i32) -> bool {
    use nix::errno::Errno;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) == Err(Errno::ESRCH)
}

#[cfg(not(unix))]
fn is_gone(_pid: i32) -> bool {
    false
}
