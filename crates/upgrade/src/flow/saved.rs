//! Plans in files: what a plan rests on, written down; and whether it still does.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use cluster::Cluster;
use engine::facts;
use helm::{Fidelity, Seal, Storage};
use jiff::Timestamp;
use model::{
    API_VERSION, ExpectedDuration, KnownFrom, Observation, PinnedDatabase, PinnedWorkload, Plan, PlanBasis,
    SavedPlan, StepSpec, WorkloadKind,
};
use sha2::{Digest, Sha256};

use super::begin::major_number;
use super::{Judged, SavedPlanError, UpgradeRequest};
use crate::plan::{Ground, moved, outlived, uprooted};
use crate::terms::{TermsRefusal, may_begin};

/// This program's version.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What a person says about a plan to be written down.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Who makes it, as `user@machine`.
    pub made_by: String,
    /// How long it holds.
    pub lifetime: Duration,
    /// The words that it was made with, as they may be written down.
    pub command: Vec<String>,
    /// Flags whose text is left out of them.
    pub given_again: Vec<String>,
}

/// The plan with what it rests on and how long it may take. What earlier runs took is asked of the cluster; where that
/// cannot be read, it is not known.
///
/// # Errors
/// When it cannot be told what the plan rests on.
pub async fn propose(
    request: &UpgradeRequest,
    judged: &Judged,
    plan: &Plan,
    proposal: Proposal,
) -> Result<SavedPlan, SavedPlanError> {
    let salt: [u8; 32] = rand::random();
    let salt = hex(&salt);
    let stored = judged.observed.stored.as_ref().ok_or(SavedPlanError::NoRecord)?;
    let seal = Seal::of(stored, &salt);
    let basis = basis(request, judged, &seal, salt)?;
    let measured = facts::recall(&request.cluster, &request.namespace, &request.line.release)
        .await
        .unwrap_or_default()
        .numbers;
    let made: Timestamp = plan.created_at.parse().map_err(|_| SavedPlanError::Lifetime)?;
    let valid_until = made
        .checked_add(proposal.lifetime)
        .map_err(|_| SavedPlanError::Lifetime)?;
    if let Some(terms) = &plan.terms
        && let Err(TermsRefusal::NotYetOpen { opens, .. }) = may_begin(terms, valid_until)
    {
        let until = valid_until.to_string();
        return Err(SavedPlanError::TooShort { until, opens });
    }
    let mut plan = plan.clone();
    // An archive may hold passwords, that of a reused chart does for certain: what stands in it is told by a sealed digest.
    plan.chart_sha256.clear();
    let mut saved = SavedPlan {
        api_version: API_VERSION.into(),
        kind: SavedPlan::KIND.into(),
        made_by: proposal.made_by,
        valid_until: valid_until.to_string(),
        command: proposal.command,
        given_again: proposal.given_again,
        expected: expected(&plan, &measured, rehearsed(&judged.observed.observation, &plan)),
        downtime: measured
            .get(facts::DOWNTIME_SECONDS)
            .map(|seconds| took(*seconds)),
        whole: String::new(),
        basis,
        plan,
    };
    saved.whole = whole(&saved, &seal);
    Ok(saved)
}

/// The sealed digest of a plan file, that digest itself aside.
fn whole(saved: &SavedPlan, seal: &Seal) -> String {
    let mut rest = saved.clone();
    rest.whole.clear();
    seal.text(&serde_json::json!(rest).to_string())
}

