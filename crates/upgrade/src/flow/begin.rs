//! A new run, from its plan to its report.

use std::sync::Arc;

use engine::journal::ClusterStore;
use engine::lease::{Acquire, ClusterLeases};
use engine::{Act, Events, Faults, Holder, Journal, Lease, NewRun};
use helm::{Helm, HelmMajor};
use model::{Plan, UpgradeReport};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{FlowError, Judged, UpgradeRequest};
use crate::steps::steps;
use crate::tools::{CHART_PART, VALUES_PART};
use crate::{Tools, upgrade_report};

/// How a run is run, whatever it does.
#[derive(Clone)]
pub struct RunOptions {
    /// Where events go.
    pub events: Events,
    /// Cancelled by the user's interrupt.
    pub cancel: CancellationToken,
    /// Fault points, for tests.
    pub faults: Faults,
}

/// What a later process must know beside the plan. Holds no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inputs {
    /// The Helm line that began the run: its post-renderer and its records differ from the other's.
    pub(crate) helm_major: u8,
}

/// The number of a Helm line.
pub(crate) fn major_number(helm: &Helm) -> u8 {
    match helm.major() {
        HelmMajor::Three => 3,
        HelmMajor::Four => 4,
    }
}

/// Takes the lease, writes the journal and runs the plan to its end.
///
/// # Errors
/// When the run cannot begin; nothing has been changed then.
pub async fn begin(
    request: &UpgradeRequest,
    judged: Judged,
    plan: Plan,
    folder: TempDir,
    options: RunOptions,
) -> Result<UpgradeReport, FlowError> {
    let release = &request.line.release;
    let run = Journal::new_run_id();
    let holder = Holder::of_this_process(&run);
    let leases = Arc::new(ClusterLeases::new(&request.cluster, &request.namespace));
    let lease = Lease::acquire(leases, release, &holder, Acquire::NewRun, &options.events)
        .await
        .map_err(FlowError::Lease)?;
    let store = Arc::new(ClusterStore::new(&request.cluster, &request.namespace));
    if let Some(earlier) = engine::unfinished(store.as_ref(), release).await.map_err(FlowError::Journal)?.first() {
        let error = FlowError::Unfinished {
            run: earlier.run.clone(),
            release: release.clone(),
            namespace: request.namespace.clone(),
        };
        lease.release().await;
        return Err(error);
    }
    let prepared = &judged.prepared;
    let chart = std::fs::read(&prepared.chart.archive)
        .map_err(|source| FlowError::Tools(crate::ToolsError::File { path: prepared.chart.archive.clone(), source }))?;
    let values = prepared.values.bytes().map_err(|source| FlowError::Tools(crate::ToolsError::Helm(source)))?;
    let inputs = Inputs { helm_major: major_number(&request.helm) };
    let journal = Journal::create(
        store,
        lease.clone(),
        options.faults.clone(),
        NewRun {
            run: run.clone(),
            plan: plan.clone(),
            inputs: serde_json::json!(inputs),
            parts: vec![(CHART_PART.to_owned(), chart), (VALUES_PART.to_owned(), values)],
        },
    )
    .await
    .map_err(FlowError::Journal)?;
    let tools = Tools::prepared(request.helm.clone(), &request.cluster, &request.namespace, prepared, folder)
        .map_err(FlowError::Tools)?;
    let steps =
        steps(&plan, &Arc::new(tools)).map_err(|step| FlowError::UnknownStep { step, run: run.clone() })?;
    let end = engine::run(Act {
        cluster: request.cluster.clone(),
        journal: journal.clone(),
        lease,
        steps,
        events: options.events,
        cancel: options.cancel,
        faults: options.faults,
    })
    .await
    .map_err(FlowError::Run)?;
    Ok(upgrade_report(&journal.document(), &end))
}
