//! A chart fetched once, so that every pass of a run applies the same bytes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use model::ChartIdentity;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Helm, HelmError, UpgradeLine, archive, manifest};

/// The archive's name in the folder that the caller gives.
const ARCHIVE: &str = "chart.tgz";

/// A chart archive on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedChart {
    /// The `.tgz`.
    pub archive: PathBuf,
    /// sha256 of the archive, lower-case hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What the chart calls itself.
    pub identity: ChartIdentity,
    /// The chart's own defaults, where the archive has been given others.
    pub(crate) replaced_defaults: Option<Value>,
}

impl PinnedChart {
    /// Reads an archive that was pinned before, such as one taken out of a journal.
    ///
    /// # Errors
    /// An unreadable file, or one that is no chart archive.
    pub fn open(archive: &Path) -> Result<Self, HelmError> {
        let bytes = std::fs::read(archive).map_err(|source| HelmError::File {
            act: "read",
            path: archive.to_owned(),
            source,
        })?;
        Ok(Self {
            archive: archive.to_owned(),
            sha256: hex(&Sha256::digest(&bytes)),
            bytes: bytes.len() as u64,
            identity: archive::identity(archive, &bytes)?,
            replaced_defaults: None,
        })
    }

    /// Gives the archive other defaults than the chart's own, which are remembered.
    pub(crate) fn with_defaults(self, defaults: &Value) -> Result<Self, HelmError> {
        let own = archive::default_values(&self.archive)?;
        archive::replace_default_values(&self.archive, defaults)?;
        Ok(Self {
            replaced_defaults: Some(own),
            ..Self::open(&self.archive)?
        })
    }

    /// The definitions of custom resources in the chart's own folder `crds`.
    ///
    /// # Errors
    /// An unreadable archive, or a file there that is no YAML.
    pub fn definitions(&self) -> Result<Vec<Value>, HelmError> {
        let mut definitions = Vec::new();
        for file in archive::definition_files(&self.archive)? {
            definitions.extend(manifest::objects(&file.text).map_err(HelmError::Manifest)?);
        }
        definitions.retain(|object| object["kind"] == "CustomResourceDefinition");
        Ok(definitions)
    }

    /// Digests of the files in the archive by their paths. `helm package` stamps the time on every file, so that the
    /// archive itself is another one each time; the lock file only says when dependencies were fetched, which lie beside it.
    ///
    /// # Errors
    /// An unreadable archive.
    pub fn contents(&self) -> Result<BTreeMap<String, String>, HelmError> {
        let mut contents = archive::digests(&self.archive)?;
        contents.retain(|path, _| !path.ends_with("/Chart.lock"));
        Ok(contents)
    }

    /// The chart's own defaults.
    pub(crate) fn own_defaults(&self) -> Result<Value, HelmError> {
        match &self.replaced_defaults {
            Some(own) => Ok(own.clone()),
            None => archive::default_values(&self.archive),
        }
    }
}

impl Helm {
    /// Fetches the chart of `line` into the folder `into`: a folder is packaged (`.helmignore` honoured), an archive is
    /// copied, a repository's or registry's chart is pulled once.
    ///
    /// # Errors
    /// helm's own words for a chart that cannot be found, fetched, verified or packaged.
    pub async fn pin_chart(&self, line: &UpgradeLine, into: &Path) -> Result<PinnedChart, HelmError> {
        let reference = line.chart.clone().unwrap_or_default();
        let local = Path::new(&reference);
        let pinned = into.join(ARCHIVE);
        // As helm does: what exists here is never looked for elsewhere.
        if local.is_file() {
            self.verify_archive(line, local).await?;
            copy(local, &pinned)?;
            return PinnedChart::open(&pinned);
        }
        // What looks like a path is never a repository's.
        if !local.exists() && (local.is_absolute() || reference.starts_with('.')) {
            return Err(HelmError::NoChart {
                path: local.to_owned(),
            });
        }
        let fetched = tempfile::tempdir_in(into).map_err(|source| HelmError::File {
            act: "write into",
            path: into.to_owned(),
            source,
        })?;
        let destination = fetched.path().as_os_str();
        let mut args: Vec<OsString> = Vec::new();
        let act = if local.is_dir() {
            args.extend([
                "package".into(),
                reference.into(),
                "--destination".into(),
                destination.into(),
            ]);
            args.extend(updates_dependencies(line).then(|| "--dependency-update".into()));
            "package"
        } else {
            args.extend([
                "pull".into(),
                reference.into(),
                "--destination".into(),
                destination.into(),
            ]);
            let is_known_to_pull = |flag: &&String| !flag.starts_with("--dependency-update");
            args.extend(line.location.iter().filter(is_known_to_pull).map(OsString::from));
            "pull"
        };
        self.capture(act, args).await?;
        let archive = only_archive(fetched.path()).ok_or_else(|| HelmError::Output {
            act: act.to_owned(),
            reason: "it wrote no chart archive".to_owned(),
        })?;
        copy(&archive, &pinned)?;
        PinnedChart::open(&pinned)
    }

    async fn verify_archive(&self, line: &UpgradeLine, archive: &Path) -> Result<(), HelmError> {
        if !line.location.iter().any(|flag| flag == "--verify") {
            return Ok(());
        }
        let mut args: Vec<OsString> = vec!["verify".into(), archive.into()];
        let is_keyring = |flag: &&String| flag.starts_with("--keyring=");
        args.extend(line.location.iter().filter(is_keyring).map(OsString::from));
        self.capture("verify", args).await.map(drop)
    }
}

fn updates_dependencies(line: &UpgradeLine) -> bool {
    line.location.iter().any(|flag| flag == "--dependency-update")
}

fn only_archive(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
}

fn copy(from: &Path, to: &Path) -> Result<(), HelmError> {
    std::fs::copy(from, to)
        .map(drop)
        .map_err(|source| HelmError::File {
            act: "copy",
            path: from.to_owned(),
            source,
        })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
