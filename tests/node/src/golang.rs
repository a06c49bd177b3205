//! Building Go programs from the module proxy, each cached under what it is made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow};

use crate::cache::{Cache, Key};
use crate::command;
use crate::progress::{Progress, Stage};

/// Settings of the linker that keep symbols out of programs that nobody debugs.
const STRIP: &str = "-s -w";

/// A published Go program at an exact version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoProgram {
    /// The name of the program file, which is the last part of the package path (before a `/v2`).
    pub name: String,
    /// The package, for instance `helm.sh/helm/v3/cmd/helm`.
    pub package: String,
    /// The module version, for instance `v3.21.4`.
    pub version: String,
    /// Variables to set at link time: package path with variable name, and value.
    pub stamps: Vec<(String, String)>,
}

impl GoProgram {
    /// The program file, built when it is not in the cache.
    ///
    /// # Errors
    /// When Go is missing or the build fails.
    pub fn build(&self, cache: &Cache, progress: &Progress) -> Result<PathBuf> {
        let flags = linker_flags(&self.stamps);
        let key = Key::builder()
            .with("go", go_version()?)
            .with("package", &self.package)
            .with("version", &self.version)
            .with("flags", &flags)
            .finish();
        let title = format!("build {} {} (one time)", self.name, self.version);
        let folder = cache.artefact(&format!("go-{}-{}", self.name, self.version), &key, |folder| {
            progress.run(title, |stage| {
                let mut go = go(folder);
                go.env("GOBIN", folder)
                    .args(["install", "-v", "-trimpath", "-ldflags", &flags]);
                go.arg(format!("{}@{}", self.package, self.version));
                command::run_watched(&mut go, |line| stage.note(line))
            })
        })?;
        Ok(folder.join(&self.name))
    }
}

/// Go sources of this project, to be built in a folder of their own.
#[derive(Debug)]
pub struct GoSources<'a> {
    /// Name of the program and of the artefact.
    pub name: &'a str,
    /// Paths below the module's folder and contents, `go.mod` among them.
    pub files: &'a [(&'a str, &'a str)],
    /// Variables to set at link time.
    pub stamps: &'a [(String, String)],
    /// What the stage is called.
    pub title: &'a str,
}

impl GoSources<'_> {
    /// The key of all that the program is made from.
    ///
    /// # Errors
    /// When Go is missing.
    pub fn key(&self) -> Result<Key> {
        let mut key = Key::builder()
            .with("go", go_version()?)
            .with("flags", linker_flags(self.stamps));
        for (name, content) in self.files {
            key = key.with(name, content);
        }
        Ok(key.finish())
    }

    /// The program file, built when it is not in the cache.
    ///
    /// # Errors
    /// When Go is missing or the build fails.
    pub fn build(&self, cache: &Cache, progress: &Progress) -> Result<PathBuf> {
        let folder = cache.artefact(&format!("go-{}", self.name), &self.key()?, |folder| {
            progress.run(self.title, |stage| self.build_in(folder, stage))
        })?;
        Ok(folder.join(self.name))
    }

    fn build_in(&self, folder: &Path, stage: &Stage) -> Result<()> {
        let sources = folder.join("source");
        for (name, content) in self.files {
            let path = sources.join(name);
            let folder = path.parent().unwrap_or(&sources);
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
            fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
        stage.note("download modules");
        let packages = command::run(go(&sources).args(["list", "-deps", "."]))?
            .lines()
            .count();
        let mut built = 0_usize;
        let mut build = go(&sources);
        build.args([
            "build",
            "-v",
            "-trimpath",
            "-ldflags",
            &linker_flags(self.stamps),
            "-o",
        ]);
        build.arg(folder.join(self.name)).arg(".");
        command::run_watched(&mut build, |line| {
            built += 1;
            // Packages that Go has built before are not named, so a warm build jumps to its end.
            stage.percent(u8::try_from(built * 100 / packages.max(1)).unwrap_or(100).min(99));
            stage.note(line);
        })
    }
}

fn go(folder: &Path) -> Command {
    let mut go = Command::new("go");
    // Settings of the user that would change what is built; where modules come from stays the user's choice.
    go.current_dir(folder)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "")
        .env("GOWORK", "off");
    go
}

/// What `go version` says, asked once.
pub(crate) fn go_version() -> Result<String> {
    static VERSION: OnceLock<Result<String, String>> = OnceLock::new();
    VERSION
        .get_or_init(|| command::run(Command::new("go").arg("version")).map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|error| anyhow!(error))
}

fn linker_flags(stamps: &[(String, String)]) -> String {
    stamps.iter().fold(STRIP.to_owned(), |flags, (variable, value)| {
        format!("{flags} -X {variable}={value}")
    })
}
