//! What runs, who else scales it, and how long a start may take.

use model::profile::{QuiesceNeed, RoleKind};
use model::{
    Category, Confidence, Observation, Profile, RenderedWorkload, Scaler, Severity, Target, UpdateStrategy,
    Workload, WorkloadKind,
};

use crate::assign::{assign, hook_migrates};
use crate::check::{Check, Judged, Judgement, Unjudged, duration, given, listed, readable, some_of};

/// More restarts than this say that a pod does not stay up, even if it is ready at the moment.
const MANY_RESTARTS: i32 = 5;

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "workload-health",
        category: Category::Workload,
        title: "everything that runs is well",
        severity: Severity::Warn,
        judge: |seen, _, _| health(seen),
    },
    Check {
        id: "workload-paused",
        category: Category::Workload,
        title: "no roll-out is paused",
        severity: Severity::Block,
        judge: |seen, _, _| paused(seen),
    },
    Check {
        id: "workload-replicas",
        category: Category::Workload,
        title: "the counts that run are the ones that the target brings",
        severity: Severity::Warn,
        judge: replicas,
    },
    Check {
        id: "workload-overlap",
        category: Category::Workload,
        title: "old and new pods never serve one schema together",
        severity: Severity::Info,
        judge: overlap,
    },
    Check {
        id: "workload-scalers",
        category: Category::Workload,
        title: "nothing scales the workloads while they must stand still",
        severity: Severity::Warn,
        judge: scalers,
    },
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

fn health(seen: &Observation) -> Judgement {
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let pods = listed(&seen.pods, "the release's pods")?;
    if workloads.is_empty() {
        return Err(Unjudged::Skip("nothing runs for this release".into()));
    }
    let mut trouble = Vec::new();
    let mut first_pod = None;
    for pod in pods.iter().filter(|pod| !pod.terminating) {
        let reason = match &pod.trouble {
            Some(reason) => Some(reason.clone()),
            None if pod.restarts > MANY_RESTARTS => Some(format!("{} restarts", pod.restarts)),
            None => None,
        };
        if let Some(reason) = reason {
            first_pod.get_or_insert(pod.name.as_str());
            trouble.push(format!("pod {}: {reason}", pod.name));
        }
    }
    for workload in workloads {
        let wanted = workload.desired.unwrap_or(0);
        if workload.ready < wanted {
            trouble.push(format!("{}: {} of {wanted} ready", workload.name, workload.ready));
        }
    }
    let judged = if trouble.is_empty() {
        Judged::pass(format!("{} workloads, {} pods", workloads.len(), pods.len()))
    } else {
        let judged = Judged::warn(some_of(&trouble));
        match first_pod {
            Some(pod) => judged.command(
                "see why before you upgrade: afterwards nobody can tell old trouble from new",
                format!("kubectl describe pod {pod} -n {}", seen.namespace),
            ),
            None => judged.command(
                "see why before you upgrade: afterwards nobody can tell old trouble from new",
                format!("kubectl get pods -n {}", seen.namespace),
            ),
        }
    };
    Ok(judged.sure(Confidence::Observed).with("trouble", trouble))
}

fn paused(seen: &Observation) -> Judgement {
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let paused: Vec<_> = workloads.iter().filter(|workload| workload.paused).collect();
    let Some(first) = paused.first() else {
        return Ok(Judged::pass("none is"));
    };
    let names: Vec<String> = paused.iter().map(|workload| workload.name.to_string()).collect();
    Ok(Judged::fail(format!(
        "{} is paused: Helm would call the upgrade done while the old version runs on",
        some_of(&names)
    ))
    .with("paused", names)
    .command(
        "let it roll out",
        format!("kubectl rollout resume {} -n {}", first.name, seen.namespace),
    ))
}

