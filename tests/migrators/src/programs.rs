//! What runs the tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use test_node::cache::Cache;
use test_node::prerequisites::{Prerequisite, found, needs};
use test_node::progress::Progress;

use crate::build::{artefact, sources};

/// Programs of the machine, each with the Debian package that brings it.
const PROGRAMS: [(&str, &str); 8] = [
    ("go", "golang-go"),
    ("python3", "python3"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("javac", "default-jdk-headless"),
    ("mvn", "maven"),
    ("ruby", "ruby"),
    ("pg_config", "libpq-dev"),
];
/// Things that are no programs: how to ask for each, and its package.
const MODULES: [(&str, &[&str], &str); 3] = [
    ("pip", &["python3", "-m", "pip", "--version"], "python3-pip"),
    (
        "Active Record",
        &["ruby", "-e", "require 'active_record'"],
        "ruby-activerecord",
    ),
    ("pg of Ruby", &["ruby", "-e", "require 'pg'"], "ruby-pg"),
];

/// What the tools need of the machine and is not there.
#[must_use]
pub fn missing() -> Vec<Prerequisite> {
    let programs = PROGRAMS
        .into_iter()
        .filter(|(program, _)| !found(program))
        .map(|(program, package)| needs(program, package));
    let modules = MODULES
        .into_iter()
        .filter(|(_, question, _)| {
            let asked = Command::new(question[0]).args(&question[1..]).output();
            !asked.is_ok_and(|output| output.status.success())
        })
        .map(|(name, _, package)| needs(name, package));
    programs.chain(modules).collect()
}

/// The folders of what runs the tools.
#[derive(Debug, Clone)]
pub struct Programs {
    go: PathBuf,
    python: PathBuf,
    node: PathBuf,
    java: PathBuf,
    rust: PathBuf,
}

impl Programs {
    /// Everything, built where it is not in the cache.
    ///
    /// # Errors
    /// When something cannot be built; what the build said is part of the error.
    pub fn ready(cache: &Cache, progress: &Progress) -> Result<Self> {
        let artefact = |language| artefact(cache, progress, language);
        Ok(Self {
            go: artefact("go")?,
            python: artefact("python")?,
            node: artefact("node")?,
            java: artefact("java")?,
            rust: artefact("rust")?,
        })
    }

    pub(crate) fn go(&self, name: &str) -> Command {
        Command::new(self.go.join(name))
    }

    pub(crate) fn python(&self, module: &str) -> Command {
        let mut python = Command::new("python3");
        // The project's own folder comes first: it holds the settings and the application.
        let path = std::env::join_paths([Path::new("."), &self.python]).unwrap_or_default();
        python
            .env("PYTHONPATH", path)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args(["-m", module]);
        python
    }

    /// Node, on a file of the installed packages or on this crate's own script.
    pub(crate) fn node(&self, script: &str) -> Command {
        let packages = self.node.join("node_modules");
        let mut node = Command::new("node");
        node.env("NODE_PATH", &packages);
        node.arg(match script {
            "migrate.js" => sources("node").join(script),
            packaged => packages.join(packaged),
        });
        node
    }

    /// The folder that holds `node_modules`.
    pub(crate) fn node_packages(&self) -> PathBuf {
        self.node.join("node_modules")
    }

    pub(crate) fn java(&self) -> Command {
        let mut java = Command::new("java");
        let path = format!(
            "{}:{}",
            self.java.join("classes").display(),
            self.java.join("jars/*").display()
        );
        // What a short-lived program needs of the virtual machine: a start that does not compile itself warm.
        java.args([
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            &path,
            "Migrate",
        ]);
        java
    }

    pub(crate) fn ruby(&self) -> Command {
        let mut ruby = Command::new("ruby");
        ruby.arg(sources("ruby").join("migrate.rb"));
        ruby
    }

    pub(crate) fn rust(&self) -> Command {
        Command::new(self.rust.join("migrate-rust"))
    }
}
