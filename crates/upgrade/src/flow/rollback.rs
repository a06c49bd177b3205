//! Going back to an older revision.

use checks::ObserveRequest;
use checks::profiles::ProfileChoice;
use cluster::Cluster;
use engine::journal::ClusterStore;
use engine::{Journal, RunDocument, StepKind};
use helm::{Helm, Storage};
use model::{Plan, ReleaseStatus, StepSpec, UpgradeOutcome, UpgradeReport};
use postgres_room::FindOptions;

use super::begin::{Begin, all_steps, major_number, start};
use super::judge::needed;
use super::{FlowError, RunOptions, no_way_back};
use crate::plan::{KnownBackup, KnownRevision, RollbackInput, choose_way, rollback_plan};
use crate::{Tools, ToolsError};

/// What the user asked for.
#[derive(Clone)]
pub struct RollbackRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The user's helm.
    pub helm: Helm,
    /// The release's namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// The revision; without it the one that the newest upgrade by this program left.
    pub revision: Option<u32>,
    /// `--profile`.
    pub profile: ProfileChoice,
    /// `--dsn`, `--secret`.
    pub database: FindOptions,
    /// Where the backup of what is in use now goes.
    pub store: String,
}

/// Looks and plans. Changes nothing.
///
/// # Errors
/// When there is nothing to go back to, or no way there is known to be safe.
pub async fn plan_rollback(request: &RollbackRequest) -> Result<Plan, FlowError> {
    let RollbackRequest {
        cluster,
        namespace,
        release,
        ..
    } = request;
    let observing = ObserveRequest {
        cluster: cluster.clone(),
        namespace: namespace.clone(),
        release: release.clone(),
        profile: request.profile.clone(),
        path_file: None,
        database: request.database.clone(),
        store: None,
    };
    let observed = checks::observe(&observing).await.map_err(FlowError::Observe)?;
    let runs = engine::runs(&ClusterStore::new(cluster, namespace), release)
        .await
        .map_err(FlowError::Journal)?;
    let upgrades: Vec<RunDocument> = runs
        .into_iter()
        .filter_map(|run| run.document.ok())
        .map(|run| *run)
        .filter(has_upgraded)
        .collect();
    let revision = request
        .revision
        .or_else(|| upgrades.first().map(|run| run.plan.from.revision))
        .ok_or_else(|| FlowError::NoRevision(release.clone()))?;
    let known = upgrades
        .iter()
        .find(|run| run.plan.from.revision == revision)
        .map(known_revision);

    let seen = &observed.observation;
    let current = needed(&seen.release, "the release")?;
    let workloads = needed(&seen.workloads, "the release's workloads")?;
    let storage =
        Storage::open(cluster, namespace).map_err(|error| FlowError::Tools(ToolsError::Storage(error)))?;
    let stored = storage
        .revision(release, revision)
        .await
        .map_err(|error| FlowError::Tools(ToolsError::Storage(error)))?
        .ok_or(FlowError::UnfitRevision {
            revision,
            why: "is not in helm's history".into(),
        })?;
    match stored.release.status {
        ReleaseStatus::Superseded if revision != current.revision => {}
        status => {
            let why = format!("is {status:?}; only a superseded revision was ever good");
            return Err(FlowError::UnfitRevision { revision, why });
        }
    }
    let database = seen.database.present();
    let now = database.and_then(|facts| facts.migration.present());
    let promise = observed.profile.rollback.after_migration;
    let way = choose_way(revision, now, known.as_ref(), promise).map_err(FlowError::NoWayBack)?;
    let members = checks::assign(&observed.profile, workloads, None);
    rollback_plan(
        &RollbackInput {
            created_at: seen.taken_at.clone(),
            release: current,
            revision,
            chart: stored.release.chart,
            schema: known
                .and_then(|known| known.migration)
                .and_then(|state| state.version)
                .filter(|_| {
                    // Alone, helm leaves the schema where it is.
                    matches!(way, crate::plan::WayBack::Restore(..))
                }),
            profile: &observed.profile,
            members: &members,
            scalers: seen.scalers.present().map_or(&[], Vec::as_slice),
            database: database.map(|facts| &facts.location),
            no_way_back: database.and_then(no_way_back),
            store: request.store.clone(),
            adopted: None,
        },
        &way,
    )
    .map_err(FlowError::Plan)
}

/// Runs a planned rollback to its end.
///
/// # Errors
/// When the run cannot begin; nothing has been changed then.
pub async fn begin_rollback(
    request: &RollbackRequest,
    plan: Plan,
    options: RunOptions,
) -> Result<UpgradeReport, FlowError> {
    let RollbackRequest {
        cluster,
        helm,
        namespace,
        release,
        ..
    } = request;
    let tools = Tools::without_chart(helm.clone(), cluster, namespace).map_err(FlowError::Tools)?;
    let run = Journal::new_run_id();
    let begin = Begin {
        cluster,
        namespace,
        release,
        steps: all_steps(&plan, tools, &run)?,
        run,
        plan,
        parts: Vec::new(),
        helm_major: Some(major_number(helm)),
    };
    start(begin, options).await.map(|(report, _)| report)
}

/// Whether a run is an upgrade that came through.
fn has_upgraded(run: &RunDocument) -> bool {
    let upgraded = matches!(
        run.outcome,
        Some(UpgradeOutcome::Upgraded | UpgradeOutcome::UpgradedWithFailures)
    );
    upgraded
        && run
            .plan
            .steps
            .iter()
            .any(|step| matches!(step.spec, StepSpec::HelmPass(_)))
}

/// What the run that left a revision knows of it.
fn known_revision(run: &RunDocument) -> KnownRevision {
    let migration = run.plan.steps.iter().find_map(|step| match &step.spec {
        StepSpec::Gate(gate) => gate.before.clone(),
        _ => None,
    });
    let made = run
        .plan
        .steps
        .iter()
        .find(|step| StepKind::of(step) == StepKind::BackUp);
    let backup = made
        .and_then(|step| run.step(&step.id)?.record.clone())
        .and_then(|record| serde_json::from_value::<backup::steps::BackUpRecord>(record).ok())
        .filter(|record| record.uri.is_some())
        .map(|record| KnownBackup {
            store: record.store,
            id: record.id,
        });
    KnownRevision { migration, backup }
}
