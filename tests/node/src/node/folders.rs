//! Where the node keeps its things.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cache::Cache;

/// Sockets and what must be gone after a restart of the machine. The path is fixed and short: a socket's path may have
/// about a hundred characters, and there is at most one node on a machine.
pub(super) const RUN_FOLDER: &str = "/run/safe-upgrade-test";
/// Where the controller manager's host-path provisioner makes volumes; Kubernetes knows no setting for it.
pub(super) const PROVISIONER_FOLDER: &str = "/tmp/hostpath_pv";

/// The node's folders and files.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    state: PathBuf,
}

impl Folders {
    pub(super) fn of(cache: &Cache) -> Self {
        Self {
            state: cache.root().join("node"),
        }
    }

    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.state.join("kubeconfig")
    }

    /// Links to kubectl, both Helms and the components.
    pub(super) fn programs(&self) -> PathBuf {
        self.state.join("bin")
    }

    pub(super) fn config(&self) -> PathBuf {
        self.state.join("config")
    }

    pub(super) fn pki(&self) -> PathBuf {
        self.state.join("pki")
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.state.join("log")
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.logs().join("audit.log")
    }

    /// One record for each process that was started.
    pub(super) fn processes(&self) -> PathBuf {
        self.state.join("processes")
    }

    pub(super) fn etcd(&self) -> PathBuf {
        self.state.join("etcd")
    }

    pub(super) fn kubelet(&self) -> PathBuf {
        self.state.join("kubelet")
    }

    pub(super) fn volumes(&self) -> PathBuf {
        self.state.join("volumes")
    }

    pub(super) fn pod_logs(&self) -> PathBuf {
        self.state.join("pod-logs")
    }

    /// What kubectl remembers of the API between two calls.
    pub(super) fn kubectl_cache(&self) -> PathBuf {
        self.state.join("kubectl-cache")
    }

    /// Kernel settings as they were before the node changed them.
    pub(super) fn kernel_settings(&self) -> PathBuf {
        self.state.join("kernel-settings.json")
    }

    /// What belongs to one life of the node and is gone after `down`. Images stay: containerd's own folder is not here.
    pub(super) fn of_one_life(&self) -> Vec<PathBuf> {
        let others = ["addresses", "volume-plugins", "opt"].map(|name| self.state.join(name));
        [
            self.etcd(),
            self.kubelet(),
            self.volumes(),
            self.pod_logs(),
            self.pki(),
            self.config(),
            self.processes(),
        ]
        .into_iter()
        .chain(others)
        .chain([self.kubeconfig(), self.programs()])
        .collect()
    }

    pub(super) fn create(&self) -> Result<()> {
        let made = [
            self.programs(),
            self.config().join("cni"),
            self.pki(),
            self.logs(),
            self.processes(),
            self.etcd(),
            self.volumes(),
            self.pod_logs(),
            PathBuf::from(RUN_FOLDER),
        ];
        for folder in made {
            fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        }
        Ok(())
    }
}

pub(super) fn socket() -> PathBuf {
    Path::new(RUN_FOLDER).join("containerd.sock")
}

/// Names the state folder of the node that runs on this machine.
pub(super) fn owner_file() -> PathBuf {
    Path::new(RUN_FOLDER).join("owner")
}

/// Removes a file, link or folder that may not exist.
pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    };
    removed.with_context(|| format!("remove {}", path.display()))
}

/// Writes a file so that a reader sees either all of it or nothing.
pub(super) fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, content).with_context(|| format!("write {}", unfinished.display()))?;
    fs::rename(&unfinished, path).with_context(|| format!("publish {}", path.display()))
}
