//! What the node shares with its machine: who else is there, and what has to be put back.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::folders::{Folders, PROVISIONER_FOLDER, RUN_FOLDER, owner_file, remove, write_whole};
use super::{network, process};
use crate::cache::CACHE_VARIABLE;

/// Programs that manage the same control groups, tables and folders as the node and would fight with it.
const RIVALS: [&str; 5] = ["kubelet", "kube-proxy", "k3s", "k0s", "microk8s"];

/// Folders outside the node's own that Kubernetes, containerd and CNI make at fixed places.
const SHARED: [&str; 6] = [
    "/var/lib/kubelet",
    "/var/lib/cni",
    "/var/log/containers",
    "/var/log/pods",
    "/run/containerd",
    "/usr/libexec/kubernetes",
];

/// Refuses when the machine runs a node of another state folder.
pub(super) fn refuse_other_owner(folders: &Folders) -> Result<()> {
    let Ok(owner) = fs::read_to_string(owner_file()) else {
        return Ok(());
    };
    if Path::new(owner.trim()) == folders.state() {
        return Ok(());
    }
    let cache = Path::new(owner.trim())
        .parent()
        .unwrap_or(Path::new("/"))
        .display();
    bail!(
        "this machine already has a test node, with its cache in {cache}; use it with {CACHE_VARIABLE}={cache}, \
         or take it down: {CACHE_VARIABLE}={cache} cargo xtask node down"
    )
}

/// Refuses when another Kubernetes runs on this machine. Called when nothing of ours runs.
pub(super) fn refuse_rivals() -> Result<()> {
    for (pid, line) in process::all() {
        let program = line
            .split(' ')
            .next()
            .and_then(|path| path.rsplit('/').next())
            .unwrap_or_default();
        if RIVALS.contains(&program) {
            bail!("the test node cannot start beside another Kubernetes: process {pid} is {program}");
        }
    }
    let tables = network::tables()?;
    if let Some(table) = tables
        .iter()
        .find(|table| network::PROXY_TABLES.contains(&table.as_str()))
    {
        bail!("the test node cannot start: somebody else's kube-proxy has left the nft table `{table}`");
    }
    network::refuse_if_taken()
}

/// Says whose node this is and remembers which shared folders were there before.
pub(super) fn claim(folders: &Folders) -> Result<()> {
    write_whole(&owner_file(), folders.state().display().to_string())?;
    let record = absent_record(folders);
    if !record.exists() {
        let absent: Vec<&str> = SHARED
            .into_iter()
            .filter(|path| !Path::new(path).exists())
            .collect();
        write_whole(
            &record,
            serde_json::to_vec(&absent).context("record shared folders")?,
        )?;
    }
    let provisioner = Path::new(PROVISIONER_FOLDER);
    match fs::read_link(provisioner) {
        Ok(target) if target == folders.volumes() => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            symlink(folders.volumes(), provisioner).with_context(|| format!("link {PROVISIONER_FOLDER}"))
        }
        Ok(_) | Err(_) => {
            bail!("{PROVISIONER_FOLDER} belongs to somebody else; the test node's volumes go there")
        }
    }
}

/// Removes what the node has left at shared places.
pub(super) fn release(folders: &Folders) -> Result<()> {
    if fs::read_link(PROVISIONER_FOLDER).is_ok_and(|target| target == folders.volumes()) {
        remove(Path::new(PROVISIONER_FOLDER))?;
    }
    for path in own_files_at_shared_places(folders) {
        remove(&path)?;
    }
    for path in absent_before(folders) {
        // Whatever lies there was made since the node started, and by nobody else as far as that can be known:
        // another containerd would not let its folder be taken away.
        let shared_with_another_containerd =
            path == Path::new("/run/containerd") && foreign_containerd_runs();
        if !shared_with_another_containerd {
            remove(&path)?;
        }
    }
    remove(&absent_record(folders))?;
    remove_control_groups()?;
    remove(Path::new(RUN_FOLDER))
}

/// Results of CNI calls for the node's pods, and links to logs of its pods.
pub(super) fn own_files_at_shared_places(folders: &Folders) -> Vec<PathBuf> {
    let logs = entries("/var/log/containers")
        .filter(|path| fs::read_link(path).is_ok_and(|target| target.starts_with(folders.state())));
    own_cni_results(entries("/var/lib/cni/results").collect())
        .into_iter()
        .chain(logs)
        .collect()
}

/// CNI keeps a result as NETWORK-CONTAINER-INTERFACE. The loopback network has the same name for everybody, so its
/// results are told apart by the containers that are also in the node's network.
fn own_cni_results(results: Vec<PathBuf>) -> Vec<PathBuf> {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let prefix = format!("{}-", network::NAME);
    let containers: Vec<String> = results
        .iter()
        .filter_map(|path| Some(name(path).strip_prefix(&prefix)?.split('-').next()?.to_owned()))
        .collect();
    results
        .into_iter()
        .filter(|path| containers.iter().any(|container| name(path).contains(container)))
        .collect()
}

/// Shared folders that did not exist before the node started and do now.
pub(super) fn absent_before(folders: &Folders) -> Vec<PathBuf> {
    let absent: Vec<PathBuf> = fs::read(absent_record(folders))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    absent.into_iter().filter(|path| path.exists()).collect()
}

/// The kubelet's control groups, deepest last.
pub(super) fn control_groups() -> Vec<PathBuf> {
    let mut roots = vec![PathBuf::from("/sys/fs/cgroup")];
    roots.extend(entries("/sys/fs/cgroup").filter(|path| path.is_dir()));
    let mut groups: Vec<PathBuf> = roots
        .iter()
        .map(|root| root.join("kubepods"))
        .filter(|path| path.is_dir())
        .collect();
    let mut next = 0;
    while next < groups.len() {
        let children: Vec<PathBuf> = entries(&groups[next]).filter(|path| path.is_dir()).collect();
        groups.extend(children);
        next += 1;
    }
    groups
}

fn remove_control_groups() -> Result<()> {
    for group in control_groups().iter().rev() {
        match fs::remove_dir(group) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("remove the control group {}", group.display()));
            }
        }
    }
    Ok(())
}

fn foreign_containerd_runs() -> bool {
    process::all().iter().any(|(_, line)| {
        line.split(' ')
            .next()
            .is_some_and(|program| program.ends_with("containerd"))
    })
}

fn absent_record(folders: &Folders) -> PathBuf {
    folders.state().join("absent-before.json")
}

fn entries(folder: impl AsRef<Path>) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_other_networks_containers_are_left_alone() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let all = [
            "safe-upgrade-test-aa11-eth0",
            "cni-loopback-aa11-lo",
            "cni-loopback-bb22-lo",
            "podman-bb22-eth0",
        ];
        assert_eq!(own_cni_results(paths(&all)), paths(&all[..2]));
    }
}
