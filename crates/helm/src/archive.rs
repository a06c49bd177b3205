//! What lies inside a chart archive.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use model::{ChartFile, ChartIdentity};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::chart::hex;
use crate::{HelmError, documents, yaml};

/// The most bytes of one file that are read. Helm itself refuses charts with larger ones (5 MiB a file by default).
const LARGEST_FILE: u64 = 16 << 20;

/// What the chart calls itself.
pub(crate) fn identity(archive: &Path, bytes: &[u8]) -> Result<ChartIdentity, HelmError> {
    let broken = |reason: String| HelmError::Chart {
        path: archive.to_owned(),
        reason,
    };
    let text = top_file(bytes, "Chart.yaml")
        .map_err(|error| broken(error.to_string()))?
        .ok_or_else(|| broken("it holds no Chart.yaml".to_owned()))?;
    let chart = yaml::parse(&text)
        .map_err(|reason| broken(format!("Chart.yaml: {reason}")))?
        .ok_or_else(|| broken("its Chart.yaml is empty".to_owned()))?;
    documents::identity(&chart).map_err(broken)
}

/// The chart's own `values.yaml`; an empty mapping when it has none.
pub(crate) fn default_values(archive: &Path) -> Result<Value, HelmError> {
    let broken = |reason: String| HelmError::Chart {
        path: archive.to_owned(),
        reason,
    };
    let bytes = read(archive)?;
    let text = top_file(&bytes, "values.yaml").map_err(|error| broken(error.to_string()))?;
    let values =
        yaml::parse(&text.unwrap_or_default()).map_err(|reason| broken(format!("values.yaml: {reason}")))?;
    Ok(crate::record::or_empty(values.map(|values| values.to_json())))
}

/// Writes the archive anew with `values` as the chart's own `values.yaml`.
pub(crate) fn replace_default_values(archive: &Path, values: &Value) -> Result<(), HelmError> {
    let bytes = read(archive)?;
    let rewritten = rewrite(&bytes, values).map_err(|source| HelmError::File {
        act: "rewrite",
        path: archive.to_owned(),
        source,
    })?;
    std::fs::write(archive, rewritten).map_err(|source| HelmError::File {
        act: "write",
        path: archive.to_owned(),
        source,
    })
}

fn read(archive: &Path) -> Result<Vec<u8>, HelmError> {
    std::fs::read(archive).map_err(|source| HelmError::File {
        act: "read",
        path: archive.to_owned(),
        source,
    })
}

