//! Observe, check, plan: everything before the first change.

use std::collections::BTreeMap;
use std::path::Path;

use checks::profiles::ProfileChoice;
use checks::{ObserveRequest, Observed, TargetRequest};
use cluster::Cluster;
use engine::Clock;
use engine::facts::{self, Measured};
use helm::{Fidelity, Helm, PinnedValues, Prepared, UpgradeLine};
use model::{Before, CheckReport, GateMode, LoadLimit, Plan, RunTerms, Seen, Target, WorkloadName};
use postgres_room::FindOptions;
use sha2::{Digest, Sha256};

use super::before::before;
use super::{FlowError, no_way_back};
use crate::plan::{AfterWishes, PlanInput, plan};
use crate::terms::{Measurements, Terms, expected, moved};

/// What the user asked for.
#[derive(Clone)]
pub struct UpgradeRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The user's helm.
    pub helm: Helm,
    /// The line of `helm upgrade`.
    pub line: UpgradeLine,
    /// The release's namespace.
    pub namespace: String,
    /// `--profile`.
    pub profile: ProfileChoice,
    /// `--path-file`.
    pub path_file: Option<String>,
    /// `--dsn`, `--secret`.
    pub database: FindOptions,
    /// Where the backup goes.
    pub store: String,
    /// `--gate`.
    pub gate: Option<GateMode>,
    /// `--window`, `--not-before`, `--deadline`, `--on-slow`, or those of a saved plan.
    pub terms: Terms,
    /// `--max-active`, `--max-tps`.
    pub load: LoadLimit,
    /// `--smoke`, `--helm-test`, `--allow-profile-commands`.
    pub after: AfterWishes,
    /// The clock by which the terms are made.
    pub clock: Clock,
}

/// Everything known before the first change.
pub struct Judged {
    /// What was seen.
    pub observed: Observed,
    /// The target.
    pub target: Target,
    /// The pinned chart and values.
    pub prepared: Prepared,
    /// The judgement.
    pub report: CheckReport,
    /// The plan, or why there is none.
    pub plan: Result<Plan, FlowError>,
}

/// Looks, judges and plans; the pinned chart and values are laid out in `folder`. Changes nothing in the cluster.
///
/// # Errors
/// When there is nothing to judge: no such release, no such chart, no answer.
pub async fn judge(request: &UpgradeRequest, folder: &Path) -> Result<Judged, FlowError> {
    let observing = ObserveRequest {
        cluster: request.cluster.clone(),
        namespace: request.namespace.clone(),
        release: request.line.release.clone(),
        profile: request.profile.clone(),
        path_file: request.path_file.clone(),
        database: request.database.clone(),
        store: Some(request.store.clone()),
    };
    let (observed, prepared) = tokio::join!(
        checks::observe(&observing),
        request.helm.prepare(&request.line, &request.namespace, folder)
    );
    // An unknown release fails both; the observer's words are the clearer ones.
    let observed = observed.map_err(FlowError::Observe)?;
    let prepared = prepared.map_err(|error| match checks::unreadable_records(&observed.observation) {
        Some(right) => FlowError::NotAllowed(right),
        None => FlowError::Target(error),
    })?;
    let target = checks::target(&TargetRequest {
        cluster: &request.cluster,
        namespace: &request.namespace,
        line: &request.line,
        major: request.helm.major(),
        chart: &prepared.chart,
        rendered: &prepared.rendered,
        stored: observed.stored.as_ref(),
    })
    .await
    .map_err(FlowError::Target)?;
    let report = checks::evaluate(&observed.observation, Some(&target), &observed.profile);
    let timely = Timely::look(request, &observed, &target).await;
    let plan = make_plan(request, &observed, &target, &prepared, timely);
    Ok(Judged {
        observed,
        target,
        prepared,
        report,
        plan,
    })
}

/// Looks, judges and plans once more, for a run that begins later than it was agreed to. What would be done now must be what
/// was agreed to; the terms stay those that were agreed to.
///
/// # Errors
/// As [`judge`]; also when something has changed.
pub async fn judge_again(
    request: &UpgradeRequest,
    agreed: &Plan,
    first: &Prepared,
    folder: &Path,
) -> Result<Judged, FlowError> {
    let mut judged = judge(request, folder).await?;
    if let Ok(plan) = &mut judged.plan {
        let values = |prepared: &Prepared| prepared.values.bytes().map_err(FlowError::Target);
        if let Some(what) = moved(agreed, plan) {
            return Err(FlowError::Moved(what));
        }
        if values(first)? != values(&judged.prepared)? {
            return Err(FlowError::Moved("the values are others".into()));
        }
        let contents = |prepared: &Prepared| prepared.chart.contents().map_err(FlowError::Target);
        if contents(first)? != contents(&judged.prepared)? {
            return Err(FlowError::Moved(
                "what stands in the chart is something else".into(),
            ));
        }
        plan.terms.clone_from(&agreed.terms);
    }
    Ok(judged)
}

