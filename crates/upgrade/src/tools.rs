//! What the steps around helm work with: the user's helm, its records, and the pinned chart and values on this machine.

use std::path::{Path, PathBuf};

use cluster::Cluster;
use engine::{Journal, StepFailure};
use helm::{Helm, HelmError, PinnedChart, PinnedValues, Storage, StorageError};
use tempfile::TempDir;
use thiserror::Error;

/// Name of the journal part that holds the chart archive.
pub(crate) const CHART_PART: &str = "chart";
/// Name of the journal part that holds the effective values.
pub(crate) const VALUES_PART: &str = "values";

/// Why the tools of a run are not at hand.
#[derive(Debug, Error)]
pub enum ToolsError {
    /// Helm's records.
    #[error("failed to open helm's records")]
    Storage(#[source] StorageError),
    /// A part of the journal.
    #[error("failed to read part `{part}` of run {run}")]
    Part {
        /// The part.
        part: &'static str,
        /// The run.
        run: String,
        /// Why.
        #[source]
        source: engine::JournalError,
    },
    /// The journal has no such part, as after a run that has ended.
    #[error("run {run} no longer holds its {part}, so it cannot be carried on")]
    NoPart {
        /// The part.
        part: &'static str,
        /// The run.
        run: String,
    },
    /// The chart or the values could not be laid out on this machine.
    #[error("failed to lay out the pinned chart and values")]
    Helm(#[source] HelmError),
    /// The temporary folder or a file in it.
    #[error("failed to write {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The tools of one run.
pub struct Tools {
    pub(crate) helm: Helm,
    pub(crate) storage: Storage,
    pinned: Option<Pinned>,
}

/// Chart and values on this machine, for runs that upgrade.
pub(crate) struct Pinned {
    pub(crate) chart: PathBuf,
    pub(crate) values: PathBuf,
    /// Holds both; removed with the tools.
    _folder: TempDir,
}

impl Tools {
    /// The tools of a new run, from what was pinned in `folder`.
    ///
    /// # Errors
    /// Helm's records lie where this program cannot read them.
    pub fn pinned_in(
        helm: Helm,
        cluster: &Cluster,
        namespace: &str,
        chart: &PinnedChart,
        values: &PinnedValues,
        folder: TempDir,
    ) -> Result<Self, ToolsError> {
        Ok(Self {
            helm,
            storage: Storage::open(cluster, namespace).map_err(ToolsError::Storage)?,
            pinned: Some(Pinned {
                chart: chart.archive.clone(),
                values: values.path.clone(),
                _folder: folder,
            }),
        })
    }

    /// The tools of a run that applies no chart: a rollback.
    ///
    /// # Errors
    /// Helm's records lie where this program cannot read them.
    pub fn without_chart(helm: Helm, cluster: &Cluster, namespace: &str) -> Result<Self, ToolsError> {
        let storage = Storage::open(cluster, namespace).map_err(ToolsError::Storage)?;
        Ok(Self {
            helm,
            storage,
            pinned: None,
        })
    }

    /// Chart and values.
    pub(crate) fn pinned(&self) -> Result<&Pinned, StepFailure> {
        self.pinned
            .as_ref()
            .ok_or_else(|| StepFailure::new("this run pinned no chart"))
    }

    /// The tools of a run that another process began: chart and values come out of the journal.
    ///
    /// # Errors
    /// The journal does not give them.
    pub async fn journaled(helm: Helm, cluster: &Cluster, journal: &Journal) -> Result<Self, ToolsError> {
        let document = journal.document();
        if document.parts.is_empty() {
            return Self::without_chart(helm, cluster, &document.namespace);
        }
        let folder = TempDir::new().map_err(|source| ToolsError::File {
            path: std::env::temp_dir(),
            source,
        })?;
        let chart = folder.path().join("chart.tgz");
        write(&chart, &part(journal, &document.run, CHART_PART).await?)?;
        let values = PinnedValues::restore(&part(journal, &document.run, VALUES_PART).await?, folder.path())
            .map_err(ToolsError::Helm)?;
        Ok(Self {
            helm,
            storage: Storage::open(cluster, &document.namespace).map_err(ToolsError::Storage)?,
            pinned: Some(Pinned {
                chart,
                values: values.path,
                _folder: folder,
            }),
        })
    }
}

async fn part(journal: &Journal, run: &str, name: &'static str) -> Result<Vec<u8>, ToolsError> {
    journal
        .get_part(name)
        .await
        .map_err(|source| ToolsError::Part {
            part: name,
            run: run.to_owned(),
            source,
        })?
        .ok_or_else(|| ToolsError::NoPart {
            part: name,
            run: run.to_owned(),
        })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ToolsError> {
    std::fs::write(path, bytes).map_err(|source| ToolsError::File {
        path: path.to_owned(),
        source,
    })
}
