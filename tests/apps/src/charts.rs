//! The charts in this folder, as they are or stamped with the version of an application.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// The charts' folder.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts")
}

/// The chart of a Postgres server, as it is.
#[must_use]
pub fn postgres() -> PathBuf {
    folder().join("postgres")
}

/// A copy of a chart (`ledger`, `openfga`, a stand-in's) for one version of the application: version and appVersion say it, and so
/// does the image's tag. It is made as `INTO/NAME-VERSION` if it is not there yet.
///
/// # Errors
/// When there is no such chart or the copy cannot be written.
pub fn stamped(name: &str, version: &str, into: &Path) -> Result<PathBuf> {
    let copy = into.join(format!("{name}-{version}"));
    copy_folder(&folder().join(name), &copy)?;
    let path = copy.join("Chart.yaml");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    fs::write(&path, stamp(&text, version)?).with_context(|| format!("write {}", path.display()))?;
    Ok(copy)
}

fn stamp(chart: &str, version: &str) -> Result<String> {
    let mut stamped = 0;
    let lines: Vec<String> = chart
        .lines()
        .map(|line| match line.split_once(':') {
            Some(("version", _)) => {
                stamped += 1;
                format!("version: {version}")
            }
            Some(("appVersion", _)) => {
                stamped += 1;
                format!("appVersion: \"{version}\"")
            }
            _ => line.to_owned(),
        })
        .collect();
    ensure!(
        stamped == 2,
        "this Chart.yaml has no line for version or appVersion"
    );
    Ok(lines.join("\n") + "\n")
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry.with_context(|| format!("read {}", from.display()))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("copy {}", source.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_chart_says_its_version_twice_and_is_otherwise_the_same() {
        let into = tempfile::tempdir().unwrap();
        let copy = stamped("ledger", "2.0.0", into.path()).unwrap();
        let text = fs::read_to_string(copy.join("Chart.yaml")).unwrap();
        assert!(
            text.contains("\nversion: 2.0.0\n") && text.contains("\nappVersion: \"2.0.0\"\n"),
            "{text}"
        );
        let original = folder().join("ledger");
        for file in ["values.yaml", "templates/web.yaml"] {
            assert_eq!(
                fs::read(copy.join(file)).unwrap(),
                fs::read(original.join(file)).unwrap()
            );
        }
    }

    #[test]
    fn a_chart_without_the_lines_is_refused() {
        assert!(stamp("name: x\nversion: 1\n", "2.0.0").is_err());
    }
}