fn replicas(seen: &Observation, target: Option<&Target>, _: &Profile) -> Judgement {
    let target = given(target)?;
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let mut differences = Vec::new();
    let mut compared = 0;
    for rendered in &target.workloads {
        let Some((live, desired)) = live(workloads, rendered).and_then(|w| Some((w, w.desired?))) else {
            continue;
        };
        compared += 1;
        match rendered.replicas {
            Some(wanted) if wanted != desired => {
                differences.push(format!("{} runs {desired}, the target says {wanted}", live.name));
            }
            None if desired == 0 => differences.push(format!(
                "{} runs 0 and the target says no number, so it stays at 0",
                live.name
            )),
            Some(_) | None => {}
        }
    }
    if compared == 0 {
        return Err(Unjudged::Skip(
            "nothing with a count runs in both versions".into(),
        ));
    }
    let judged = if differences.is_empty() {
        Judged::pass(format!("{compared} workloads"))
    } else {
        Judged::warn(some_of(&differences))
            .advise("put the counts you want into the values before the upgrade")
    };
    Ok(judged.with("differences", differences))
}

pub(super) fn live<'a>(workloads: &'a [Workload], rendered: &RenderedWorkload) -> Option<&'a Workload> {
    workloads.iter().find(|workload| workload.name == rendered.name)
}

/// For information: a plain upgrade lets versions overlap, a run of ours stops the old one first.
fn overlap(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let members = assign(profile, workloads, target);
    let overlapping: Vec<&crate::Assigned> = members
        .iter()
        .filter(|member| {
            matches!(member.kind, RoleKind::Writer | RoleKind::Migrator)
                && member.workload.name.kind == WorkloadKind::Deployment
                && member.workload.desired.unwrap_or(1) > 0
                && matches!(member.workload.strategy, UpdateStrategy::RollingUpdate { .. })
        })
        .collect();
    let names: Vec<String> = overlapping
        .iter()
        .map(|member| {
            format!(
                "{} ({} pods)",
                member.workload.name,
                member.workload.desired.unwrap_or(1)
            )
        })
        .collect();
    if names.is_empty() {
        return Ok(Judged::pass("no writer is replaced while it serves"));
    }
    let unstopped: Vec<String> = overlapping
        .iter()
        .filter(|member| member.quiesce != QuiesceNeed::Required)
        .map(|member| member.workload.name.to_string())
        .collect();
    Ok(if unstopped.is_empty() {
        Judged::pass(format!(
            "{} would overlap under a plain upgrade; safe-upgrade stops the old pods first",
            some_of(&names)
        ))
    } else {
        Judged::warn(format!(
            "{} goes on serving while the schema changes, because its role need not stop",
            some_of(&unstopped)
        ))
    }
    .with("overlapping", names))
}

fn scalers(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let scalers = listed(&seen.scalers, "autoscalers")?;
    if scalers.is_empty() {
        return Ok(Judged::pass("there is no autoscaler"));
    }
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let members = assign(profile, workloads, target);
    // At 0 an autoscaler leaves its target alone. The one pod behind the gate it brings to its minimum, unless it comes
    // with the chart: then the gated pass holds it at one.
    let disturbing: Vec<String> = scalers
        .iter()
        .filter(|scaler| {
            scaler.kind != Scaler::KEDA
                && scaler.min_replicas > 1
                && scaler.release.as_ref() != Some(&seen.release_name)
                && members
                    .iter()
                    .any(|member| member.workload.name == scaler.target && member.kind == RoleKind::Migrator)
        })
        .map(|scaler| {
            format!(
                "{} {} is not part of the chart: under gate `traffic` it brings {} to {} pods, which migrate at the same \
                 time; none of them serves before the gate opens",
                scaler.kind, scaler.name, scaler.target, scaler.min_replicas
            )
        })
        .collect();
    let names: Vec<String> = scalers.iter().map(|scaler| scaler.name.clone()).collect();
    let judged = if disturbing.is_empty() {
        Judged::pass(format!(
            "{} leaves its target alone at 0 or is paused, and one pod behind the gate stays alone",
            some_of(&names)
        ))
    } else {
        Judged::warn(some_of(&disturbing)).command(
            "hold it at one pod for the time of the upgrade",
            format!(
                "kubectl patch hpa {} -n {} -p '{{\"spec\":{{\"minReplicas\":1}}}}'",
                names.first().map(String::as_str).unwrap_or_default(),
                seen.namespace
            ),
        )
    };
    Ok(judged.with("scalers", names))
}

