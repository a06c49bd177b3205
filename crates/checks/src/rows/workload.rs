//! What runs, and who else scales it.

use model::profile::{QuiesceNeed, RoleKind};
use model::{
    Category, Confidence, Observation, Profile, RenderedWorkload, Scaler, Severity, Target, UpdateStrategy,
    Workload, WorkloadKind,
};

use crate::assign::assign;
use crate::check::{Check, Judged, Judgement, Unjudged, given, listed, some_of};

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
        return Ok(Judged::pass("no roll-out is paused"));
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
