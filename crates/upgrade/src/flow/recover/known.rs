//! What is known of an upgrade that was left behind, gathered once, before it is decided what becomes of it.

use checks::{Assigned, Observed};
use engine::RunDocument;
use engine::journal::ClusterStore;
use helm::{PinnedChart, Storage, StoredRelease};
use model::profile::QuiesceNeed;
use model::{BackupManifest, Plan, Profile, Release, RenderedWorkload, Seen, StepSpec, Target, Workload};
use tempfile::TempDir;

use super::super::judge::needed;
use super::super::{FlowError, no_way_back};
use super::{HELM_TIMEOUT_SECONDS, RecoverRequest};
use crate::ToolsError;
use crate::plan::schema_of;
use crate::recover::{
    Expected, Left, Question, Situation, UsableBackup, Wanted, backups, last_in_force, look, stand, usable,
    was_in_force,
};
use crate::unlock::rendered;

/// What the decision and the plan are made from.
pub(super) struct Known<'a> {
    pub(super) observed: &'a Observed,
    pub(super) release: &'a Release,
    pub(super) workloads: &'a [Workload],
    pub(super) newest: &'a StoredRelease,
    /// The newest revision's workloads.
    pub(super) rendered: Vec<RenderedWorkload>,
    pub(super) target: Target,
    pub(super) members: Vec<Assigned>,
    pub(super) left: Left,
    /// What the older version expects of the schema.
    pub(super) older: Option<Expected>,
    pub(super) backup: Result<UsableBackup, String>,
    /// The newest revision's chart, or why it is not at hand.
    pub(super) chart: Result<PinnedChart, String>,
}

/// Gathers it.
///
/// # Errors
/// When helm's records or the journal cannot be read, or the chart that was named cannot be had.
pub(super) async fn know<'a>(
    request: &RecoverRequest,
    observed: &'a Observed,
    folder: &TempDir,
) -> Result<Known<'a>, FlowError> {
    let RecoverRequest {
        cluster,
        namespace,
        line,
        ..
    } = request;
    let seen = &observed.observation;
    let release = needed(&seen.release, "the release")?;
    let workloads = needed(&seen.workloads, "the release's workloads")?;
    let history = needed(&seen.history, "the release's history")?;
    let newest = observed.stored.as_ref().ok_or_else(|| {
        FlowError::Unreadable("helm's record of the newest revision could not be read".into())
    })?;
    let rendered = rendered(newest, namespace).map_err(FlowError::Unreadable)?;
    let target = target(newest, &rendered);
    let members = stopping(checks::assign(&observed.profile, workloads, Some(&target)));
    let older = match request.revision {
        None => last_in_force(history, release.revision),
        Some(revision) => {
            let fit = |entry: &&model::RevisionSummary| {
                entry.revision == revision && revision < release.revision && was_in_force(entry)
            };
            let fit = history.iter().find(fit).map(|entry| entry.revision);
            Some(fit.ok_or(FlowError::UnfitRevision {
                revision,
                why: "was never in force, or is not before the newest".into(),
            })?)
        }
    };
    let question = Question {
        cluster,
        namespace,
        release: &line.release,
        observed,
        newest,
        rendered: &rendered,
        members: &members,
        history,
        older,
    };
    let storage_failed = |error| FlowError::Tools(ToolsError::Storage(error));
    let left = Box::pin(look(&question)).await.map_err(storage_failed)?;
    let runs = engine::runs(&ClusterStore::new(cluster, namespace), &line.release)
        .await
        .map_err(FlowError::Journal)?;
    let runs: Vec<RunDocument> = runs
        .into_iter()
        .filter_map(|run| run.document.ok())
        .map(|run| *run)
        .collect();
    let stored_backups = match seen.location.present() {
        Some(location) => backups(cluster, namespace, &request.store, location).await,
        None => Seen::Absent,
    };
    let expected = left
        .older
        .as_ref()
        .and_then(|older| expected_older(&observed.profile, older, &runs, &stored_backups));
    let backup = usable_backup(request, observed, &stored_backups, &left, expected.as_ref());
    let chart = Box::pin(chart(request, release, folder)).await?;
    Ok(Known {
        observed,
        release,
        workloads,
        newest,
        rendered,
        target,
        members,
        left,
        older: expected,
        backup,
        chart,
    })
}

/// The newest revision as what an upgrade leads to: it was rendered already, and its record says how.
fn target(newest: &StoredRelease, rendered: &[RenderedWorkload]) -> Target {
    let not_asked = || "an upgrade that is adopted was rendered by whoever began it".to_owned();
    Target {
        reference: format!("revision {}", newest.release.revision),
        chart: newest.release.chart.clone(),
        workloads: rendered.to_vec(),
        hooks: newest.hooks.clone(),
        values: Seen::Unreadable(not_asked()),
        dry_run: Seen::Unreadable(not_asked()),
        changed_secrets: Seen::Unreadable(not_asked()),
        definitions: Seen::Unreadable(not_asked()),
        claims: Seen::Unreadable(not_asked()),
        timeout_seconds: HELM_TIMEOUT_SECONDS,
        migrations: None,
        notes: None,
        is_upgrade: true,
    }
}

/// Whoever may stop has to: two versions at once are what is being ended.
fn stopping(mut members: Vec<Assigned>) -> Vec<Assigned> {
    for member in &mut members {
        if member.quiesce == QuiesceNeed::Optional {
            member.quiesce = QuiesceNeed::Required;
        }
    }
    members
}

