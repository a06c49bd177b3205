//! What the tests without a cluster need of the machine: a Postgres to start servers of their own, and a few programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use test_node::command::run;
use test_node::prerequisites::{Prerequisite, found, needs, settle};
use test_node::progress::Progress;

const POSTGRES: Prerequisite = needs("a PostgreSQL server", "postgresql");
/// Programs that tests call.
const PROGRAMS: [(&str, &str); 4] = [
    ("zstd", "zstd"),
    ("openssl", "openssl"),
    ("setpriv", "util-linux"),
    ("tar", "tar"),
];
/// Debian keeps each major version's programs in a folder below this one, not on the PATH.
const DEBIAN_SERVERS: &str = "/usr/lib/postgresql";
/// Debian's package starts a server at once unless this file says otherwise. The tests start their own.
const NO_SERVER: &str = "/etc/postgresql-common/createcluster.conf";

pub(crate) fn ensure(progress: &Progress) -> Result<()> {
    if !has_postgres() && found("apt-get") {
        no_server_of_the_package()?;
    }
    settle(missing, progress)
}

fn no_server_of_the_package() -> Result<()> {
    let file = Path::new(NO_SERVER);
    // Whoever has this file has decided already; who is not root will be told what to install.
    if file.exists() || !is_root()? {
        return Ok(());
    }
    let folder = file.parent().context("find the file's folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, "create_main_cluster = false\n"))
        .with_context(|| format!("write {}", file.display()))
}

fn is_root() -> Result<bool> {
    Ok(run(Command::new("id").arg("-u"))?.trim() == "0")
}

fn missing() -> Vec<Prerequisite> {
    let mut missing: Vec<Prerequisite> = PROGRAMS
        .into_iter()
        .filter(|(name, _)| !found(name))
        .map(|(name, package)| needs(name, package))
        .collect();
    if !has_postgres() {
        missing.push(POSTGRES);
    }
    missing
}

fn has_postgres() -> bool {
    let in_debian = fs::read_dir(DEBIAN_SERVERS)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.path().join("bin/initdb").exists());
    in_debian || (found("initdb") && found("postgres"))
}
