//! Adopting an upgrade that somebody began by plain helm and that crashes or hangs: the same run, journal, lease and gate as
//! an upgrade of our own.

mod known;
mod ways;

use std::time::Duration;

use checks::profiles::ProfileChoice;
use checks::{ObserveRequest, Observed, Rules};
use cluster::Cluster;
use engine::Journal;
use helm::{Helm, PinnedChart, PinnedValues, UpgradeLine};
use model::{CheckReport, Plan, StepSpec, UpgradeReport};
use postgres_room::FindOptions;
use tempfile::TempDir;

use self::known::{know, situation};
use self::ways::{back, forward};
use super::begin::{Begin, all_steps, major_number, parts, start};
use super::{FlowError, RunOptions};
use crate::Tools;
use crate::recover::{Way, Wish, decide};

/// The checks that say whether a release may be recovered at all.
const ROWS: [&str; 10] = [
    "access-journal",
    "access-quiesce",
    "access-upgrade",
    "access-turn-back",
    "helm-owner",
    "run-lease",
    "workload-scalers",
    "database-reachable",
    "database-shared",
    "postgres-primary",
];

/// The one more where a backup is made.
const BACKS_UP: &str = "access-backup";

/// helm's own default for `--timeout`, in seconds.
const HELM_TIMEOUT_SECONDS: u64 = 300;

/// What the user asked for.
#[derive(Clone)]
pub struct RecoverRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The user's helm.
    pub helm: Helm,
    /// The release's namespace.
    pub namespace: String,
    /// The release, and where its record does not hold it, the chart; and flags of every pass. Says nothing of values.
    pub line: UpgradeLine,
    /// The revision to turn back to; without it the last one that was in force.
    pub revision: Option<u32>,
    /// `--profile`.
    pub profile: ProfileChoice,
    /// `--dsn`, `--secret`.
    pub database: FindOptions,
    /// Where backups are, and where a new one goes.
    pub store: String,
    /// How long what may be at work must have been so, before it is taken for stuck.
    pub older_than: Duration,
    /// `--forward`, `--back`.
    pub wish: Option<Wish>,
    /// Whether sessions of others may be ended.
    pub end_sessions: bool,
}

/// What is known before the first change.
pub struct RecoverJudged {
    /// The judgement.
    pub report: CheckReport,
    /// The plan, or why there is none.
    pub plan: Result<RecoverPlanned, FlowError>,
}

/// A plan, with what its run needs.
pub struct RecoverPlanned {
    /// The plan.
    pub plan: Plan,
    /// Chart and values, where the newer version is finished.
    pinned: Option<(PinnedChart, PinnedValues)>,
    folder: TempDir,
}

/// Looks, judges and plans; what is pinned is laid out in `folder`. Changes nothing in the cluster.
///
/// # Errors
/// When there is nothing to judge: no such release, no answer.
pub async fn plan_recover(request: &RecoverRequest, folder: TempDir) -> Result<RecoverJudged, FlowError> {
    let observing = ObserveRequest {
        cluster: request.cluster.clone(),
        namespace: request.namespace.clone(),
        release: request.line.release.clone(),
        profile: request.profile.clone(),
        path_file: None,
        database: request.database.clone(),
        store: None,
    };
    let observed = checks::observe(&observing).await.map_err(FlowError::Observe)?;
    let planned = Box::pin(planned(request, &observed, folder)).await;
    let backs_up = planned.as_ref().is_ok_and(|planned| {
        let mut steps = planned.plan.steps.iter();
        steps.any(|step| matches!(step.spec, StepSpec::BackUp(_)))
    });
    let rows = ROWS.into_iter().chain(backs_up.then_some(BACKS_UP));
    let rules = Rules {
        only: rows.map(str::to_owned).collect(),
        ..Rules::default()
    };
    Ok(RecoverJudged {
        report: checks::evaluate_by(&rules, &observed.observation, None, &observed.profile),
        plan: planned,
    })
}

async fn planned(
    request: &RecoverRequest,
    observed: &Observed,
    folder: TempDir,
) -> Result<RecoverPlanned, FlowError> {
    let known = Box::pin(know(request, observed, &folder)).await?;
    let way = decide(&situation(request, &known)).map_err(FlowError::NotRecovered)?;
    match &way {
        Way::FinishForward { anchor, why } => {
            let (plan, chart, values) = forward(request, &known, *anchor, why, folder.path())?;
            Ok(RecoverPlanned {
                plan,
                pinned: Some((chart, values)),
                folder,
            })
        }
        Way::TurnBack {
            revision,
            way,
            made_at,
        } => {
            let plan = back(request, &known, *revision, way, made_at.as_deref())?;
            Ok(RecoverPlanned {
                plan,
                pinned: None,
                folder,
            })
        }
    }
}

/// Runs a planned recovery to its end.
///
/// # Errors
/// When the run cannot begin; nothing has been changed then.
pub async fn begin_recover(
    request: &RecoverRequest,
    planned: RecoverPlanned,
    options: RunOptions,
) -> Result<UpgradeReport, FlowError> {
    let RecoverRequest {
        cluster,
        helm,
        namespace,
        ..
    } = request;
    let RecoverPlanned { plan, pinned, folder } = planned;
    let (tools, parts) = match &pinned {
        Some((chart, values)) => (
            Tools::pinned_in(helm.clone(), cluster, namespace, chart, values, folder),
            parts(chart, values).map_err(FlowError::Tools)?,
        ),
        None => (Tools::without_chart(helm.clone(), cluster, namespace), Vec::new()),
    };
    let run = Journal::new_run_id();
    let begin = Begin {
        cluster,
        namespace,
        release: &request.line.release,
        steps: all_steps(&plan, tools.map_err(FlowError::Tools)?, &run)?,
        run,
        plan,
        parts,
        helm_major: Some(major_number(helm)),
    };
    start(begin, options).await.map(|(report, _)| report)
}
