//! What the journal knows of a release's runs.

use cluster::Cluster;
use engine::journal::ClusterStore;
use model::UpgradeReport;

use super::FlowError;
use crate::report::journal_report;

/// A run as `status` shows it: its report so far, or why its journal cannot be understood.
#[derive(Debug, Clone, PartialEq)]
pub struct RunLine {
    /// The run's id.
    pub run: String,
    /// Whether it has ended for good.
    pub ended: bool,
    /// The report, or why there is none.
    pub report: Result<UpgradeReport, String>,
}

/// All runs of a release, newest first.
///
/// # Errors
/// The journal cannot be read.
pub async fn status(cluster: &Cluster, namespace: &str, release: &str) -> Result<Vec<RunLine>, FlowError> {
    let store = ClusterStore::new(cluster, namespace);
    let runs = engine::runs(&store, release).await.map_err(FlowError::Journal)?;
    Ok(runs
        .into_iter()
        .map(|head| RunLine {
            ended: head.is_final(),
            run: head.run,
            report: head.document.map(|document| journal_report(&document)),
        })
        .collect())
}
