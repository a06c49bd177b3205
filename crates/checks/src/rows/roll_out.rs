//! What a roll-out hides: pods that nobody waits for, and probes that come back.

use model::{
    Category, Confidence, Observation, RenderedWorkload, Severity, Target, UpdateStrategy, Workload,
    WorkloadKind,
};

use super::workload::live;
use crate::check::{Check, Judged, Judgement, Unjudged, duration, given, listed, some_of};

/// What Kubernetes takes for both bounds of a Deployment's roll-out where none is written.
const USUAL_BOUND: &str = "25%";

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "roll-out-wait",
        category: Category::Workload,
        title: "nothing counts as rolled out before a new pod is ready",
        severity: Severity::Warn,
        judge: |seen, target, _| wait(seen, target),
    },
    Check {
        id: "volume-overlap",
        category: Category::Workload,
        title: "no new pod waits for a volume that an old one holds",
        severity: Severity::Warn,
        judge: |seen, target, _| volumes(seen, target),
    },
    Check {
        id: "probe-change",
        category: Category::Workload,
        title: "no probe kills a start sooner than today",
        severity: Severity::Warn,
        judge: |seen, target, _| probes(seen, target),
    },
];

fn wait(seen: &Observation, target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let waited: Vec<&RenderedWorkload> = target
        .workloads
        .iter()
        .filter(|rendered| {
            matches!(
                rendered.name.kind,
                WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet
            )
        })
        .collect();
    if waited.is_empty() {
        return Err(Unjudged::Skip("the target has nothing that is rolled out".into()));
    }
    let blind: Vec<String> = waited
        .iter()
        .filter_map(|rendered| {
            let why = blind_spot(rendered, live(workloads, rendered))?;
            Some(format!("{}: {why}", rendered.name))
        })
        .collect();
    let judged = if blind.is_empty() {
        Judged::pass(format!("{} workloads", waited.len()))
    } else {
        Judged::warn(format!("helm may end well without one new pod of {}", some_of(&blind)))
            .advise("look at the pods themselves after a plain upgrade, or set maxUnavailable below the number of pods")
    };
    Ok(judged.with("blind", blind))
}

/// Why helm would not wait for a new pod of a workload. `--wait` of Helm 3 counts a Deployment as ready with as few pods as
/// may be there during the roll-out, and no line of Helm waits for pods that the cluster does not replace.
fn blind_spot(rendered: &RenderedWorkload, live: Option<&Workload>) -> Option<String> {
    match &rendered.strategy {
        UpdateStrategy::OnDelete => Some("its pods change only when somebody deletes them".into()),
        UpdateStrategy::RollingUpdate {
            max_unavailable,
            max_surge,
        } if rendered.name.kind == WorkloadKind::Deployment => {
            let count = count(rendered, live);
            let (missing, _) = bounds(count, max_unavailable.as_deref(), max_surge.as_deref())?;
            (count > 0 && missing >= count)
                .then(|| format!("all {count} of its pods may be missing (maxUnavailable)"))
        }
        UpdateStrategy::RollingUpdate { .. } | UpdateStrategy::Recreate | UpdateStrategy::None => None,
    }
}

/// How many pods there will be. Where the manifest says no number, the live one stays.
fn count(rendered: &RenderedWorkload, live: Option<&Workload>) -> i32 {
    rendered
        .replicas
        .or(live.and_then(|live| live.desired))
        .unwrap_or(1)
}

/// How many pods of a Deployment may be missing and how many too many, as Kubernetes counts: rounded down, the surplus up,
/// and one missing where both come to nothing. `None` for bounds that are neither numbers nor percentages.
fn bounds(count: i32, max_unavailable: Option<&str>, max_surge: Option<&str>) -> Option<(i32, i32)> {
    let bound = |text: Option<&str>, round_up: bool| -> Option<i32> {
        let text = text.unwrap_or(USUAL_BOUND);
        let Some(percent) = text.strip_suffix('%') else {
            return text.parse().ok();
        };
        let hundredfold = i64::from(count) * percent.parse::<i64>().ok()?;
        let rounded = if round_up {
            (hundredfold + 99) / 100
        } else {
            hundredfold / 100
        };
        i32::try_from(rounded).ok()
    };
    match (bound(max_unavailable, false)?, bound(max_surge, true)?) {
        (0, 0) => Some((1, 0)),
        both => Some(both),
    }
}

