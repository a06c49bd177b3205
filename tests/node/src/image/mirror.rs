//! Where this machine gets Debian packages from, so that debootstrap uses the same mirror and proxy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;

/// Environment variable that names a Debian mirror; it wins over the machine's own settings.
pub(crate) const MIRROR_VARIABLE: &str = "SAFE_UPGRADE_DEBIAN_MIRROR";

/// The mirror to hand to debootstrap; `None` leaves the choice to debootstrap's own default.
pub(crate) fn debian_mirror() -> Option<String> {
    if let Some(chosen) = std::env::var(MIRROR_VARIABLE)
        .ok()
        .filter(|value| !value.is_empty())
    {
        return Some(chosen);
    }
    let release = os_release_value("VERSION_CODENAME")?;
    // Another distribution's mirror has no Debian suites.
    if os_release_value("ID")? != "debian" {
        return None;
    }
    source_files(Path::new("/etc/apt")).iter().find_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        match path.extension()?.to_str()? {
            "sources" => from_paragraphs(&text, &release),
            _ => from_lines(&text, &release),
        }
    })
}

/// The HTTP proxy that apt is told to use, if any.
pub(crate) fn apt_proxy() -> Option<String> {
    let dump = command::run(Command::new("apt-config").args(["dump", "Acquire::http::Proxy"])).ok()?;
    let value = dump.split_once('"')?.1.split('"').next()?;
    (!value.is_empty() && value != "DIRECT").then(|| value.to_owned())
}

fn os_release_value(name: &str) -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key == name).then(|| value.trim_matches('"').to_owned())
    })
}

fn source_files(apt: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(apt.join("sources.list.d"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "list" || extension == "sources")
        })
        .collect();
    files.sort();
    files.insert(0, apt.join("sources.list"));
    files
}

/// The first mirror of `release` in the one-line format (`deb [options] URI SUITE COMPONENT…`).
fn from_lines(text: &str, release: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim().strip_prefix("deb ")?.trim_start();
        let line = match line.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1,
            None => line,
        };
        let mut words = line.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        (suite == release && words.any(|component| component == "main"))
            .then(|| usable(uri))
            .flatten()
    })
}

/// The first mirror of `release` in the paragraph format (`Types: … URIs: … Suites: …`).
fn from_paragraphs(text: &str, release: &str) -> Option<String> {
    text.split("\n\n").find_map(|paragraph| {
        let field = |name: &str| {
            paragraph
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .unwrap_or_default()
                .trim()
        };
        let has = |name: &str, word: &str| field(name).split_whitespace().any(|value| value == word);
        let wanted = has("Types", "deb") && has("Suites", release) && has("Components", "main");
        (wanted && field("Enabled") != "no")
            .then(|| field("URIs").split_whitespace().find_map(usable))
            .flatten()
    })
}

/// debootstrap reads http, https and file; apt knows more (cdrom, mirror+…).
fn usable(uri: &str) -> Option<String> {
    ["http://", "https://", "file:/"]
        .iter()
        .any(|scheme| uri.starts_with(scheme))
        .then(|| uri.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_line_format_gives_the_mirror_of_the_main_suite() {
        let text = "# a comment\ndeb-src http://src.example/debian bookworm main\n\
                    deb http://security.example/debian bookworm-security main\n\
                    deb [signed-by=/k.gpg arch=amd64] http://mirror.example/debian bookworm main contrib\n";
        assert_eq!(
            from_lines(text, "bookworm").as_deref(),
            Some("http://mirror.example/debian")
        );
        assert_eq!(from_lines(text, "trixie"), None);
    }

    #[test]
    fn the_paragraph_format_gives_the_mirror_of_the_main_suite() {
        let text = "Types: deb\n# a comment\nURIs: http://other.example/tools\nSuites: stable\nComponents: main\n\n\
                    Types: deb deb-src\nURIs: mirror+file:/x https://mirror.example/debian\n\
                    Suites: bookworm bookworm-updates\nComponents: main\n";
        assert_eq!(
            from_paragraphs(text, "bookworm").as_deref(),
            Some("https://mirror.example/debian")
        );
        assert_eq!(
            from_paragraphs(
                &text.replace("Types: deb deb-src", "Enabled: no\nTypes: deb"),
                "bookworm"
            ),
            None
        );
    }
}