/// Whether a file is as it was written, here, and not too old. This is asked before anything that stands in it is used:
/// its words name files and programs, and would be run as the user who was given it.
///
/// # Errors
/// Where it is not.
pub async fn trust(saved: &SavedPlan, cluster: &Cluster) -> Result<(), SavedPlanError> {
    let (made, by) = (saved.plan.created_at.clone(), saved.made_by.clone());
    let (release, namespace) = (&saved.plan.from.name, &saved.plan.from.namespace);
    let storage = Storage::open(cluster, namespace).map_err(SavedPlanError::Record)?;
    let (stored, facts) = tokio::join!(storage.latest(release), cluster.facts());
    let facts = facts.map_err(SavedPlanError::Cluster)?;
    let stored = stored
        .map_err(SavedPlanError::Record)?
        .ok_or_else(|| SavedPlanError::NoRelease {
            release: release.clone(),
            namespace: namespace.clone(),
        })?;
    let seal = Seal::of(&stored, &saved.basis.salt);
    let here = Ground {
        program: PROGRAM,
        cluster: &facts.uid,
        revision: stored.release.revision,
        seal: &seal.itself(),
    };
    let moved = uprooted(saved, &here);
    if !moved.is_empty() {
        return Err(SavedPlanError::Moved { made, by, moved });
    }
    if whole(saved, &seal) != saved.whole {
        return Err(SavedPlanError::Changed { made, by });
    }
    let now = Timestamp::now();
    match outlived(saved, now) {
        false => Ok(()),
        true => Err(SavedPlanError::Expired {
            made,
            until: saved.valid_until.clone(),
            now: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }),
    }
}

/// Whether a trusted plan may be run: everything as it was. `plan` is the one made now.
///
/// # Errors
/// Where it may not, with each thing that moved.
pub fn hold(
    saved: &SavedPlan,
    request: &UpgradeRequest,
    judged: &Judged,
    plan: &Plan,
) -> Result<(), SavedPlanError> {
    let stored = judged.observed.stored.as_ref().ok_or(SavedPlanError::NoRecord)?;
    let seal = Seal::of(stored, &saved.basis.salt);
    let basis = basis(request, judged, &seal, saved.basis.salt.clone())?;
    let moved = moved(saved, plan, &basis);
    match moved.is_empty() {
        true => Ok(()),
        false => Err(SavedPlanError::Moved {
            made: saved.plan.created_at.clone(),
            by: saved.made_by.clone(),
            moved,
        }),
    }
}

