//! Carrying an unfinished run on, forward or back, from any machine.

use std::sync::Arc;

use backup::seal::Identities;
use cluster::Cluster;
use engine::journal::ClusterStore;
use engine::lease::{Acquire, ClusterLeases};
use engine::{AbortConsent, Act, Holder, Journal, Lease, RunDocument, Step};
use helm::Helm;
use model::UpgradeReport;

use super::begin::{Inputs, major_number};
use super::described::described;
use super::remember::remember;
use super::restore::restore_of;
use super::{FlowError, RunOptions};
use crate::notify::notified;
use crate::steps::{steps, steps_without_helm};
use crate::{Tools, upgrade_report};

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// On, in the direction the run had.
    Resume,
    /// Back to where it began.
    Abort(AbortConsent),
    /// Nowhere: what the run holds up for itself alone is let go, and it is over.
    Leave,
}

/// Which run to carry on.
#[derive(Clone)]
pub struct CarryOn {
    /// The cluster.
    pub cluster: Cluster,
    /// The user's helm, of the line that began the run; a restore needs none.
    pub helm: Option<Helm>,
    /// The release's namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// Where to.
    pub direction: Direction,
    /// The id of the restore that the run must be; any run where it is not said.
    pub restore: Option<String>,
    /// What opens an encrypted backup that a restore is filled from.
    pub identities: Option<Arc<Identities>>,
}

/// Takes over the release's unfinished run. Needs nothing but the cluster.
///
/// # Errors
/// When there is no such run, or it cannot be taken over; nothing has been changed then.
pub async fn carry_on(request: &CarryOn, options: RunOptions) -> Result<UpgradeReport, FlowError> {
    carry_on_document(request, options)
        .await
        .map(|(report, _)| report)
}

/// The same, with the journal that the report was made from.
pub(crate) async fn carry_on_document(
    request: &CarryOn,
    options: RunOptions,
) -> Result<(UpgradeReport, RunDocument), FlowError> {
    let CarryOn {
        cluster,
        namespace,
        release,
        ..
    } = request;
    let store = Arc::new(ClusterStore::new(cluster, namespace));
    let unfinished = engine::unfinished(store.as_ref(), release)
        .await
        .map_err(FlowError::Journal)?;
    let head = unfinished
        .into_iter()
        .next()
        .ok_or_else(|| FlowError::NothingToCarryOn {
            release: release.clone(),
            namespace: namespace.clone(),
        })?;
    let run = head.run;
    let document = head.document.map_err(|why| FlowError::Damaged {
        run: run.clone(),
        why,
    })?;
    if let Some(wanted) = &request.restore
        && restore_of(&document.plan) != Some(wanted.as_str())
    {
        return Err(FlowError::OtherRun {
            wanted: wanted.clone(),
            run,
            release: release.clone(),
        });
    }
    let leases = Arc::new(ClusterLeases::new(cluster, namespace));
    let holder = Holder::of_this_process(&run);
    let lease = Lease::acquire(leases, release, &holder, Acquire::TakeOver, &options.events)
        .await
        .map_err(FlowError::Lease)?;
    match open(request, &run, &lease, &options).await {
        Ok((journal, steps)) => drive(request, journal, lease, steps, options).await,
        Err(error) => {
            lease.release().await;
            Err(error)
        }
    }
}

/// Opens the journal and makes the steps; the lease is given up by the caller if this fails.
async fn open(
    request: &CarryOn,
    run: &str,
    lease: &Lease,
    options: &RunOptions,
) -> Result<(Journal, Vec<Box<dyn Step>>), FlowError> {
    let CarryOn {
        cluster,
        helm,
        namespace,
        release,
        identities,
        ..
    } = request;
    let store = Arc::new(ClusterStore::new(cluster, namespace));
    let journal = Journal::open(store, lease.clone(), options.faults.clone(), release, run)
        .await
        .map_err(FlowError::Journal)?;
    let document = journal.document();
    let inputs: Inputs =
        serde_json::from_value(document.inputs.clone()).map_err(|error| FlowError::Damaged {
            run: run.to_owned(),
            why: error.to_string(),
        })?;
    let unknown = |step| FlowError::UnknownStep {
        step,
        run: run.to_owned(),
    };
    let steps = match (inputs.helm_major, helm) {
        (None, _) => steps_without_helm(&document.plan, identities.as_ref()).map_err(unknown)?,
        (Some(_), None) => return Err(FlowError::NeedsHelm { run: run.to_owned() }),
        (Some(began), Some(helm)) if began != major_number(helm) => {
            return Err(FlowError::OtherHelm {
                run: run.to_owned(),
                began,
                found: major_number(helm),
            });
        }
        (Some(_), Some(helm)) => {
            let tools = Tools::journaled(helm.clone(), cluster, &journal)
                .await
                .map_err(FlowError::Tools)?;
            steps(&document.plan, &Arc::new(tools)).map_err(unknown)?
        }
    };
    Ok((journal, steps))
}

async fn drive(
    request: &CarryOn,
    journal: Journal,
    lease: Lease,
    steps: Vec<Box<dyn Step>>,
    options: RunOptions,
) -> Result<(UpgradeReport, RunDocument), FlowError> {
    let RunDocument { run, plan, .. } = journal.document();
    let (heard, notifying) = notified(&options.notify, &plan, &run, options.events.clone());
    let (events, telling) = described(&request.cluster, &plan, heard);
    let act = Act {
        cluster: request.cluster.clone(),
        journal: journal.clone(),
        lease,
        steps,
        events,
        cancel: options.cancel,
        hurry: options.hurry,
        clock: options.clock,
        asking: options.asking,
        faults: options.faults,
    };
    let end = match request.direction {
        Direction::Resume => engine::resume(act).await,
        Direction::Abort(consent) => engine::abort(act, consent).await,
        Direction::Leave => engine::leave(act).await,
    }
    .map_err(FlowError::Run)?;
    telling.end(&plan, &end).await;
    let document = journal.document();
    remember(&request.cluster, &document, &options.events).await;
    let report = notifying.end(upgrade_report(&document, &end)).await;
    Ok((report, document))
}
