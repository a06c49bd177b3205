//! Licences, bans and sources of every dependency, by cargo-deny, which is built once and kept in the cache.

use anyhow::Result;
use test_node::cache::{Cache, Key};
use test_node::command::run_watched;
use test_node::progress::Progress;

use super::counts::Counts;
use super::run::Runner;
use crate::cargo::{cargo, tool};

/// Pinned, so that a new release does not change what passes.
const VERSION: &str = "0.20.2";

pub(crate) fn check(cache: &Cache, progress: &Progress, runner: &Runner) -> Result<Counts> {
    let key = Key::builder().with("version", VERSION).finish();
    let folder = cache.artefact("cargo-deny", &key, |folder| {
        progress.run(format!("build cargo-deny {VERSION}, once"), |stage| {
            let mut install = cargo()?;
            // Not into the checkout's target folder: its lock would be held for minutes.
            install.env_remove("CARGO_TARGET_DIR");
            install.args([
                "install",
                "cargo-deny",
                "--locked",
                "--version",
                VERSION,
                "--root",
            ]);
            run_watched(install.arg(folder), |line| stage.note(line.trim()))
        })
    })?;
    let mut deny = tool(folder.join("bin").join("cargo-deny"))?;
    deny.args(["--locked", "check", "licenses", "bans", "sources"]);
    runner.command("cargo deny", &mut deny)
}