/// The files directly in an archive's one top folder that `wanted` names.
pub(crate) fn top_files(archive: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<ChartFile>, HelmError> {
    files(archive, |path| top_name(path).filter(|name| wanted(name)))
}

/// The manifests in the folder `crds` of the chart itself.
pub(crate) fn definition_files(archive: &Path) -> Result<Vec<ChartFile>, HelmError> {
    files(archive, |path| {
        let parts: Vec<&str> = path
            .components()
            .filter(|part| !matches!(part, std::path::Component::CurDir))
            .map(|part| part.as_os_str().to_str())
            .collect::<Option<_>>()?;
        let name = parts.last()?;
        let is_manifest = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
        (is_manifest && parts.len() > 2 && parts[1] == "crds").then(|| parts[1..].join("/"))
    })
}

/// The files of an archive to which a name is given.
fn files(archive: &Path, named: impl Fn(&Path) -> Option<String>) -> Result<Vec<ChartFile>, HelmError> {
    let bytes = read(archive)?;
    let mut files = Vec::new();
    let mut take = || -> std::io::Result<()> {
        for entry in tar::Archive::new(GzDecoder::new(bytes.as_slice())).entries()? {
            let entry = entry?;
            let name = named(&entry.path()?);
            if let Some(name) = name {
                files.push(ChartFile {
                    text: bounded(entry)?,
                    name,
                });
            }
        }
        Ok(())
    };
    take().map_err(|error| HelmError::Chart {
        path: archive.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(files)
}

/// sha256 of every file of an archive by its path.
pub(crate) fn digests(archive: &Path) -> Result<BTreeMap<String, String>, HelmError> {
    let bytes = read(archive)?;
    let mut digests = BTreeMap::new();
    let mut take = || -> std::io::Result<()> {
        for entry in tar::Archive::new(GzDecoder::new(bytes.as_slice())).entries()? {
            let mut entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = entry.path()?.to_string_lossy().into_owned();
            let mut hash = Sha256::new();
            let mut piece = [0; 16 << 10];
            loop {
                let read = entry.read(&mut piece)?;
                if read == 0 {
                    break;
                }
                hash.update(&piece[..read]);
            }
            digests.insert(path, hex(&hash.finalize()));
        }
        Ok(())
    };
    take().map_err(|error| HelmError::Chart {
        path: archive.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(digests)
}

/// A text of bounded size; what is no text in it is replaced.
pub(crate) fn bounded(file: impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A file directly in the archive's one top folder.
fn top_file(bytes: &[u8], name: &str) -> std::io::Result<Option<String>> {
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    for entry in archive.entries()? {
        let entry = entry?;
        if is_top_file(&entry.path()?, name) {
            let mut text = String::new();
            entry.take(LARGEST_FILE).read_to_string(&mut text)?;
            return Ok(Some(text));
        }
    }
    Ok(None)
}

fn is_top_file(path: &Path, name: &str) -> bool {
    top_name(path).as_deref() == Some(name)
}

/// The name of a file directly in the archive's one top folder.
fn top_name(path: &Path) -> Option<String> {
    let mut parts = path
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir));
    parts.next()?;
    let name = parts.next()?.as_os_str().to_str()?.to_owned();
    parts.next().is_none().then_some(name)
}

fn rewrite(bytes: &[u8], values: &Value) -> std::io::Result<Vec<u8>> {
    let values = serde_json::to_vec_pretty(values)?;
    let mut source = tar::Archive::new(GzDecoder::new(bytes));
    let mut target = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let mut folder = None;
    for entry in source.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let mut header = entry.header().clone();
        folder = folder.or_else(|| path.components().next().map(|part| part.as_os_str().to_owned()));
        if !is_top_file(&path, "values.yaml") {
            target.append_data(&mut header, &path, &mut entry)?;
        }
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(values.len() as u64);
    header.set_mode(0o644);
    let path = Path::new(&folder.unwrap_or_default()).join("values.yaml");
    target.append_data(&mut header, path, values.as_slice())?;
    target.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chart(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_chart_says_its_own_name_and_not_that_of_a_dependency() {
        let bytes = chart(&[
            ("web/charts/db/Chart.yaml", "name: db\nversion: 9.9.9\n"),
            (
                "web/Chart.yaml",
                "name: web\nversion: 1.2.3\nappVersion: \"1.10\"\n",
            ),
        ]);
        let identity = identity(Path::new("web.tgz"), &bytes).unwrap();
        assert_eq!(
            (identity.name.as_str(), identity.version.as_str()),
            ("web", "1.2.3")
        );
        assert_eq!(identity.app_version.as_deref(), Some("1.10"));
    }

    #[test]
    fn only_files_of_the_chart_itself_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.tgz");
        let bytes = chart(&[
            ("web/CHANGELOG.md", "## 1.2.3"),
            ("web/charts/db/CHANGELOG.md", "## 9.9.9"),
            ("web/values.yaml", "a: 1\n"),
        ]);
        std::fs::write(&path, bytes).unwrap();
        let files = top_files(&path, |name| name == "CHANGELOG.md").unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].text, "## 1.2.3");
    }

    #[test]
    fn definitions_are_those_of_the_chart_s_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.tgz");
        let bytes = chart(&[
            ("web/crds/a.yaml", "a"),
            ("web/crds/more/b.yml", "b"),
            ("web/crds/README.md", "no"),
            ("web/crds.yaml", "no"),
            ("web/templates/crds/c.yaml", "no"),
            ("web/charts/db/crds/d.yaml", "no"),
        ]);
        std::fs::write(&path, bytes).unwrap();
        let names: Vec<String> = definition_files(&path)
            .unwrap()
            .into_iter()
            .map(|file| file.name)
            .collect();
        assert_eq!(names, ["crds/a.yaml", "crds/more/b.yml"]);
    }

    #[test]
    fn a_file_that_is_no_chart_is_refused_by_name() {
        for bytes in [b"hello".to_vec(), chart(&[("web/values.yaml", "a: 1")])] {
            let error = identity(Path::new("web.tgz"), &bytes).unwrap_err().to_string();
            assert!(error.starts_with("chart archive web.tgz: "), "{error}");
        }
    }

    #[test]
    fn default_values_are_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.tgz");
        let long = format!("web/templates/{}.yaml", "x".repeat(150));
        let bytes = chart(&[
            ("web/Chart.yaml", "name: web\nversion: 1.2.3\n"),
            ("web/values.yaml", "a: 1\n"),
            ("web/charts/db/values.yaml", "b: 2\n"),
            (&long, "kind: X\n"),
        ]);
        std::fs::write(&path, bytes).unwrap();
        replace_default_values(&path, &json!({"a": {"c": "on"}})).unwrap();
        assert_eq!(default_values(&path).unwrap(), json!({"a": {"c": "on"}}));
        let rewritten = std::fs::read(&path).unwrap();
        let mut archive = tar::Archive::new(GzDecoder::new(rewritten.as_slice()));
        let mut names: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "web/Chart.yaml",
                "web/charts/db/values.yaml",
                &long,
                "web/values.yaml"
            ]
        );
    }
}
