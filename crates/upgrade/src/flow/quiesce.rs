//! Stopping a release until a person, or a limit of time, brings it back: the same run, journal and lease as an upgrade's.

use std::time::Duration;

use checks::profiles::ProfileChoice;
use checks::{ObserveRequest, Observed, Rules};
use cluster::Cluster;
use engine::journal::{ClusterStore, wait_over};
use engine::{AbortConsent, RunDocument, RunError};
use jiff::Timestamp;
use model::{CheckReport, Plan, RunPurpose, UpgradeOutcome, UpgradeReport};
use postgres_room::FindOptions;

use super::begin::start_without_helm;
use super::judge::needed;
use super::{CarryOn, Direction, FlowError, RunOptions, carry_on};
use crate::plan::{QuiesceInput, QuiesceLimit, quiesce_plan};
use crate::report::journal_report;

/// The checks that say whether a release may be stopped.
const ROWS: [&str; 8] = [
    "access-journal",
    "access-quiesce",
    "helm-owner",
    "run-lease",
    "run-unfinished",
    "workload-scalers",
    "database-reachable",
    "database-shared",
];

/// The one of them that asks the database.
const ASKS_DATABASE: &str = "database-reachable";

/// What the user asked for.
#[derive(Clone)]
pub struct QuiesceRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The release's namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// `--profile`.
    pub profile: ProfileChoice,
    /// `--dsn`, `--secret`.
    pub database: FindOptions,
    /// Whether the database is asked who is connected.
    pub ask_sessions: bool,
    /// `--roles`.
    pub roles: Vec<String>,
    /// `--limit` and who keeps it.
    pub limit: Option<QuiesceLimit>,
}

/// What is known before the first change.
pub struct QuiesceJudged {
    /// The judgement.
    pub report: CheckReport,
    /// The plan, or why there is none.
    pub plan: Result<Plan, FlowError>,
}

/// Looks, judges and plans. Changes nothing.
///
/// # Errors
/// When there is nothing to judge: no such release, no answer.
pub async fn plan_quiesce(request: &QuiesceRequest) -> Result<QuiesceJudged, FlowError> {
    let observing = ObserveRequest {
        cluster: request.cluster.clone(),
        namespace: request.namespace.clone(),
        release: request.release.clone(),
        profile: request.profile.clone(),
        path_file: None,
        database: request.database.clone(),
        store: None,
    };
    let observed = checks::observe(&observing).await.map_err(FlowError::Observe)?;
    let rows = ROWS
        .into_iter()
        .filter(|row| request.ask_sessions || *row != ASKS_DATABASE);
    let rules = Rules {
        only: rows.map(str::to_owned).collect(),
        ..Rules::default()
    };
    Ok(QuiesceJudged {
        report: checks::evaluate_by(&rules, &observed.observation, None, &observed.profile),
        plan: make_plan(request, &observed),
    })
}

fn make_plan(request: &QuiesceRequest, observed: &Observed) -> Result<Plan, FlowError> {
    let seen = &observed.observation;
    let release = needed(&seen.release, "the release")?;
    let workloads = needed(&seen.workloads, "the release's workloads")?;
    let scalers = needed(&seen.scalers, "autoscalers")?;
    let members = checks::assign(&observed.profile, workloads, None);
    quiesce_plan(&QuiesceInput {
        created_at: seen.taken_at.clone(),
        release,
        profile: &observed.profile,
        members: &members,
        scalers,
        sharers: seen.sharers.present().map_or(&[], Vec::as_slice),
        roles: &request.roles,
        database: seen.location.present().filter(|_| request.ask_sessions),
        limit: request.limit.clone(),
    })
    .map_err(FlowError::Plan)
}

/// Runs a planned quiesce to its end: stopped and proven idle, or everything as before.
///
/// # Errors
/// When the run cannot begin; nothing has been changed then.
pub async fn begin_quiesce(
    request: &QuiesceRequest,
    plan: Plan,
    options: RunOptions,
) -> Result<UpgradeReport, FlowError> {
    let QuiesceRequest {
        cluster,
        namespace,
        release,
        ..
    } = request;
    start_without_helm(cluster, namespace, release, plan, None, options)
        .await
        .map(|(report, _)| report)
}

/// Which quiesce to end.
#[derive(Clone)]
pub struct UnquiesceRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The release's namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// The run; the newest where it is not said.
    pub run: Option<String>,
}

/// Brings everything back, wherever the run stands. Needs nothing but the cluster. A run that has brought everything back
/// already is told as it ended.
///
/// # Errors
/// When the release is not quiesced, or the run cannot be taken over; nothing has been changed then.
pub async fn unquiesce(request: &UnquiesceRequest, options: RunOptions) -> Result<UpgradeReport, FlowError> {
    let found = quiesced(request).await?;
    if found.is_final() {
        return Ok(journal_report(&found));
    }
    let carry = CarryOn {
        cluster: request.cluster.clone(),
        helm: None,
        namespace: request.namespace.clone(),
        release: request.release.clone(),
        // A quiesce has no price: nobody wrote meanwhile.
        direction: Direction::Abort(AbortConsent::Price),
        restore: None,
        identities: None,
    };
    match carry_on(&carry, options).await {
        // Somebody else brought it back in this moment.
        Err(FlowError::NothingToCarryOn { .. } | FlowError::Run(RunError::Finished { .. })) => {
            quiesced(request).await.map(|ended| journal_report(&ended))
        }
        ended => ended,
    }
}

/// The journal of the quiesce that a release is under, or was under last.
///
/// # Errors
/// When the newest run is none, when a person has left it as it stood, or the journal cannot be read.
pub async fn quiesced(request: &UnquiesceRequest) -> Result<RunDocument, FlowError> {
    let store = ClusterStore::new(&request.cluster, &request.namespace);
    let runs = engine::runs(&store, &request.release)
        .await
        .map_err(FlowError::Journal)?;
    let is_meant = |run: &str| request.run.as_deref().is_none_or(|wanted| wanted == run);
    let none = || FlowError::NotQuiesced {
        release: request.release.clone(),
        namespace: request.namespace.clone(),
    };
    let head = runs
        .into_iter()
        .find(|head| is_meant(&head.run))
        .ok_or_else(none)?;
    let document = head
        .document
        .map_err(|why| FlowError::Damaged { run: head.run, why })?;
    match (document.plan.purpose(), document.outcome) {
        (RunPurpose::Change, _) | (RunPurpose::Quiesce, Some(UpgradeOutcome::Left)) => Err(none()),
        (RunPurpose::Quiesce, _) => Ok(*document),
    }
}

/// Waits until a run is over, at most until `until` (RFC 3339). `false` when the time has come before.
///
/// # Errors
/// The run cannot be watched.
pub async fn over_before(request: &UnquiesceRequest, run: &str, until: Timestamp) -> Result<bool, FlowError> {
    let left = until.duration_since(Timestamp::now());
    let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
    wait_over(&request.cluster, &request.namespace, &request.release, run, left)
        .await
        .map_err(FlowError::Wait)
}
