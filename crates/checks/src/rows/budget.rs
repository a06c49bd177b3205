//! How long a migration takes, by the best word on it, against the times that probes, Jobs and helm allow it.

use model::profile::RoleKind;
use model::{Category, Confidence, Observation, Profile, Severity, Target};

use crate::assign::{assign, hook_migrates};
use crate::check::{Check, Judged, Judgement, Unjudged, bytes, duration, given, listed, readable, some_of};

/// How much of a table is rewritten in a second where nobody has measured it, in bytes: a slow disk with its indexes. It
/// stands in `docs/checks.md`.
const REWRITE_RATE: u64 = 20_000_000;

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "startup-budget",
        category: Category::Workload,
        title: "probes leave a migrating pod the time it needs",
        severity: Severity::Warn,
        judge: startup_budget,
    },
    Check {
        id: "hook-deadline",
        category: Category::Workload,
        title: "a migrating hook Job has the time it needs",
        severity: Severity::Warn,
        judge: hook_deadline,
    },
    Check {
        id: "helm-timeout",
        category: Category::Workload,
        title: "helm waits longer than a migration takes",
        severity: Severity::Warn,
        judge: helm_timeout,
    },
];

/// How long a migration takes.
struct Expected {
    seconds: u64,
    /// Where the number comes from, in words.
    source: String,
    /// How sure it is.
    confidence: Confidence,
    /// Whether it was measured for this very upgrade.
    rehearsed: bool,
}

/// The best word there is: a rehearsal of this upgrade; else what an earlier one took, or the profile's word, whichever is
/// longer; else what rewriting the whole database once would take.
fn expected(seen: &Observation, target: &Target, profile: &Profile) -> Result<Expected, Unjudged> {
    let measured = readable(&seen.last_migration_seconds, "what earlier runs measured")?;
    let database = seen.database.present();
    let size = database.and_then(|facts| u64::try_from(facts.size_bytes).ok());
    if let Some(rehearsed) = seen.rehearsed_to(&target.chart.version) {
        return Ok(Expected {
            seconds: rehearsed.seconds_for(size),
            source: format!(
                "rehearsed on {} on a copy of {}",
                rehearsed.day(),
                bytes(rehearsed.bytes)
            ),
            confidence: Confidence::Observed,
            rehearsed: true,
        });
    }
    let inferred = |seconds: u64, source: String| Expected {
        seconds,
        source,
        confidence: Confidence::Inferred,
        rehearsed: false,
    };
    match (measured, profile.budgets.usual_seconds) {
        (Some(measured), Some(usual)) if *measured < usual => Ok(inferred(usual, "by the profile".into())),
        (Some(measured), _) => Ok(inferred(*measured, "measured last time".into())),
        (None, Some(usual)) => Ok(inferred(usual, "by the profile".into())),
        (None, None) => {
            readable(&seen.database, "the size of the database")?;
            let size = size.ok_or_else(|| {
                Unjudged::Skip(
                    "nobody says how long a migration takes: no rehearsal, no earlier run, no profile, no database".into(),
                )
            })?;
            let source = format!("an estimate: {} rewritten once", bytes(size));
            Ok(inferred((size / REWRITE_RATE).max(1), source))
        }
    }
}

/// What does not suffice: it surely will not where the very upgrade was rehearsed, else it may not.
fn too_short(expected: &Expected, words: String) -> Judged {
    if expected.rehearsed {
        Judged::fail(words)
    } else {
        Judged::warn(words)
    }
}

