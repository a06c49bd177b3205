//! The cluster and the programs that everything here acts with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The Helm lines that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HelmLine {
    /// Helm 3: client-side apply.
    Three,
    /// Helm 4: server-side apply.
    Four,
}

impl HelmLine {
    /// Both lines, oldest first.
    pub const ALL: [Self; 2] = [Self::Three, Self::Four];
}

/// A cluster and the programs to act on it with.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The kubeconfig file, whose current context is the cluster.
    pub kubeconfig: PathBuf,
    /// kubectl.
    pub kubectl: PathBuf,
    /// Helm 3.
    pub helm3: PathBuf,
    /// Helm 4.
    pub helm4: PathBuf,
}

impl Cluster {
    /// The Helm program of a line.
    #[must_use]
    pub fn helm_program(&self, line: HelmLine) -> &Path {
        match line {
            HelmLine::Three => &self.helm3,
            HelmLine::Four => &self.helm4,
        }
    }

    /// A kubectl command for this cluster, without arguments yet.
    #[must_use]
    pub fn kubectl(&self) -> Command {
        self.command(&self.kubectl)
    }

    /// A helm command for this cluster, without arguments yet.
    #[must_use]
    pub fn helm(&self, line: HelmLine) -> Command {
        self.command(self.helm_program(line))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", &self.kubeconfig);
        // What a person's own Helm is told must not reach into the tests.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("HELM_")) {
                command.env_remove(name);
            }
        }
        command
    }
}
