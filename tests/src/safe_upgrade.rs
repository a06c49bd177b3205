//! `helm safe-upgrade`, typed as a user types it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use test_apps::HelmLine;

use crate::{Ended, World, plugins_folder};

/// The plugin in one Helm line and one namespace.
pub struct SafeUpgrade<'a> {
    world: &'a World,
    line: HelmLine,
    plugins: PathBuf,
    backups: PathBuf,
}

impl<'a> SafeUpgrade<'a> {
    /// Installs the plugin into a folder of the test.
    ///
    /// # Errors
    /// When the program has not been built.
    pub fn new(world: &'a World, line: HelmLine) -> Result<Self> {
        Ok(Self {
            world,
            line,
            plugins: plugins_folder(world.folder.path())?,
            backups: world.subfolder("backups")?,
        })
    }

    /// The folder that backups go to.
    #[must_use]
    pub fn backups(&self) -> &Path {
        &self.backups
    }

    /// `helm -n NAMESPACE safe-upgrade`, to be given arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut helm = self.world.place.helm_command(self.line);
        helm.env("HELM_PLUGINS", &self.plugins);
        helm.arg("safe-upgrade");
        helm
    }

    /// `helm safe-upgrade RELEASE CHART ARGUMENTS --yes -o json` with this test's backup folder.
    #[must_use]
    pub fn upgrade_command(&self, release: &str, chart: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command();
        command.arg(release).arg(chart).args(arguments);
        command
            .arg("--backup-to")
            .arg(&self.backups)
            .args(["--yes", "-o", "json"]);
        command
    }

    /// Upgrades and waits for the end.
    ///
    /// # Errors
    /// When helm cannot be started.
    pub fn upgrade(&self, release: &str, chart: &Path, arguments: &[&str]) -> Result<Ended> {
        Ended::of(&mut self.upgrade_command(release, chart, arguments))
    }

    /// `helm safe-upgrade WORD RELEASE ARGUMENTS -o json`, from another working directory and kubeconfig file.
    ///
    /// # Errors
    /// When helm cannot be started.
    pub fn elsewhere(&self, word: &str, release: &str, arguments: &[&str]) -> Result<Ended> {
        let folder = self.world.subfolder("elsewhere")?;
        let kubeconfig = folder.join("config");
        std::fs::copy(&self.world.node.kubeconfig, &kubeconfig)?;
        let mut command = self.command();
        command
            .arg(word)
            .arg(release)
            .args(arguments)
            .args(["-o", "json"]);
        Ended::of(command.env("KUBECONFIG", &kubeconfig).current_dir(&folder))
    }
}
