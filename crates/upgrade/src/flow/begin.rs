//! A new run, from its plan to its report.

use std::sync::Arc;

use backup::seal::Identities;
use cluster::Cluster;
use engine::journal::ClusterStore;
use engine::lease::{Acquire, ClusterLeases};
use engine::{Act, Asking, Clock, Events, Faults, Holder, Journal, Lease, NewRun, RunDocument, Step};
use helm::{Helm, HelmMajor, PinnedChart, PinnedValues};
use model::{Plan, UpgradeReport};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::described::described;
use super::remember::remember;
use super::{FlowError, Judged, UpgradeRequest};
use crate::notify::{Notify, notified};
use crate::steps::{steps, steps_without_helm};
use crate::tools::{CHART_PART, VALUES_PART};
use crate::{Tools, ToolsError, terms, upgrade_report};

/// How a run is run, whatever it does.
#[derive(Clone)]
pub struct RunOptions {
    /// Where events go.
    pub events: Events,
    /// Cancelled by the user's interrupt.
    pub cancel: CancellationToken,
    /// Cancelled by the user's second interrupt: waits of the way back are cut short.
    pub hurry: CancellationToken,
    /// Fault points, for tests.
    pub faults: Faults,
    /// The clock by which a run keeps its terms.
    pub clock: Clock,
    /// The person who can be asked meanwhile.
    pub asking: Asking,
    /// Who is told of the run.
    pub notify: Notify,
}

impl RunOptions {
    /// The same, with somebody who is told.
    #[must_use]
    pub fn telling(self, notify: &Notify) -> Self {
        Self {
            notify: notify.clone(),
            ..self
        }
    }
}

/// What a later process must know beside the plan. Holds no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inputs {
    /// The Helm line that began the run: its post-renderer and its records differ from the other's. `None` for a run
    /// that needs no helm, such as a restore.
    pub(crate) helm_major: Option<u8>,
}

/// The number of a Helm line.
pub(crate) fn major_number(helm: &Helm) -> u8 {
    match helm.major() {
        HelmMajor::Three => 3,
        HelmMajor::Four => 4,
    }
}

/// Takes the lease, writes the journal and runs the plan of an upgrade to its end.
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
    let UpgradeRequest {
        cluster,
        helm,
        namespace,
        ..
    } = request;
    let (chart, values) = (&judged.prepared.chart, &judged.prepared.values);
    let parts = parts(chart, values).map_err(FlowError::Tools)?;
    let tools = Tools::pinned_in(helm.clone(), cluster, namespace, chart, values, folder)
        .map_err(FlowError::Tools)?;
    let release = &request.line.release;
    let run = Journal::new_run_id();
    let begin = Begin {
        cluster,
        namespace,
        release,
        steps: all_steps(&plan, tools, &run)?,
        run,
        plan,
        parts,
        helm_major: Some(major_number(helm)),
    };
    start(begin, options).await.map(|(report, _)| report)
}

/// Takes the lease, writes the journal and runs a plan to its end that needs no helm.
///
/// # Errors
/// When the run cannot begin; nothing has been changed then.
pub(super) async fn start_without_helm(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
    plan: Plan,
    identities: Option<&Arc<Identities>>,
    options: RunOptions,
) -> Result<(UpgradeReport, RunDocument), FlowError> {
    let run = Journal::new_run_id();
    let steps = steps_without_helm(&plan, identities).map_err(|step| FlowError::UnknownStep {
        step,
        run: run.clone(),
    })?;
    let begin = Begin {
        cluster,
        namespace,
        release,
        run,
        plan,
        parts: Vec::new(),
        steps,
        helm_major: None,
    };
    start(begin, options).await
}

/// The steps of a new run's plan.
pub(crate) fn all_steps(plan: &Plan, tools: Tools, run: &str) -> Result<Vec<Box<dyn Step>>, FlowError> {
    steps(plan, &Arc::new(tools)).map_err(|step| FlowError::UnknownStep {
        step,
        run: run.to_owned(),
    })
}

/// A run about to begin.
pub(crate) struct Begin<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) namespace: &'a str,
    pub(crate) release: &'a str,
    pub(crate) run: String,
    pub(crate) plan: Plan,
    pub(crate) parts: Vec<(String, Vec<u8>)>,
    pub(crate) steps: Vec<Box<dyn Step>>,
    pub(crate) helm_major: Option<u8>,
}

/// Takes the lease, writes the journal and runs the plan to its end. Gives the report, and the journal it was made from.
pub(crate) async fn start(
    begin: Begin<'_>,
    options: RunOptions,
) -> Result<(UpgradeReport, RunDocument), FlowError> {
    let Begin {
        cluster,
        namespace,
        release,
        run,
        plan,
        parts,
        steps,
        helm_major,
    } = begin;
    if let Some(terms) = &plan.terms {
        options
            .clock
            .until(terms::begin(terms, options.clock.now()))
            .await;
        terms::may_begin(terms, options.clock.now()).map_err(FlowError::Terms)?;
    }
    let new = NewRun {
        run,
        plan,
        inputs: serde_json::json!(Inputs { helm_major }),
        parts,
    };
    let holder = Holder::of_this_process(&new.run);
    let leases = Arc::new(ClusterLeases::new(cluster, namespace));
    let lease = Lease::acquire(leases, release, &holder, Acquire::NewRun, &options.events)
        .await
        .map_err(FlowError::Lease)?;
    let store = Arc::new(ClusterStore::new(cluster, namespace));
    let journal = match Journal::create(store, lease.clone(), options.faults.clone(), new).await {
        Ok(journal) => journal,
        Err(error) => {
            lease.release().await;
            return Err(FlowError::Journal(error));
        }
    };
    let RunDocument { run, plan, .. } = journal.document();
    let (heard, notifying) = notified(&options.notify, &plan, &run, options.events.clone());
    let (events, telling) = described(cluster, &plan, heard);
    let end = engine::run(Act {
        cluster: cluster.clone(),
        journal: journal.clone(),
        lease,
        steps,
        events,
        cancel: options.cancel,
        hurry: options.hurry,
        clock: options.clock,
        asking: options.asking,
        faults: options.faults,
    })
    .await
    .map_err(FlowError::Run)?;
    telling.end(&plan, &end).await;
    let document = journal.document();
    remember(cluster, &document, &options.events).await;
    let report = notifying.end(upgrade_report(&document, &end)).await;
    Ok((report, document))
}

/// What lies in the journal's own Secrets until the outcome is final.
pub(super) fn parts(
    chart: &PinnedChart,
    values: &PinnedValues,
) -> Result<Vec<(String, Vec<u8>)>, ToolsError> {
    let archive = &chart.archive;
    let chart = std::fs::read(archive).map_err(|source| ToolsError::File {
        path: archive.clone(),
        source,
    })?;
    let values = values.bytes().map_err(ToolsError::Helm)?;
    Ok(vec![
        (CHART_PART.to_owned(), chart),
        (VALUES_PART.to_owned(), values),
    ])
}