fn make_plan(
    request: &UpgradeRequest,
    observed: &Observed,
    target: &Target,
    prepared: &Prepared,
    timely: Timely,
) -> Result<Plan, FlowError> {
    let seen = &observed.observation;
    let release = needed(&seen.release, "the release")?;
    let workloads = needed(&seen.workloads, "the release's workloads")?;
    let history = needed(&seen.history, "the release's history")?;
    let members = checks::assign(&observed.profile, workloads, Some(target));
    let database = seen.database.present();
    let migration = database.and_then(|facts| facts.migration.present());
    let anchor = history
        .iter()
        .filter(|entry| entry.status == model::ReleaseStatus::Deployed)
        .map(|entry| entry.revision)
        .max();
    plan(&PlanInput {
        created_at: seen.taken_at.clone(),
        release,
        anchor_revision: anchor,
        target,
        profile: &observed.profile,
        members: &members,
        scalers: seen.scalers.present().map_or(&[], Vec::as_slice),
        manifest_replicas: &manifest_replicas(observed, &request.namespace),
        database: database.map(|facts| &facts.location),
        migration,
        database_bytes: database.and_then(|facts| u64::try_from(facts.size_bytes).ok()),
        last_restore: seen.last_restore.present().copied(),
        rehearsed: seen.rehearsed.as_ref(),
        no_way_back: database.and_then(no_way_back),
        gate: request.gate,
        load: request.load.clone(),
        after: request.after.clone(),
        has_tests: prepared.rendered.has_tests,
        before: timely.before,
        terms: timely.terms,
        store: request.store.clone(),
        chart_sha256: prepared.chart.sha256.clone(),
        values_digest: values_digest(&prepared.values)?,
        helm_flags: request.line.passed.clone(),
        timeout_seconds: request.line.timeout.map(|timeout| timeout.as_secs()),
        adopted: None,
    })
    .map_err(FlowError::Plan)
    .map(|mut plan| {
        plan.notices.extend(timely.notices);
        with_fidelity(plan, &prepared.fidelity)
    })
}

/// What depends on the moment of the plan.
struct Timely {
    terms: Option<RunTerms>,
    before: Before,
    notices: Vec<String>,
}

impl Timely {
    async fn look(request: &UpgradeRequest, observed: &Observed, target: &Target) -> Self {
        let UpgradeRequest {
            cluster,
            namespace,
            clock,
            ..
        } = request;
        let workloads = observed.observation.workloads.present();
        let members = workloads.map(|workloads| checks::assign(&observed.profile, workloads, Some(target)));
        let members = members.unwrap_or_default();
        let (terms, (before, notices)) = tokio::join!(
            terms(request, observed, target),
            before(cluster, namespace, observed, &members, clock)
        );
        Self {
            terms,
            before,
            notices,
        }
    }
}

/// The terms in absolute time, with how long it takes where there is a deadline.
async fn terms(request: &UpgradeRequest, observed: &Observed, target: &Target) -> Option<RunTerms> {
    let mut terms = request.terms.at(request.clock.now())?;
    if terms.deadline.is_some() {
        let UpgradeRequest {
            cluster,
            namespace,
            line,
            ..
        } = request;
        // What cannot be read is as if nobody had measured it, and the plan says so.
        let measured = engine::facts::recall(cluster, namespace, &line.release).await;
        terms.expected = expected(measurements(measured.unwrap_or_default(), observed, target));
    }
    Some(terms)
}

fn measurements(measured: Measured, observed: &Observed, target: &Target) -> Measurements {
    let seen = &observed.observation;
    let number = |key: &str| measured.numbers.get(key).copied();
    let bytes = seen.database.present();
    let bytes = bytes.and_then(|facts| u64::try_from(facts.size_bytes).ok());
    let rehearsed = seen.rehearsed_to(&target.chart.version);
    Measurements {
        run: number(facts::RUN_SECONDS),
        backup: number(facts::BACKUP_SECONDS),
        migration: number(facts::MIGRATION_SECONDS),
        rehearsed: rehearsed.map(|rehearsed| rehearsed.seconds_for(bytes)),
        usual: observed.profile.budgets.usual_seconds,
    }
}

/// Says where the pinned chart and values render otherwise than the user's own line.
fn with_fidelity(mut plan: Plan, fidelity: &Fidelity) -> Plan {
    match fidelity {
        Fidelity::Same => {}
        Fidelity::Differs(objects) => plan.notices.push(format!(
            "every rendering of this chart differs (something random, the time or a large number) in {}",
            objects.join(", ")
        )),
    }
    plan
}

pub(super) fn needed<'a, T>(seen: &'a Seen<T>, what: &str) -> Result<&'a T, FlowError> {
    match seen {
        Seen::Present(value) => Ok(value),
        Seen::Absent => Err(FlowError::Unreadable(format!("{what} could not be found"))),
        Seen::Unreadable(why) => Err(FlowError::Unreadable(format!("{what} could not be read: {why}"))),
    }
}

/// The counts that the running revision's own manifest says.
fn manifest_replicas(observed: &Observed, namespace: &str) -> BTreeMap<WorkloadName, i32> {
    let Some(stored) = &observed.stored else {
        return BTreeMap::new();
    };
    let objects = helm::manifest::objects(&stored.manifest).unwrap_or_default();
    objects
        .iter()
        .filter_map(|object| cluster::workload_from_manifest(object, namespace))
        .filter_map(|workload| Some((workload.name, workload.replicas?)))
        .collect()
}

/// A digest under a key that is never saved: it tells whether values changed within one run, and nothing else.
pub(super) fn values_digest(values: &PinnedValues) -> Result<String, FlowError> {
    let bytes = values.bytes().map_err(FlowError::Target)?;
    let key: [u8; 32] = rand::random();
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(bytes);
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
