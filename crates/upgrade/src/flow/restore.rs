//! Putting the database of a release back, with its writers at rest: the same run, journal and lease as an upgrade's.

use std::sync::Arc;

use backup::seal::Identities;
use backup::steps::RestoreRecord;
use checks::ObserveRequest;
use checks::profiles::ProfileChoice;
use cluster::Cluster;
use engine::RunDocument;
use engine::journal::ClusterStore;
use model::{DatabaseLocation, Plan, RestoreOptions, RestoreSource, StepSpec, UpgradeReport};
use postgres_room::FindOptions;

use super::begin::start_without_helm;
use super::carry_on::carry_on_document;
use super::judge::needed;
use super::{CarryOn, FlowError, RunOptions};
use crate::plan::{RestoreInput, restore_plan};

/// What is to be restored.
#[derive(Clone)]
pub struct RestorePlanRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The release's namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// `--profile`.
    pub profile: ProfileChoice,
    /// `--dsn`, `--secret`.
    pub find: FindOptions,
    /// The database to replace.
    pub database: DatabaseLocation,
    /// What it is filled from.
    pub source: RestoreSource,
    /// The restore's id.
    pub id: String,
    /// A person's answers.
    pub options: RestoreOptions,
    /// Whether the writers stay as they are.
    pub keep_writers: bool,
}

/// How a restore ended.
#[derive(Debug, Clone)]
pub struct RestoreEnd {
    /// The run.
    pub report: UpgradeReport,
    /// What the restore itself recorded, if it came that far.
    pub record: Option<RestoreRecord>,
    /// The database.
    pub database: Option<String>,
}

/// Looks and plans. Changes nothing.
///
/// # Errors
/// When the release cannot be read, or a writer cannot be stopped.
pub async fn plan_restore(request: &RestorePlanRequest) -> Result<Plan, FlowError> {
    let observing = ObserveRequest {
        cluster: request.cluster.clone(),
        namespace: request.namespace.clone(),
        release: request.release.clone(),
        profile: request.profile.clone(),
        path_file: None,
        database: request.find.clone(),
        store: None,
    };
    let observed = checks::observe(&observing).await.map_err(FlowError::Observe)?;
    let seen = &observed.observation;
    let release = needed(&seen.release, "the release")?;
    let workloads = needed(&seen.workloads, "the release's workloads")?;
    let members = checks::assign(&observed.profile, workloads, None);
    restore_plan(&RestoreInput {
        created_at: seen.taken_at.clone(),
        release,
        profile: &observed.profile,
        members: &members,
        scalers: seen.scalers.present().map_or(&[], Vec::as_slice),
        keep_writers: request.keep_writers,
        database: &request.database,
        source: request.source.clone(),
        id: request.id.clone(),
        options: request.options.clone(),
    })
    .map_err(FlowError::Plan)
}

/// Runs a planned restore to its end.
///
/// # Errors
/// When the run cannot begin; nothing has been changed then.
pub async fn begin_restore(
    request: &RestorePlanRequest,
    plan: Plan,
    identities: Option<Arc<Identities>>,
    options: RunOptions,
) -> Result<RestoreEnd, FlowError> {
    let RestorePlanRequest {
        cluster,
        namespace,
        release,
        ..
    } = request;
    let (report, document) =
        start_without_helm(cluster, namespace, release, plan, identities.as_ref(), options).await?;
    Ok(ended(report, &document))
}

/// Carries an unfinished restore on, forward or back. Needs nothing but the cluster, and what the dump needs.
///
/// # Errors
/// When there is no such run, or it cannot be taken over; nothing has been changed then.
pub async fn carry_on_restore(request: &CarryOn, options: RunOptions) -> Result<RestoreEnd, FlowError> {
    let (report, document) = carry_on_document(request, options).await?;
    Ok(ended(report, &document))
}

/// The id of the restore that a release's unfinished run is, if it is one.
///
/// # Errors
/// The journal cannot be read.
pub async fn unfinished_restore(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<Option<String>, FlowError> {
    let store = ClusterStore::new(cluster, namespace);
    let unfinished = engine::unfinished(&store, release)
        .await
        .map_err(FlowError::Journal)?;
    let found = unfinished
        .into_iter()
        .find_map(|head| restore_of(&head.document.ok()?.plan).map(str::to_owned));
    Ok(found)
}

fn ended(report: UpgradeReport, document: &RunDocument) -> RestoreEnd {
    let found = document.plan.steps.iter().find_map(|step| match &step.spec {
        StepSpec::RestoreDatabase(spec) => Some((step, spec)),
        _ => None,
    });
    let record = found
        .and_then(|(step, _)| document.step(&step.id)?.record.clone())
        .and_then(|record| serde_json::from_value(record).ok());
    RestoreEnd {
        report,
        record,
        database: found.map(|(_, spec)| spec.database.database.clone()),
    }
}

/// The id of the restore that a plan is of, if it is one.
pub(super) fn restore_of(plan: &Plan) -> Option<&str> {
    plan.steps.iter().find_map(|step| match &step.spec {
        StepSpec::RestoreDatabase(spec) => spec.id.as_deref(),
        _ => None,
    })
}