/// What the older version expects of the schema: by the profile, by an earlier run that left it while it was in force, or
/// by the newest backup that was made of it.
fn expected_older(
    profile: &Profile,
    older: &StoredRelease,
    runs: &[RunDocument],
    backups: &Seen<Vec<BackupManifest>>,
) -> Option<Expected> {
    let chart = &older.release.chart;
    if let Some(version) = schema_of(profile, chart) {
        return Some(Expected {
            version: Some(version),
            fingerprint: None,
            source: format!("profile {}", profile.name),
        });
    }
    let named = format!("{}-{}", chart.name, chart.version);
    let mut left_it = runs
        .iter()
        .filter(|run| run.plan.from.chart == named && left_in_force(&run.plan));
    if let Some((run, state)) = left_it.find_map(|run| Some((run, gate_before(&run.plan)?))) {
        return Some(Expected::seen(state, format!("journal of run {}", run.run)));
    }
    let of_it = |manifest: &&BackupManifest| {
        manifest.release.as_ref().is_some_and(|release| {
            release.name == older.release.name && release.revision == older.release.revision
        })
    };
    let manifest = backups.present()?.iter().find(of_it)?;
    let state = manifest.migration.as_ref()?;
    Some(Expected::seen(state, format!("backup {}", manifest.id)))
}

/// Whether a run began while what it left was in force: only then the schema was its own.
fn left_in_force(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| match &step.spec {
        StepSpec::AnchorRelease(anchor) => anchor.revision == plan.from.revision,
        _ => false,
    })
}

fn gate_before(plan: &Plan) -> Option<&model::MigrationState> {
    plan.steps.iter().find_map(|step| match &step.spec {
        StepSpec::Gate(gate) => gate.before.as_ref(),
        _ => None,
    })
}

fn usable_backup(
    request: &RecoverRequest,
    observed: &Observed,
    backups: &Seen<Vec<BackupManifest>>,
    left: &Left,
    schema: Option<&Expected>,
) -> Result<UsableBackup, String> {
    let facts = observed.observation.database.present();
    if let Some(why) = facts.and_then(no_way_back) {
        return Err(format!("the database cannot be put back: {why}"));
    }
    let wanted = Wanted {
        system_identifier: facts.and_then(|facts| facts.server.system_identifier.as_deref()),
        before: left.began_at.as_deref(),
        schema,
    };
    usable(&request.store, backups, &wanted)
}

/// The newest revision's chart: the one that was named, else the one in helm's record.
async fn chart(
    request: &RecoverRequest,
    release: &Release,
    folder: &TempDir,
) -> Result<Result<PinnedChart, String>, FlowError> {
    if request.line.chart.is_some() {
        let chart = request
            .helm
            .pin_chart(&request.line, folder.path())
            .await
            .map_err(FlowError::Target)?;
        let (wanted, named) = (&release.chart, &chart.identity);
        if (&wanted.name, &wanted.version) != (&named.name, &named.version) {
            return Err(FlowError::OtherChart {
                revision: release.revision,
                wanted: format!("{}-{}", wanted.name, wanted.version),
                named: format!("{}-{}", named.name, named.version),
            });
        }
        return Ok(Ok(chart));
    }
    let failed = |error| FlowError::Tools(ToolsError::Storage(error));
    let storage = Storage::open(&request.cluster, &request.namespace).map_err(failed)?;
    let recorded = storage
        .recorded_chart(&release.name, release.revision)
        .await
        .map_err(failed)?;
    let bytes = match recorded {
        Ok(bytes) => bytes,
        Err(why) => return Ok(Err(why.to_string())),
    };
    let path = folder.path().join("chart.tgz");
    std::fs::write(&path, bytes).map_err(|source| {
        FlowError::Tools(ToolsError::File {
            path: path.clone(),
            source,
        })
    })?;
    PinnedChart::open(&path).map(Ok).map_err(FlowError::Target)
}

/// What the decision is made from.
pub(super) fn situation(request: &RecoverRequest, known: &Known<'_>) -> Situation {
    let seen = &known.observed.observation;
    let newer = schema_of(&known.observed.profile, &known.release.chart).map(|version| Expected {
        version: Some(version),
        fingerprint: None,
        source: format!("profile {}", known.observed.profile.name),
    });
    let schema = match (&seen.database, &seen.location) {
        (Seen::Present(facts), _) => stand(&facts.migration, known.older.as_ref(), newer.as_ref()),
        (Seen::Unreadable(why), _) | (Seen::Absent, Seen::Unreadable(why)) => {
            Err(format!("the database could not be asked: {why}"))
        }
        (Seen::Absent, Seen::Absent | Seen::Present(_)) => Err("no database was found".into()),
    };
    Situation {
        newest: known.release.revision,
        status: known.release.status,
        age_seconds: known.left.age_seconds,
        older_than: request.older_than,
        older: known.left.older.as_ref().map(|older| older.release.revision),
        unfinished_run: seen.unfinished_run.clone(),
        trouble: known.left.trouble.clone(),
        schema,
        promise: known.observed.profile.rollback.after_migration,
        backup: known.backup.clone(),
        no_chart: known.chart.as_ref().err().cloned(),
        in_the_way: known.left.in_the_way.clone(),
        end_sessions: request.end_sessions,
        wish: request.wish,
    }
}
