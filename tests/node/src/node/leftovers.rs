//! The proof that nothing of the node is left on the machine.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::component::Component;
use super::folders::{Folders, PROVISIONER_FOLDER, RUN_FOLDER, socket};
use super::process::Process;
use super::{machine, network, process};

/// Something of the node that is on the machine outside of its cache folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leftover {
    /// A running process, with its command line.
    Process(i32, String),
    /// A mount point.
    Mount(PathBuf),
    /// A network interface.
    Interface(String),
    /// An nft table.
    Table(String),
    /// A rule of the machine's forwarding chain.
    Rule(String),
    /// A file, link or folder.
    File(PathBuf),
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(pid, line) => write!(f, "process {pid} ({line})"),
            Self::Mount(path) => write!(f, "mount {}", path.display()),
            Self::Interface(name) => write!(f, "network interface {name}"),
            Self::Table(name) => write!(f, "nft table {name}"),
            Self::Rule(rule) => write!(f, "iptables rule {rule}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// Everything of the node that is on the machine now.
pub(super) fn find(folders: &Folders) -> Result<Vec<Leftover>> {
    let mut found: Vec<Leftover> = processes(folders)
        .into_iter()
        .map(|(pid, line)| Leftover::Process(pid, line))
        .chain(mounts(folders)?.into_iter().map(Leftover::Mount))
        .chain(network::tables()?.into_iter().map(Leftover::Table))
        .chain(network::forward_rules()?.into_iter().map(Leftover::Rule))
        .collect();
    if network::interface_exists() {
        found.push(Leftover::Interface(network::INTERFACE.to_owned()));
    }
    let provisioner = Path::new(PROVISIONER_FOLDER);
    let linked = fs::read_link(provisioner).is_ok_and(|target| target == folders.volumes());
    let files = machine::own_files_at_shared_places(folders)
        .into_iter()
        .chain(machine::absent_before(folders))
        .chain(machine::control_groups())
        .chain(linked.then(|| provisioner.to_owned()))
        .chain(Some(PathBuf::from(RUN_FOLDER)).filter(|folder| folder.exists()))
        .chain(folders.of_one_life().into_iter().filter(|path| path.exists()));
    found.extend(files.map(Leftover::File));
    Ok(found)
}

/// Recorded components that run, and whatever else runs for the node's containerd or out of its folders.
pub(super) fn processes(folders: &Folders) -> Vec<(i32, String)> {
    let recorded: Vec<i32> = Component::ALL
        .into_iter()
        .filter_map(|component| Process::recorded(&component.record(folders)))
        .filter(Process::alive)
        .map(|process| process.pid)
        .collect();
    process::all()
        .into_iter()
        .filter(|(pid, line)| recorded.contains(pid) || is_shim(line) || is_own(line, folders))
        .collect()
}

/// Whether this is a shim of the node's containerd: its socket is among the arguments.
pub(super) fn is_shim(line: &str) -> bool {
    let program = line.split(' ').next().unwrap_or_default();
    program.contains("containerd-shim") && line.contains(&socket().display().to_string())
}

/// Whether the program that runs lies in the node's own folder.
fn is_own(line: &str, folders: &Folders) -> bool {
    let program = line.split(' ').next().unwrap_or_default();
    Component::ALL
        .into_iter()
        .any(|component| Path::new(program) == folders.programs().join(component.name()))
}

/// Mount points inside the node's folders, in the order in which they were made.
pub(super) fn mounts(folders: &Folders) -> Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("read the list of mounts")?;
    Ok(mount_points(&table)
        .filter(|path| path.starts_with(folders.state()) || path.starts_with(RUN_FOLDER))
        .collect())
}

/// Mount points of `/proc/self/mountinfo` (proc(5): the fifth field, with octal escapes).
fn mount_points(table: &str) -> impl Iterator<Item = PathBuf> {
    table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|field| {
            let plain = field
                .replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
            PathBuf::from(plain)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_their_escapes() {
        let table = "36 35 98:0 / /run/a\\040b rw master:1 - ext4 /dev/root rw\n37 35 0:5 / /proc rw - proc proc rw\n";
        assert_eq!(
            mount_points(table).collect::<Vec<_>>(),
            [Path::new("/run/a b"), Path::new("/proc")]
        );
    }

    #[test]
    fn only_shims_of_the_nodes_own_containerd_are_ours() {
        let shim = "/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id x -address";
        assert!(is_shim(&format!("{shim} {}", socket().display())));
        assert!(!is_shim(&format!("{shim} /run/containerd/containerd.sock")));
        assert!(!is_shim(&format!("vi {}", socket().display())));
    }
}
