//! Our programs as a user has them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use test_node::command;
use test_node::progress::Progress;

use crate::cargo::{cargo, checkout};

/// Builds them for release; gives their folder.
pub(crate) fn build_for_release(progress: &Progress) -> Result<PathBuf> {
    progress.run("build the programs for release", |stage| {
        let packages = ["--package", "kubectl-upgrade", "--package", "helm-plugin"];
        command::run_watched(
            cargo()?
                .args(["build", "--locked", "--release", "--bins"])
                .args(packages),
            |line| stage.note(line),
        )
    })?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Ok(checkout()?.join("target")),
        |folder| std::path::absolute(Path::new(&folder)).context("find the target folder"),
    );
    Ok(target?.join("release"))
}
