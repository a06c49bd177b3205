//! Programs that the machine must have. On Debian, as root, what is missing is installed; elsewhere it is listed.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::golang;
use crate::node::has_cni_plugins;
use crate::progress::Progress;

/// The oldest Go that fetches by itself the newer one that a module asks for.
const OLDEST_GO: (u32, u32) = (1, 21);

/// Something that must be there, and the Debian package that brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prerequisite {
    name: &'static str,
    package: &'static str,
}

const GO: Prerequisite = needs("go", "golang-go");
const CNI: Prerequisite = needs("CNI plug-ins", "containernetworking-plugins");
const PROGRAMS: [Prerequisite; 9] = [
    GO,
    needs("containerd", "containerd"),
    needs("ctr", "containerd"),
    needs("runc", "runc"),
    needs("nft", "nftables"),
    needs("ip", "iproute2"),
    needs("debootstrap", "debootstrap"),
    needs("setsid", "util-linux"),
    needs("umount", "mount"),
];

/// A program, or other thing with a name, and its Debian package.
#[must_use]
pub const fn needs(name: &'static str, package: &'static str) -> Prerequisite {
    Prerequisite { name, package }
}

/// Sees to it that the node's prerequisites are there.
pub(crate) fn ensure(progress: &Progress) -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!(
            "the test node runs containers and changes the network, so it needs root: sudo -E cargo xtask node up"
        );
    }
    settle(missing, progress)?;
    refuse_old_go(&golang::go_version()?)
}

/// Sees to it that Go is there, which is all that a foreign cluster's tests need.
pub(crate) fn ensure_go(progress: &Progress) -> Result<()> {
    settle(|| if found(GO.name) { Vec::new() } else { vec![GO] }, progress)?;
    refuse_old_go(&golang::go_version()?)
}

/// Asks what is missing, installs it where this machine lets us, and asks again.
///
/// # Errors
/// When something is missing still; the error lists it all, with the commands to type.
pub fn settle(missing: impl Fn() -> Vec<Prerequisite>, progress: &Progress) -> Result<()> {
    let absent = missing();
    if absent.is_empty() {
        return Ok(());
    }
    if nix::unistd::geteuid().is_root() && found("apt-get") {
        let packages = packages(&absent);
        progress.run(format!("install {}", packages.join(" ")), |stage| {
            let apt = |arguments: &[&str]| {
                let mut apt = Command::new("apt-get");
                apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
                apt
            };
            command::run_watched(&mut apt(&["update"]), |line| stage.note(line))?;
            let mut install = apt(&["install", "--yes", "--no-install-recommends"]);
            command::run_watched(install.args(&packages), |line| stage.note(line))
        })?;
    }
    let absent = missing();
    if absent.is_empty() {
        Ok(())
    } else {
        bail!("{}", message(&absent))
    }
}

fn missing() -> Vec<Prerequisite> {
    let mut absent: Vec<_> = PROGRAMS
        .into_iter()
        .filter(|program| !found(program.name))
        .collect();
    if !has_cni_plugins() {
        absent.push(CNI);
    }
    absent
}

/// Whether a program is on the PATH, or where administration programs lie.
#[must_use]
pub fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(Into::into);
    env::split_paths(&path)
        .chain(usual)
        .any(|folder| is_file(&folder.join(program)))
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file())
}

fn packages(absent: &[Prerequisite]) -> Vec<&'static str> {
    let mut packages: Vec<_> = absent.iter().map(|prerequisite| prerequisite.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// One message that names everything that is missing and what to type.
fn message(absent: &[Prerequisite]) -> String {
    let names: Vec<_> = absent.iter().map(|prerequisite| prerequisite.name).collect();
    format!(
        "this machine lacks {}; on Debian and its relatives type:\n  sudo apt-get update\n  \
         sudo apt-get install --no-install-recommends {}",
        names.join(", "),
        packages(absent).join(" ")
    )
}

fn refuse_old_go(version: &str) -> Result<()> {
    let number = version
        .split_whitespace()
        .find_map(|word| word.strip_prefix("go").filter(|rest| rest.contains('.')));
    let mut parts = number
        .unwrap_or_default()
        .split('.')
        .map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) < OLDEST_GO => bail!(
            "Go {}.{} or newer is needed (this is `{}`); install a newer one, for Debian 12 from its backports:\n  \
             sudo apt-get install -t bookworm-backports golang-go",
            OLDEST_GO.0,
            OLDEST_GO.1,
            version.trim()
        ),
        // A version that cannot be read is a development build: newer than any release.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_names_all_that_is_missing_and_each_package_once() {
        let absent: Vec<_> = PROGRAMS
            .into_iter()
            .filter(|program| program.package == "containerd")
            .chain([CNI])
            .collect();
        let message = message(&absent);
        assert!(
            message.contains("lacks containerd, ctr, CNI plug-ins"),
            "{message}"
        );
        assert!(
            message.ends_with("install --no-install-recommends containerd containernetworking-plugins"),
            "{message}"
        );
    }

    #[test]
    fn an_old_go_is_refused_and_a_new_or_unknown_one_is_not() {
        assert!(refuse_old_go("go version go1.19.8 linux/amd64").is_err());
        assert!(refuse_old_go("go version go1.21.0 linux/amd64").is_ok());
        assert!(refuse_old_go("go version go1.26.8 linux/amd64").is_ok());
        assert!(refuse_old_go("go version devel +abc linux/amd64").is_ok());
    }

    #[test]
    fn a_program_that_nobody_has_is_not_found() {
        assert!(found("sh"));
        assert!(!found("no-such-program-anywhere"));
    }
}