/// How long a migration may take, with where the number comes from: what was measured last time, or the profile's
/// word, whichever is longer.
fn expected_seconds(seen: &Observation, profile: &Profile) -> Result<(u64, &'static str), Unjudged> {
    let measured = readable(&seen.last_migration_seconds, "what earlier runs measured")?;
    match (measured, profile.budgets.usual_seconds) {
        (Some(measured), Some(usual)) if *measured < usual => Ok((usual, "by the profile")),
        (Some(measured), _) => Ok((*measured, "measured last time")),
        (None, Some(usual)) => Ok((usual, "by the profile")),
        (None, None) => Err(Unjudged::Skip(
            "nobody says how long a migration takes: neither the profile nor an earlier run".into(),
        )),
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
    let (expected, source) = expected_seconds(seen, profile)?;
    let shortest = migrating
        .containers
        .iter()
        .filter(|container| !container.init)
        .filter_map(|container| Some((container.budget.start_seconds?, container)))
        .min_by_key(|(seconds, _)| *seconds);
    let Some((budget, container)) = shortest else {
        return Ok(Judged::pass(format!(
            "no probe ever kills {} at its start",
            migrating.name
        )));
    };
    let probe = if container.budget.from_startup_probe {
        "startup"
    } else {
        "liveness"
    };
    let judged = if u64::from(budget) > expected {
        Judged::pass(format!(
            "{} may take {} to start, a migration takes {} ({source})",
            migrating.name,
            duration(f64::from(budget)),
            duration(expected as f64)
        ))
    } else {
        Judged::warn(format!(
            "the {probe} probe of {} kills a start after {}, a migration takes {} ({source}); safe-upgrade lifts the \
             probe behind gate `traffic`, a plain upgrade does not",
            migrating.name,
            duration(f64::from(budget)),
            duration(expected as f64)
        ))
        .advise("give the container a startup probe that allows for the migration")
    };
    Ok(judged
        .sure(Confidence::Inferred)
        .with("budgetSeconds", budget)
        .with("expectedSeconds", expected))
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
    let (expected, source) = expected_seconds(seen, profile)?;
    let short: Vec<String> = jobs
        .iter()
        .filter(|hook| {
            hook.active_deadline_seconds
                .is_some_and(|deadline| deadline <= expected as i64)
        })
        .map(|hook| {
            format!(
                "Job {} is killed after {}",
                hook.object.name,
                duration(hook.active_deadline_seconds.unwrap_or_default() as f64)
            )
        })
        .collect();
    let judged = if short.is_empty() {
        Judged::pass(format!(
            "{} hook Jobs may take longer than {} ({source})",
            jobs.len(),
            duration(expected as f64)
        ))
    } else {
        Judged::warn(format!(
            "{}, a migration takes {} ({source})",
            some_of(&short),
            duration(expected as f64)
        ))
        .advise("raise the Job's activeDeadlineSeconds in the values")
    };
    Ok(judged
        .sure(Confidence::Inferred)
        .with("expectedSeconds", expected))
}

fn helm_timeout(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let target = given(target)?;
    let (expected, source) = expected_seconds(seen, profile)?;
    let timeout = target.timeout_seconds;
    let judged = if timeout > expected {
        Judged::pass(format!(
            "helm waits {}, a migration takes {} ({source})",
            duration(timeout as f64),
            duration(expected as f64)
        ))
    } else {
        Judged::warn(format!(
            "helm gives up after {}, a migration takes {} ({source})",
            duration(timeout as f64),
            duration(expected as f64)
        ))
        .advise(format!("pass --timeout {}s", expected.saturating_mul(3)))
    };
    Ok(judged
        .sure(Confidence::Inferred)
        .with("timeoutSeconds", timeout)
        .with("expectedSeconds", expected))
}
