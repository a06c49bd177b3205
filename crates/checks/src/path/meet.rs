//! What one upgrade meets: hazards and overlaps of the path, with what the database says to them.

use model::path::{Hazard, MeetingState, MustNotOverlap, UpgradePath};
use model::profile::{QuiesceNeed, RoleKind};
use model::{Observation, Profile, Remedy, Seen, Severity, Target, UpdateStrategy, Version, WorkloadKind};

use crate::assign::assign;
use crate::check::some_of;
use crate::words::psql;

/// Something of the path that concerns an upgrade.
pub(crate) struct Met<'a, T> {
    /// What the path says.
    pub(crate) said: &'a T,
    /// Whether it applies.
    pub(crate) state: MeetingState,
    /// The database's answer, or why there is none.
    pub(crate) evidence: Option<String>,
}

/// The hazards of an upgrade between two versions.
pub(crate) fn hazards<'a>(
    path: &'a UpgradePath,
    seen: &Observation,
    from: &Version,
    to: &Version,
) -> Vec<Met<'a, Hazard>> {
    path.hazards
        .iter()
        .filter(|hazard| hazard.from.contains(from) && hazard.to.contains(to))
        .map(|hazard| met(hazard, seen, &hazard.id, hazard.sql.is_some()))
        .collect()
}

/// Versions that must not run together, with what becomes of them in this release.
pub(crate) struct Overlap<'a> {
    /// What the path says.
    pub(crate) said: &'a MustNotOverlap,
    /// Whether it applies.
    pub(crate) state: MeetingState,
    /// What it means where it applies.
    pub(crate) severity: Severity,
    /// What was seen of it, or why nothing was.
    pub(crate) evidence: Option<String>,
    /// What to do about it.
    pub(crate) remedy: &'static str,
}

/// The overlaps of an upgrade between two versions, judged by what becomes of the old pods.
pub(crate) fn overlaps<'a>(
    path: &'a UpgradePath,
    seen: &Observation,
    target: Option<&Target>,
    profile: &Profile,
    from: &Version,
    to: &Version,
) -> Vec<Overlap<'a>> {
    let beside = beside(seen, target, profile);
    path.must_not_overlap
        .iter()
        .filter(|overlap| overlap.from.contains(from) && overlap.to.contains(to))
        .map(|overlap| judged(met(overlap, seen, &overlap.id, overlap.sql.is_some()), &beside))
        .collect()
}

/// One judgement for the row and for the report on a way. What the database denies stays denied.
fn judged<'a>(met: Met<'a, MustNotOverlap>, beside: &Result<Beside, String>) -> Overlap<'a> {
    let Met {
        said,
        state,
        evidence,
    } = met;
    let (severity, remedy) = match beside {
        Ok(Beside::Nobody) | Err(_) => (Severity::Block, "stop every old pod before a new one starts"),
        Ok(Beside::Stopped(_)) => (
            Severity::Warn,
            "stop every old pod before a new one starts, as `helm safe-upgrade` does",
        ),
        Ok(Beside::Serving(_)) => (
            Severity::Block,
            "scale it to 0 before the upgrade, or let its role in the profile stop (`quiesce: required`)",
        ),
    };
    let (state, evidence) = match (state, beside) {
        (MeetingState::DoesNotApply | MeetingState::Later, _) => (state, evidence),
        (MeetingState::Applies | MeetingState::Unknown, Ok(Beside::Nobody)) => (
            MeetingState::DoesNotApply,
            Some("no old pod runs beside a new one".into()),
        ),
        (MeetingState::Applies | MeetingState::Unknown, Ok(Beside::Stopped(names))) => {
            let words = format!(
                "{} would overlap under a plain upgrade; safe-upgrade stops the old pods first",
                some_of(names)
            );
            (state, Some(joined(evidence, words)))
        }
        (MeetingState::Applies | MeetingState::Unknown, Ok(Beside::Serving(names))) => {
            let words = format!("{} serves on, because its role need not stop", some_of(names));
            (state, Some(joined(evidence, words)))
        }
        (MeetingState::Applies | MeetingState::Unknown, Err(why)) => {
            (MeetingState::Unknown, Some(why.clone()))
        }
    };
    Overlap {
        said,
        state,
        severity,
        evidence,
        remedy,
    }
}

fn joined(evidence: Option<String>, words: String) -> String {
    match evidence {
        Some(evidence) => format!("{evidence}; {words}"),
        None => words,
    }
}

fn met<'a, T>(said: &'a T, seen: &Observation, id: &str, asks: bool) -> Met<'a, T> {
    let (state, evidence) = if asks {
        answered(seen, id)
    } else {
        (MeetingState::Applies, None)
    };
    Met {
        said,
        state,
        evidence,
    }
}

/// What the database said to a question of the path.
fn answered(seen: &Observation, id: &str) -> (MeetingState, Option<String>) {
    let answers = seen.path.as_ref().map(|facts| facts.answers.as_slice());
    let answer = answers
        .unwrap_or_default()
        .iter()
        .find(|answer| answer.id == id)
        .map(|answer| &answer.answer);
    match answer {
        Some(Seen::Present(answer)) => {
            let state = if answer.applies {
                MeetingState::Applies
            } else {
                MeetingState::DoesNotApply
            };
            (state, Some(answer.words.clone()))
        }
        Some(Seen::Unreadable(why)) => (MeetingState::Unknown, Some(why.clone())),
        Some(Seen::Absent) | None => (MeetingState::Unknown, Some("the database was not asked".into())),
    }
}

/// How a person asks what could not be asked.
pub(crate) fn by_hand(seen: &Observation, sql: Option<&str>) -> Option<Remedy> {
    Some(Remedy {
        text: "ask the database by hand, as a role that may read it".into(),
        command: Some(psql(seen.location.present()?, sql?)),
    })
}

/// What becomes of the old pods of those that write to the database when new ones come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Beside {
    /// None runs beside a new one.
    Nobody,
    /// A plain upgrade lets these run on beside the new ones; safe-upgrade stops them first.
    Stopped(Vec<String>),
    /// These run on whatever is done, because their role need not stop.
    Serving(Vec<String>),
}

/// Tells what becomes of the old pods, or why it cannot be told.
fn beside(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Result<Beside, String> {
    let workloads = match &seen.workloads {
        Seen::Present(workloads) => workloads.as_slice(),
        Seen::Absent => &[],
        Seen::Unreadable(why) => return Err(format!("the release's workloads could not be read: {why}")),
    };
    let (mut stopped, mut serving) = (Vec::new(), Vec::new());
    for member in assign(profile, workloads, target) {
        let writes = matches!(member.kind, RoleKind::Writer | RoleKind::Migrator);
        let name = member.workload.name.to_string();
        if !writes || member.workload.desired == Some(0) {
            continue;
        }
        let overlaps = match member.workload.name.kind {
            WorkloadKind::Deployment => {
                matches!(member.workload.strategy, UpdateStrategy::RollingUpdate { .. })
            }
            // Pod by pod: those that were not replaced yet run beside those that were.
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => true,
            WorkloadKind::CronJob | WorkloadKind::Job => false,
        };
        match (overlaps, member.quiesce) {
            (false, _) => {}
            (true, QuiesceNeed::Required) => stopped.push(name),
            (true, QuiesceNeed::Optional | QuiesceNeed::Never) => serving.push(name),
        }
    }
    Ok(if !serving.is_empty() {
        Beside::Serving(serving)
    } else if stopped.is_empty() {
        Beside::Nobody
    } else {
        Beside::Stopped(stopped)
    })
}
