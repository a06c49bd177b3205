//! The user's helm binary: which one, of which line, and how it reaches the cluster.

use std::path::{Path, PathBuf};

use cluster::ConnectOptions;

use crate::HelmError;

/// The two lines of Helm that are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HelmMajor {
    /// Helm 3: client-side apply, a post-renderer is an executable.
    Three,
    /// Helm 4: server-side apply by default, a post-renderer is a plugin.
    Four,
}

/// One helm binary with the connection that its children get.
#[derive(Debug, Clone)]
pub struct Helm {
    program: PathBuf,
    version: semver::Version,
    major: HelmMajor,
    options: ConnectOptions,
    own_program: PathBuf,
}

impl Helm {
    /// Finds helm: `explicit`, else `$HELM_BIN` (which Helm sets for plugins, perhaps relative), else PATH; asks it for
    /// its version. The connection is handed to every child by environment variables, so that no token is in an argument.
    ///
    /// # Errors
    /// No helm, a helm that does not answer, or one older than 3.17.
    pub async fn find(_explicit: Option<&Path>, _options: &ConnectOptions) -> Result<Self, HelmError> {
        todo!()
    }

    /// Names the program that has the hidden subcommands. By default the running program itself; tests name another.
    pub fn with_own_program(mut self, program: PathBuf) -> Self {
        self.own_program = program;
        self
    }

    /// The line of Helm.
    pub fn major(&self) -> HelmMajor {
        self.major
    }

    /// The exact version.
    pub fn version(&self) -> &semver::Version {
        &self.version
    }

    /// The binary's absolute path.
    pub fn program(&self) -> &Path {
        &self.program
    }
}
