//! The programs under test, as cargo built them, and how they ended.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use anyhow::{Context, Result, ensure};

/// A program of this workspace by its file name.
///
/// # Errors
/// When it has not been built: `cargo xtask test` builds all programs before it runs tests.
pub fn program(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let target = test
        .ancestors()
        .nth(2)
        .context("a test lies two folders below cargo's profile folder")?;
    let path = target.join(name);
    ensure!(
        path.exists(),
        "{} is not built; run `cargo build --workspace --bins` or `cargo xtask test`",
        path.display()
    );
    Ok(path)
}

/// A folder for `HELM_PLUGINS` that holds this checkout's plugin with the built program in its `bin`.
///
/// # Errors
/// When it cannot be laid out.
pub fn plugins_folder(into: &Path) -> Result<PathBuf> {
    let plugin = into.join("helm-plugins").join("safe-upgrade");
    let bin = plugin.join("bin");
    std::fs::create_dir_all(&bin)?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin.yaml");
    std::fs::copy(&manifest, plugin.join("plugin.yaml"))
        .with_context(|| format!("copy {}", manifest.display()))?;
    let link = bin.join("helm-safe-upgrade");
    if !link.exists() {
        std::os::unix::fs::symlink(program("helm-safe-upgrade")?, &link)?;
    }
    Ok(into.join("helm-plugins"))
}

/// How a program ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit code; 128 and the signal's number where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ended {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn of(command: &mut Command) -> Result<Self> {
        let output = command.output().with_context(|| format!("start {command:?}"))?;
        Ok(Self::from_output(&output))
    }

    /// Waits for the end of a program whose output is caught.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn waited_for(child: Child) -> Result<Self> {
        Ok(Self::from_output(&child.wait_with_output()?))
    }

    /// From what was collected.
    #[must_use]
    pub fn from_output(output: &Output) -> Self {
        Self {
            code: output
                .status
                .code()
                .unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0)),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The JSON on standard output.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("stdout is no JSON: {self}"))
    }

    /// Fails unless the program ended with this code.
    ///
    /// # Errors
    /// With everything it said.
    pub fn expect(self, code: i32) -> Result<Self> {
        ensure!(self.code == code, "expected exit code {code}: {self}");
        Ok(self)
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit code {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}
