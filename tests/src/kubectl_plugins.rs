//! The two kubectl plugins, found on PATH and run by the real kubectl.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use test_apps::HelmLine;

use crate::{Ended, World, program};

/// kubectl with our plugins on its PATH, in one namespace.
pub struct KubectlPlugins<'a> {
    world: &'a World,
    folder: PathBuf,
}

impl<'a> KubectlPlugins<'a> {
    /// Links the programs into a folder of the test.
    ///
    /// # Errors
    /// When they have not been built.
    pub fn new(world: &'a World) -> Result<Self> {
        let folder = world.subfolder("kubectl-plugins")?;
        for name in ["kubectl-upgrade_check", "kubectl-pgbackup"] {
            std::os::unix::fs::symlink(program(name)?, folder.join(name))?;
        }
        Ok(Self { world, folder })
    }

    /// `kubectl PLUGIN ARGUMENTS -n NAMESPACE`; what it would keep in the user's home goes to a folder of the test.
    ///
    /// # Errors
    /// When the test's folder cannot be used.
    pub fn command(&self, plugin: &str, arguments: &[&str]) -> Result<Command> {
        let mut kubectl = self.bare()?;
        kubectl.arg(plugin).args(arguments);
        kubectl.args(["--namespace", &self.world.place.namespace]);
        Ok(kubectl)
    }

    /// kubectl itself, to be given everything.
    ///
    /// # Errors
    /// When the test's folder cannot be used.
    pub fn bare(&self) -> Result<Command> {
        let mut kubectl = self.world.node.command(&self.world.node.kubectl);
        let path = kubectl
            .get_envs()
            .find_map(|(name, value)| (name == "PATH").then_some(value).flatten())
            .map(OsString::from)
            .or_else(|| std::env::var_os("PATH"))
            .context("a PATH")?;
        let folders = std::iter::once(self.folder.clone()).chain(std::env::split_paths(&path));
        kubectl.env("PATH", std::env::join_paths(folders)?);
        kubectl.env("XDG_DATA_HOME", self.world.subfolder("data")?);
        Ok(kubectl)
    }

    /// Runs a plugin to its end.
    ///
    /// # Errors
    /// When kubectl cannot be started.
    pub fn run(&self, plugin: &str, arguments: &[&str]) -> Result<Ended> {
        Ended::of(&mut self.command(plugin, arguments)?)
    }

    /// A ServiceAccount of the test's namespace that has the rights which `pgbackup rbac --for ACTS MORE` prints, and no
    /// others; gives the name by which it can be impersonated.
    ///
    /// # Errors
    /// When the rights cannot be printed or applied.
    pub fn account_with(&self, acts: &str, more: &[&str]) -> Result<String> {
        let account = format!("only-{}", acts.replace(',', "-"));
        let words = ["rbac", "--for", acts, "--service-account", &account];
        let printed = self.run("pgbackup", &[&words, more].concat())?.expect(0)?;
        let namespace = &self.world.place.namespace;
        self.world.node.apply(namespace, &printed.stdout)?;
        Ok(format!("system:serviceaccount:{namespace}:{account}"))
    }

    /// The helm of a line, for `--helm-bin`.
    #[must_use]
    pub fn helm(&self, line: HelmLine) -> String {
        let program = match line {
            HelmLine::Three => &self.world.node.helm3,
            HelmLine::Four => &self.world.node.helm4,
        };
        program.display().to_string()
    }
}

impl Ended {
    /// Fails unless the program ended with this code and told one error in one line that holds all these words.
    ///
    /// # Errors
    /// With everything it said.
    pub fn expect_one_clear_line(self, code: i32, words: &[&str]) -> Result<Self> {
        let ended = self.expect(code)?;
        let errors: Vec<&str> = ended
            .stderr
            .lines()
            .filter(|line| line.contains("error:"))
            .collect();
        let [line] = errors.as_slice() else {
            anyhow::bail!("{} lines tell an error: {ended}", errors.len());
        };
        ensure!(line.starts_with("error: "), "{ended}");
        for word in words {
            ensure!(line.contains(word), "no {word:?} in {line:?}");
        }
        ensure!(ended.stdout.is_empty(), "talk on standard output: {ended}");
        ensure!(!ended.stderr.contains("panicked"), "{ended}");
        Ok(ended)
    }
}
