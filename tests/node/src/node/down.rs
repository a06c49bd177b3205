//! Taking the node down so that nothing of it is left on the machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::component::Component;
use super::folders::{Folders, RUN_FOLDER, remove};
use super::process::Process;
use super::{containers, leftovers, machine, network, process, sysctl, up};
use crate::{command, wait};

/// Ends the node whatever state it is in; the caller holds the node's lock. Images stay in containerd's folder.
///
/// Components are killed, not asked: the API server takes up to a minute to end by itself and keeps its port meanwhile.
pub(super) fn down(folders: &Folders) -> Result<()> {
    let (first, last): (Vec<_>, Vec<_>) = Component::ALL.into_iter().partition(|component| {
        !matches!(
            component,
            Component::Containerd | Component::Etcd | Component::ApiServer
        )
    });
    for component in first {
        up::stop(folders, component)?;
    }
    let containerd = Process::recorded(&Component::Containerd.record(folders));
    if containerd.is_some_and(|process| process.alive()) {
        containers::remove_all().context("remove the containers")?;
    }
    for component in last.into_iter().rev() {
        up::stop(folders, component)?;
    }
    remove_orphans(folders)?;
    unmount(folders)?;
    network::tear_down()?;
    machine::release(folders)?;
    sysctl::restore(&folders.kernel_settings())?;
    for path in folders.of_one_life() {
        remove(&path)?;
    }
    let left = leftovers::find(folders)?;
    if !left.is_empty() {
        let list: Vec<String> = left.iter().map(ToString::to_string).collect();
        bail!("the node is down, but this is left of it: {}", list.join("; "));
    }
    Ok(())
}

/// Ends containers and shims that containerd can no longer end, because it is dead itself.
fn remove_orphans(folders: &Folders) -> Result<()> {
    let runtime = Path::new(RUN_FOLDER).join("runc/k8s.io");
    for container in fs::read_dir(&runtime).into_iter().flatten() {
        let container = container.with_context(|| format!("read {}", runtime.display()))?;
        command::run(
            Command::new("runc")
                .arg("--root")
                .arg(&runtime)
                .args(["delete", "--force"])
                .arg(container.file_name()),
        )?;
    }
    for (pid, _) in process::all()
        .into_iter()
        .filter(|(_, line)| leftovers::is_shim(line))
    {
        match kill(Pid::from_raw(pid), Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(error).with_context(|| format!("end the shim {pid}")),
        }
    }
    wait::until(
        "end of the last process",
        std::time::Duration::from_secs(20),
        || Ok(leftovers::processes(folders).is_empty()),
    )
}

fn unmount(folders: &Folders) -> Result<()> {
    for mount in leftovers::mounts(folders)?.iter().rev() {
        // Lazily: a process that is just dying may still hold it.
        command::run(Command::new("umount").arg("--lazy").arg(mount))?;
    }
    Ok(())
}
