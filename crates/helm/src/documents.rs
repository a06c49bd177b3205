//! What a chart says about itself and its changes, from a folder or an archive on this machine; helm is not asked.

use std::collections::BTreeMap;
use std::path::Path;

use model::{ChartDocuments, ChartFile, ChartIdentity};

use crate::yaml::Node;
use crate::{HelmError, archive, yaml};

/// What change logs of charts are called, without their ending, in small letters; the first one found counts.
const CHANGELOGS: [&str; 5] = ["changelog", "changes", "history", "release_notes", "releasenotes"];

/// Endings of a text.
const ENDINGS: [&str; 4] = ["", "md", "markdown", "txt"];

/// Reads them from a chart's folder or archive.
///
/// # Errors
/// An unreadable file, or one that is no chart.
pub fn chart_documents(path: &Path) -> Result<ChartDocuments, HelmError> {
    let files = if path.is_dir() {
        of_folder(path)?
    } else {
        archive::top_files(path, is_wanted)?
    };
    let text = files
        .iter()
        .find(|file| file.name == "Chart.yaml")
        .map(|file| file.text.as_str());
    let broken = |reason: String| HelmError::Chart {
        path: path.to_owned(),
        reason,
    };
    let chart = yaml::parse(text.ok_or_else(|| broken("it holds no Chart.yaml".to_owned()))?)
        .map_err(|reason| broken(format!("Chart.yaml: {reason}")))?
        .ok_or_else(|| broken("its Chart.yaml is empty".to_owned()))?;
    Ok(ChartDocuments {
        identity: identity(&chart).map_err(broken)?,
        home: chart.text_at(&["home"]).map(str::to_owned),
        sources: texts(chart.get("sources")),
        annotations: annotations(chart.get("annotations")),
        changelog: changelog(files),
    })
}

/// What a `Chart.yaml` calls its chart.
pub(crate) fn identity(chart: &Node) -> Result<ChartIdentity, String> {
    let field = |name: &str| chart.text_at(&[name]).map(str::to_owned);
    Ok(ChartIdentity {
        name: field("name").ok_or("its Chart.yaml names no chart")?,
        version: field("version").ok_or("its Chart.yaml names no version")?,
        app_version: field("appVersion").filter(|version| !version.is_empty()),
    })
}

/// The change log among a chart's files.
pub(crate) fn changelog(files: Vec<ChartFile>) -> Option<ChartFile> {
    files
        .into_iter()
        .filter_map(|file| Some((rank(&file.name)?, file)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, file)| file)
}

/// Whether a file directly in a chart is a change log by its name.
pub(crate) fn is_changelog(name: &str) -> bool {
    rank(name).is_some()
}

fn rank(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let (stem, ending) = name.split_once('.').unwrap_or((&name, ""));
    CHANGELOGS
        .iter()
        .position(|known| *known == stem)
        .filter(|_| ENDINGS.contains(&ending))
}

fn is_wanted(name: &str) -> bool {
    name == "Chart.yaml" || is_changelog(name)
}

fn of_folder(folder: &Path) -> Result<Vec<ChartFile>, HelmError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| HelmError::File {
            act: "read",
            path,
            source,
        }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if is_wanted(name) && path.is_file() {
            files.push(ChartFile {
                name: name.to_owned(),
                text: archive::bounded(std::fs::File::open(&path).map_err(failed(&path))?)
                    .map_err(failed(&path))?,
            });
        }
    }
    Ok(files)
}

fn texts(node: Option<&Node>) -> Vec<String> {
    match node {
        Some(Node::Sequence(items)) => items.iter().filter_map(text).collect(),
        Some(Node::Scalar(_) | Node::Mapping(_)) | None => Vec::new(),
    }
}

fn annotations(node: Option<&Node>) -> BTreeMap<String, String> {
    match node {
        Some(Node::Mapping(entries)) => entries
            .iter()
            .filter_map(|(name, value)| Some((name.text.clone(), text(value)?)))
            .collect(),
        Some(Node::Scalar(_) | Node::Sequence(_)) | None => BTreeMap::new(),
    }
}

fn text(node: &Node) -> Option<String> {
    match node {
        Node::Scalar(scalar) => Some(scalar.text.clone()),
        Node::Sequence(_) | Node::Mapping(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHART: &str = "name: web\nversion: 1.2.3\nappVersion: \"1.10\"\nhome: https://x.example\nsources:\n- \
                         https://github.com/shop/web\nannotations:\n  a/b: |\n    - one\n    - two\n";

    #[test]
    fn a_folder_tells_what_it_is_and_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("Chart.yaml", CHART);
        write("HISTORY.md", "older");
        write("changelog.md", "## 1.2.3");
        write("CHANGELOG.png", "no text");
        let documents = chart_documents(folder.path()).unwrap();
        assert_eq!(documents.identity.app_version.as_deref(), Some("1.10"));
        assert_eq!(documents.home.as_deref(), Some("https://x.example"));
        assert_eq!(documents.sources, ["https://github.com/shop/web"]);
        assert_eq!(documents.annotations["a/b"], "- one\n- two\n");
        let file = documents.changelog.unwrap();
        assert_eq!(
            (file.name.as_str(), file.text.as_str()),
            ("changelog.md", "## 1.2.3")
        );
    }

    #[test]
    fn an_archive_tells_of_itself_and_not_of_its_dependencies() {
        let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let mut archive = tar::Builder::new(packed);
        for (path, text) in [
            ("web/charts/db/CHANGELOG.md", "## 9.9.9"),
            ("web/charts/db/Chart.yaml", "name: db\nversion: 9.9.9\n"),
            ("web/Chart.yaml", CHART),
            ("web/CHANGELOG.md", "## 1.2.3"),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.tgz");
        std::fs::write(&path, archive.into_inner().unwrap().finish().unwrap()).unwrap();
        let documents = chart_documents(&path).unwrap();
        assert_eq!(documents.identity.name, "web");
        assert_eq!(documents.changelog.unwrap().text, "## 1.2.3");
    }

    #[test]
    fn a_folder_that_is_no_chart_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let told = chart_documents(folder.path()).unwrap_err().to_string();
        assert!(
            told.contains("it holds no Chart.yaml") && told.contains(&folder.path().display().to_string()),
            "{told}"
        );
    }
}