fn startup_budget(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let target = given(target)?;
    if hook_migrates(profile, Some(target)) {
        return Err(Unjudged::Skip(
            "a hook Job migrates, no pod does at its start".into(),
        ));
    }
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let members = assign(profile, workloads, Some(target));
    let migrating = members
        .iter()
        .filter(|member| member.kind == RoleKind::Migrator)
        .find_map(|member| {
            target
                .workloads
                .iter()
                .find(|rendered| rendered.name == member.workload.name)
        })
        .ok_or_else(|| Unjudged::Skip("no workload is known to migrate at its start".into()))?;
    let expected = expected(seen, target, profile)?;
    let Expected { seconds, source, .. } = &expected;
    let of_probes = migrating
        .containers
        .iter()
        .filter(|container| !container.init)
        .filter_map(|container| Some((u64::from(container.budget.start_seconds?), Some(container))));
    let of_roll_out = migrating
        .progress_deadline_seconds
        .and_then(|deadline| u64::try_from(deadline).ok())
        .map(|deadline| (deadline, None));
    // Of what is too short, a probe that kills comes before a roll-out that only counts as failed.
    let shortest = of_probes.chain(of_roll_out).min_by_key(|(budget, container)| {
        let suffices = *budget > *seconds;
        (suffices, !suffices && container.is_none(), *budget)
    });
    let Some((budget, container)) = shortest else {
        return Ok(Judged::pass(format!(
            "no probe ever kills {} at its start",
            migrating.name
        )));
    };
    let (allowed, takes) = (duration(budget as f64), duration(*seconds as f64));
    let judged = match container {
        _ if budget > *seconds => Judged::pass(format!(
            "{} may take {allowed} to start, a migration takes {takes} ({source})",
            migrating.name
        )),
        Some(container) => {
            let probe = if container.budget.from_startup_probe {
                "startup"
            } else {
                "liveness"
            };
            too_short(
                &expected,
                format!(
                    "the {probe} probe of {} kills a start after {allowed}, a migration takes {takes} ({source}); \
                     safe-upgrade lifts the probe behind gate `traffic`, a plain upgrade does not",
                    migrating.name
                ),
            )
            .advise("give the container a startup probe that allows for the migration")
        }
        None => Judged::warn(format!(
            "the roll-out of {} counts as failed after {allowed} (progressDeadlineSeconds), a migration takes {takes} \
             ({source}); the pod goes on",
            migrating.name
        ))
        .advise("raise progressDeadlineSeconds in the values"),
    };
    Ok(judged
        .sure(expected.confidence)
        .with("budgetSeconds", budget)
        .with("expectedSeconds", *seconds))
}

fn hook_deadline(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let target = given(target)?;
    let jobs: Vec<_> = target
        .hooks
        .iter()
        .filter(|hook| hook.object.kind == "Job" && hook.events.iter().any(|event| event == "pre-upgrade"))
        .collect();
    if jobs.is_empty() {
        return Err(Unjudged::Skip("the target has no pre-upgrade hook Job".into()));
    }
    let expected = expected(seen, target, profile)?;
    let Expected { seconds, source, .. } = &expected;
    let short: Vec<String> = jobs
        .iter()
        .filter_map(|hook| {
            let deadline = u64::try_from(hook.active_deadline_seconds?).unwrap_or(0);
            (deadline <= *seconds).then(|| {
                format!(
                    "Job {} is killed after {}",
                    hook.object.name,
                    duration(deadline as f64)
                )
            })
        })
        .collect();
    let takes = duration(*seconds as f64);
    let judged = if short.is_empty() {
        Judged::pass(format!(
            "{} hook Jobs may take longer than {takes} ({source})",
            jobs.len()
        ))
    } else {
        too_short(
            &expected,
            format!("{}, a migration takes {takes} ({source})", some_of(&short)),
        )
        .advise("raise the Job's activeDeadlineSeconds in the values")
    };
    Ok(judged.sure(expected.confidence).with("expectedSeconds", *seconds))
}

fn helm_timeout(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let target = given(target)?;
    let expected = expected(seen, target, profile)?;
    let Expected { seconds, source, .. } = &expected;
    let timeout = target.timeout_seconds;
    let (waits, takes) = (duration(timeout as f64), duration(*seconds as f64));
    let judged = if timeout > *seconds {
        Judged::pass(format!(
            "helm waits {waits}, a migration takes {takes} ({source})"
        ))
    } else {
        too_short(
            &expected,
            format!("helm gives up after {waits}, a migration takes {takes} ({source})"),
        )
        .advise(format!("pass --timeout {}s", seconds.saturating_mul(3)))
    };
    Ok(judged
        .sure(expected.confidence)
        .with("timeoutSeconds", timeout)
        .with("expectedSeconds", *seconds))
}
