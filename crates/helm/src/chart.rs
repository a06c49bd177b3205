//! A chart fetched once, so that every pass of a run applies the same bytes.

use std::path::{Path, PathBuf};

use model::ChartIdentity;

use crate::{Helm, HelmError, UpgradeLine};

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
}

impl PinnedChart {
    /// Reads an archive that was pinned before, such as one taken out of a journal.
    ///
    /// # Errors
    /// An unreadable file, or one that is no chart archive.
    pub fn open(_archive: &Path) -> Result<Self, HelmError> {
        todo!()
    }
}

impl Helm {
    /// Fetches the chart of `line` into the folder `into`: a folder is packaged (`.helmignore` honoured), an archive is
    /// copied, a repository's or registry's chart is pulled once.
    ///
    /// # Errors
    /// helm's own words for a chart that cannot be found, fetched, verified or packaged.
    pub async fn pin_chart(&self, _line: &UpgradeLine, _into: &Path) -> Result<PinnedChart, HelmError> {
        todo!()
    }
}
