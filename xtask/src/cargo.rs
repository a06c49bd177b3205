//! Cargo, called from a program that cargo itself runs, and where it puts what it builds.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use test_node::command;
use test_node::progress::Progress;

/// What `cargo run` tells the program that it runs. Build scripts that look at these would run again, and most
/// dependencies be compiled anew, each time that the tasks call cargo after a person did.
const TOLD_BY_CARGO: [&str; 4] = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_NAME"];

/// The checkout's folder.
pub(crate) fn checkout() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .context("find the checkout's folder")
}

/// `cargo` in the checkout, to be given arguments.
pub(crate) fn cargo() -> Result<Command> {
    tool("cargo")
}

/// A program in the checkout that is cargo or calls it, to be given arguments.
pub(crate) fn tool(program: impl AsRef<OsStr>) -> Result<Command> {
    let mut tool = Command::new(program);
    tool.current_dir(checkout()?);
    for (name, _) in env::vars_os() {
        let told = name
            .to_str()
            .is_some_and(|name| TOLD_BY_CARGO.iter().any(|prefix| name.starts_with(prefix)));
        if told {
            tool.env_remove(name);
        }
    }
    Ok(tool)
}

/// The folder of this profile's programs: where this program lies.
pub(crate) fn built() -> Result<PathBuf> {
    let own = env::current_exe().context("find the running program")?;
    own.parent()
        .map(Path::to_owned)
        .context("find the running program's folder")
}

/// Builds the three programs; gives their folder.
pub(crate) fn build_programs(progress: &Progress) -> Result<PathBuf> {
    progress.run(
        "build kubectl-upgrade_check, kubectl-pgbackup, helm-safe-upgrade",
        |stage| {
            let packages = ["--package", "kubectl-upgrade", "--package", "helm-plugin"];
            command::run_watched(
                cargo()?.args(["build", "--locked", "--bins"]).args(packages),
                |line| stage.note(line),
            )
        },
    )?;
    built()
}