/// Writes a plan file, in place of an earlier one.
///
/// # Errors
/// The file cannot be written.
pub fn save_plan(path: &Path, saved: &SavedPlan) -> Result<(), SavedPlanError> {
    let failed = |source| SavedPlanError::Write {
        path: path.to_owned(),
        source,
    };
    let text = serde_json::to_string_pretty(saved)
        .map_err(io::Error::other)
        .map_err(failed)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    // Whole or not at all: half a plan must not lie where a whole one was.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    writeln!(file, "{text}").map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Reads a plan file.
///
/// # Errors
/// The file cannot be read, or is not exactly a plan.
pub fn load_plan(path: &Path) -> Result<SavedPlan, SavedPlanError> {
    let text = std::fs::read_to_string(path).map_err(|source| SavedPlanError::Read {
        path: path.to_owned(),
        source,
    })?;
    SavedPlan::read(&text).map_err(|error| SavedPlanError::Wrong {
        path: path.to_owned(),
        line: error.line,
        message: error.message,
    })
}

fn basis(
    request: &UpgradeRequest,
    judged: &Judged,
    seal: &Seal,
    salt: String,
) -> Result<PlanBasis, SavedPlanError> {
    let observed = &judged.observed;
    let seen = &observed.observation;
    let profile = serde_json::json!(observed.profile).to_string();
    let mut objects = seal.objects(&judged.prepared).map_err(SavedPlanError::Basis)?;
    let unpinned = match &judged.prepared.fidelity {
        Fidelity::Same => Vec::new(),
        Fidelity::Differs(names) => names.clone(),
    };
    objects.retain(|name, _| !unpinned.contains(name));
    Ok(PlanBasis {
        program: PROGRAM.into(),
        cluster: seen.cluster.uid.present().cloned(),
        helm: major_number(&request.helm),
        profile_sha256: hex(&Sha256::digest(profile)),
        workloads: workloads(seen),
        database: database(seen),
        chart: seal
            .chart(&judged.prepared.chart)
            .map_err(SavedPlanError::Basis)?,
        values: seal.values(&judged.prepared).map_err(SavedPlanError::Basis)?,
        objects,
        unpinned,
        salt,
        seal: seal.itself(),
    })
}

/// Jobs come and go by themselves.
fn workloads(seen: &Observation) -> Vec<PinnedWorkload> {
    let live = seen.workloads.present().into_iter().flatten();
    live.filter(|workload| workload.name.kind != WorkloadKind::Job)
        .map(|workload| PinnedWorkload {
            workload: workload.name.clone(),
            replicas: workload.desired,
            suspended: workload.suspended,
            images: workload
                .containers
                .iter()
                .map(|container| (container.name.clone(), container.image.clone()))
                .collect(),
        })
        .collect()
}

fn database(seen: &Observation) -> Option<PinnedDatabase> {
    let facts = seen.database.present()?;
    let location = &facts.location;
    Some(PinnedDatabase {
        host: location.host.clone(),
        port: location.port,
        database: location.database.clone(),
        user: location.user.clone(),
        system_identifier: facts.server.system_identifier.clone(),
        schema: facts.migration.present().cloned(),
    })
}

/// What the migration took where this very upgrade was rehearsed.
fn rehearsed(seen: &Observation, plan: &Plan) -> Option<ExpectedDuration> {
    let version = &seen.release.present()?.chart.version;
    let rehearsed = seen.rehearsed.as_ref();
    let rehearsed = rehearsed.filter(|rehearsed| rehearsed.is_of(version, &plan.to.version))?;
    let size = seen.database.present().map(|facts| facts.size_bytes);
    Some(ExpectedDuration {
        seconds: rehearsed.seconds_for(size.and_then(|bytes| u64::try_from(bytes).ok())),
        known_from: KnownFrom::Rehearsed,
    })
}

/// What steps are expected to take, where that was rehearsed or measured or the profile says it.
fn expected(
    plan: &Plan,
    measured: &BTreeMap<String, u64>,
    rehearsed: Option<ExpectedDuration>,
) -> BTreeMap<String, ExpectedDuration> {
    let known = |spec: &StepSpec| match spec {
        StepSpec::BackUp(_) => measured.get(facts::BACKUP_SECONDS).map(|seconds| took(*seconds)),
        StepSpec::HelmPass(pass) => {
            let before = measured
                .get(facts::MIGRATION_SECONDS)
                .map(|seconds| took(*seconds));
            rehearsed.or(before).or_else(|| {
                pass.usual_seconds.map(|seconds| ExpectedDuration {
                    seconds,
                    known_from: KnownFrom::Profile,
                })
            })
        }
        StepSpec::WaitIdle(_)
        | StepSpec::TimeLimit(_)
        | StepSpec::StandStill(_)
        | StepSpec::Suspend(_)
        | StepSpec::Quiesce(_)
        | StepSpec::Drain(_)
        | StepSpec::SettleRevision(_)
        | StepSpec::EndSessions(_)
        | StepSpec::AnchorRelease(_)
        | StepSpec::AnchorDatabase(_)
        | StepSpec::Gate(_)
        | StepSpec::OpenTraffic(_)
        | StepSpec::Resume(_)
        | StepSpec::RollOut(_)
        | StepSpec::RestoreDatabase(_)
        | StepSpec::HelmRollback(_)
        | StepSpec::Unsuspend(_)
        | StepSpec::PostCheck(_)
        | StepSpec::ForgetRevision(_) => None,
    };
    plan.steps
        .iter()
        .filter_map(|step| Some((step.id.clone(), known(&step.spec)?)))
        .collect()
}

fn took(seconds: u64) -> ExpectedDuration {
    ExpectedDuration {
        seconds,
        known_from: KnownFrom::Measured,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