/// A volume that only one node may mount: the new pod is on another one and waits for it until somebody gives up.
fn volumes(seen: &Observation, target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let claims = listed(&target.claims, "the claims of volumes")?;
    if claims.is_empty() {
        return Err(Unjudged::Skip("no workload mounts a claim by name".into()));
    }
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let held: Vec<String> = claims
        .iter()
        .filter(|claim| !claim.modes.iter().any(|mode| mode.ends_with("Many")))
        .filter(|claim| {
            let rendered = target
                .workloads
                .iter()
                .find(|rendered| rendered.name == claim.workload);
            rendered.is_some_and(|rendered| overlaps(rendered, live(workloads, rendered)))
        })
        .map(|claim| {
            format!(
                "{} and its claim {} ({})",
                claim.workload,
                claim.claim,
                claim.modes.join(", ")
            )
        })
        .collect();
    let judged = if held.is_empty() {
        Judged::pass(format!("{} claims", claims.len()))
    } else {
        Judged::warn(format!(
            "a plain upgrade starts a new pod while the old one holds the volume, and on another node it waits for ever: {}; \
             safe-upgrade stops the pods of writers first",
            some_of(&held)
        ))
        .sure(Confidence::Inferred)
        .advise("give the Deployment the strategy Recreate")
    };
    Ok(judged.with("held", held))
}

/// Whether a new pod starts while an old one is there: one too many, or one of several that is not missing yet.
fn overlaps(rendered: &RenderedWorkload, live: Option<&Workload>) -> bool {
    let runs = live.is_some_and(|live| live.desired != Some(0));
    match &rendered.strategy {
        UpdateStrategy::RollingUpdate {
            max_unavailable,
            max_surge,
        } if rendered.name.kind == WorkloadKind::Deployment => {
            let count = count(rendered, live);
            let bounds = bounds(count, max_unavailable.as_deref(), max_surge.as_deref());
            // Bounds that cannot be read are refused by the API server.
            runs && bounds.is_some_and(|(missing, surplus)| surplus > 0 || missing < count)
        }
        UpdateStrategy::RollingUpdate { .. }
        | UpdateStrategy::Recreate
        | UpdateStrategy::OnDelete
        | UpdateStrategy::None => false,
    }
}

fn probes(seen: &Observation, target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let (mut compared, mut sooner) = (0, Vec::new());
    for rendered in &target.workloads {
        let Some(live) = live(workloads, rendered) else {
            continue;
        };
        for container in rendered.containers.iter().filter(|container| !container.init) {
            let Some(running) = live
                .containers
                .iter()
                .find(|running| running.name == container.name)
            else {
                continue;
            };
            compared += 1;
            let (now, then) = (running.budget.start_seconds, container.budget.start_seconds);
            if let Some(then) = then.filter(|then| now.is_none_or(|now| *then < now)) {
                let now = now.map_or_else(
                    || "never".to_owned(),
                    |now| format!("after {}", duration(f64::from(now))),
                );
                sooner.push(format!(
                    "{}, container {}: {now} now, after {} then",
                    rendered.name,
                    container.name,
                    duration(f64::from(then))
                ));
            }
        }
    }
    if compared == 0 {
        return Err(Unjudged::Skip("no container runs in both versions".into()));
    }
    let judged = if sooner.is_empty() {
        Judged::pass(format!("{compared} containers"))
    } else {
        Judged::warn(format!(
            "a start that takes long is killed sooner: {}; Helm puts back what was set by hand, or stops at it",
            some_of(&sooner)
        ))
        .advise("set the probe that you mean in the values, where the chart lets you")
    };
    Ok(judged.with("sooner", sooner))
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn bounds_are_counted_as_kubernetes_counts_them() {
        for (count, unavailable, surge, both) in [
            (1, None, None, Some((0, 1))),
            (4, None, None, Some((1, 1))),
            (1, Some("1"), Some("1"), Some((1, 1))),
            (1, Some("0"), Some("0"), Some((1, 0))),
            (1, Some("25%"), Some("0%"), Some((1, 0))),
            (3, Some("100%"), None, Some((3, 1))),
            (3, Some("many"), None, None),
        ] {
            assert_eq!(
                bounds(count, unavailable, surge),
                both,
                "{count} {unavailable:?} {surge:?}"
            );
        }
    }
}
