//! Rest and its end: what would start pods is held, writers go to 0 and are waited for; afterwards everybody is back.

use checks::Assigned;
use model::profile::{QuiesceNeed, RoleKind};
use model::{
    DatabaseLocation, Drain, LoadLimit, Profile, Quiesce, QuiesceTarget, Resume, Reversal, RollOut, Scaler,
    StepSpec, Suspend, SuspendTarget, WaitIdle, WorkloadKind, WorkloadName,
};

use super::PlanRefusal;
use super::build::Steps;

/// How far a roll-out is waited for, in seconds: helm's own default.
const ROLL_OUT_SECONDS: u64 = 300;
/// What a drain gets on top of the longest grace period: the kubelet reports a dead pod within its own sync period.
const DRAIN_MARGIN_SECONDS: u64 = 60;
/// How long a busy application is waited for before the run gives up with nothing changed.
const IDLE_TIMEOUT_SECONDS: u64 = 600;

/// The writers that must stop and have a count, in order.
pub(super) fn stopped(members: &[Assigned]) -> Vec<QuiesceTarget> {
    in_order(members)
        .into_iter()
        .filter(|member| matches!(member.kind, RoleKind::Writer | RoleKind::Migrator))
        .filter(|member| match member.workload.name.kind {
            WorkloadKind::Deployment | WorkloadKind::StatefulSet => true,
            WorkloadKind::DaemonSet | WorkloadKind::CronJob | WorkloadKind::Job => false,
        })
        .map(|member| QuiesceTarget {
            workload: member.workload.name.clone(),
            replicas: member.workload.desired.unwrap_or(1),
            role: member.role.clone(),
        })
        .collect()
}

/// The writers that go on while the schema changes, since their role need not stop.
pub(super) fn serving(members: &[Assigned]) -> Vec<WorkloadName> {
    members
        .iter()
        .filter(|m| matches!(m.kind, RoleKind::Writer | RoleKind::Migrator) && !m.workload.is_database)
        .filter(|m| m.quiesce != QuiesceNeed::Required)
        .filter(|m| m.workload.desired != Some(0) && m.workload.suspended != Some(true))
        .map(|m| m.workload.name.clone())
        .collect()
}

/// What would start pods by itself, or has pods without a count: ScaledObjects first, so that nobody works against the
/// counts, then CronJobs and DaemonSets in the profile's order.
///
/// # Errors
/// When an autoscaler would work against the counts and cannot be paused.
pub(super) fn suspend_targets(
    members: &[Assigned],
    scalers: &[Scaler],
) -> Result<Vec<SuspendTarget>, PlanRefusal> {
    let counts = stopped(members);
    let mut targets = Vec::new();
    for scaler in scalers {
        if counts.iter().any(|count| count.workload == scaler.target) {
            targets.extend(pause_of(scaler)?);
        }
    }
    targets.extend(in_order(members).into_iter().filter_map(|member| {
        let WorkloadName {
            kind,
            namespace,
            name,
        } = member.workload.name.clone();
        match kind {
            WorkloadKind::CronJob if member.workload.suspended != Some(true) => {
                Some(SuspendTarget::CronJob {
                    namespace,
                    name,
                    original: member.workload.suspended,
                })
            }
            WorkloadKind::DaemonSet => Some(SuspendTarget::DaemonSet {
                namespace,
                name,
                original: None,
            }),
            WorkloadKind::CronJob
            | WorkloadKind::Deployment
            | WorkloadKind::StatefulSet
            | WorkloadKind::Job => None,
        }
    }));
    Ok(targets)
}

/// What keeps a scaler from working against a count of 0; `None` where it leaves a target at 0 alone by itself.
fn pause_of(scaler: &Scaler) -> Result<Option<SuspendTarget>, PlanRefusal> {
    let Scaler { name, target, .. } = scaler;
    if scaler.kind != Scaler::KEDA {
        return match scaler.min_replicas {
            0 => Err(PlanRefusal::ScalesFromZero {
                scaler: name.clone(),
                target: target.clone(),
            }),
            _ => Ok(None),
        };
    }
    if let Some(count) = &scaler.paused_at {
        return Err(PlanRefusal::HeldAt {
            scaler: name.clone(),
            target: target.clone(),
            count: count.clone(),
        });
    }
    let paused = SuspendTarget::ScaledObject {
        namespace: target.namespace.clone(),
        name: name.clone(),
        original: scaler.paused.clone(),
    };
    Ok((!paused.is_held()).then_some(paused))
}

/// What must stop, in the profile's order.
fn in_order(members: &[Assigned]) -> Vec<&Assigned> {
    let mut writers: Vec<&Assigned> = members
        .iter()
        .filter(|member| member.quiesce == QuiesceNeed::Required)
        .filter(|member| !matches!(member.kind, RoleKind::Database | RoleKind::Reader))
        .collect();
    writers.sort_by_key(|member| member.order);
    writers
}

/// Waits until the application says that it is idle, where the profile knows how to ask, and until the load is low enough.
pub(super) fn wait_idle(
    steps: &mut Steps,
    database: Option<&DatabaseLocation>,
    profile: &Profile,
    load: &LoadLimit,
) {
    let nothing = profile.busy.is_empty() && load.is_empty();
    let (Some(database), false) = (database, nothing) else {
        return;
    };
    let what: Vec<&str> = profile.busy.iter().map(|busy| busy.what.as_str()).collect();
    let idle = (!what.is_empty()).then(|| format!("none of these holds: {}", what.join(", ")));
    let quiet = (!load.is_empty()).then(|| format!("the load is low: {load}"));
    let until: Vec<String> = idle.into_iter().chain(quiet).collect();
    steps.push(
        "wait-idle",
        Reversal::NotNeeded,
        format!("wait until {}", until.join("; and ")),
        StepSpec::WaitIdle(WaitIdle {
            database: database.clone(),
            queries: profile
                .busy
                .iter()
                .map(|busy| (busy.what.clone(), busy.sql.clone()))
                .collect(),
            load: load.clone(),
            timeout_seconds: IDLE_TIMEOUT_SECONDS,
        }),
    );
}

/// Holds what would start pods by itself.
pub(super) fn hold(steps: &mut Steps, held: &[SuspendTarget]) {
    if !held.is_empty() {
        let spec = StepSpec::Suspend(Suspend {
            targets: held.to_vec(),
        });
        steps.push(
            "suspend",
            Reversal::Automatic,
            format!("suspend {}", names(held)),
            spec,
        );
    }
}

/// Takes the writers to 0 and waits until they, and the pods of what is held, are gone.
pub(super) fn stop(
    steps: &mut Steps,
    counts: &[QuiesceTarget],
    held: &[SuspendTarget],
    database: Option<&DatabaseLocation>,
    members: &[Assigned],
) {
    take_down(steps, counts);
    drain(steps, counts, held, database, members);
}

/// Takes the writers to 0.
pub(super) fn take_down(steps: &mut Steps, counts: &[QuiesceTarget]) {
    if !counts.is_empty() {
        let words: Vec<String> = counts
            .iter()
            .map(|target| format!("{} {} → 0", target.workload, target.replicas))
            .collect();
        steps.push(
            "quiesce",
            Reversal::Automatic,
            format!("stop writers: {}", words.join(", ")),
            StepSpec::Quiesce(Quiesce {
                targets: counts.to_vec(),
            }),
        );
    }
}

/// Waits until the pods of the writers and of what is held are gone; with a database, until no writer is connected.
pub(super) fn drain(
    steps: &mut Steps,
    counts: &[QuiesceTarget],
    held: &[SuspendTarget],
    database: Option<&DatabaseLocation>,
    members: &[Assigned],
) {
    let counted = counts.iter().map(|target| target.workload.clone());
    let workloads: Vec<WorkloadName> = counted
        .chain(held.iter().filter_map(SuspendTarget::ends_pods_of))
        .collect();
    if workloads.is_empty() {
        return;
    }
    let who = match database {
        Some(_) => "pods are gone and no writer is connected",
        None => "pods are gone",
    };
    steps.push(
        "drain",
        Reversal::NotNeeded,
        format!("wait until their {who}"),
        StepSpec::Drain(Drain {
            workloads,
            database: database.cloned(),
            timeout_seconds: drain_seconds(members),
        }),
    );
}

/// How long a drain may take: the longest grace period and a margin.
fn drain_seconds(members: &[Assigned]) -> u64 {
    let grace = members
        .iter()
        .map(|member| member.workload.grace_seconds)
        .max()
        .unwrap_or(30);
    u64::try_from(grace).unwrap_or(30) + DRAIN_MARGIN_SECONDS
}

fn names(targets: &[SuspendTarget]) -> String {
    let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Gives the counts back, the last that was stopped first. Returns them in that order.
pub(super) fn give_back(steps: &mut Steps, counts: &[QuiesceTarget]) -> Vec<QuiesceTarget> {
    let targets: Vec<QuiesceTarget> = counts.iter().rev().cloned().collect();
    if !targets.is_empty() {
        let words: Vec<String> = targets
            .iter()
            .map(|target| format!("{} {}", target.workload, target.replicas))
            .collect();
        let spec = StepSpec::Resume(Resume {
            targets: targets.clone(),
        });
        steps.push(
            "resume",
            Reversal::Automatic,
            format!("give the counts back: {}", words.join(", ")),
            spec,
        );
    }
    targets
}

/// Waits until those of the workloads that keep pods running are ready.
pub(super) fn roll_out<'a>(
    steps: &mut Steps,
    workloads: impl IntoIterator<Item = &'a WorkloadName>,
    title: &str,
) {
    let controllers = [
        WorkloadKind::Deployment,
        WorkloadKind::StatefulSet,
        WorkloadKind::DaemonSet,
    ];
    let workloads: Vec<WorkloadName> = workloads
        .into_iter()
        .filter(|name| controllers.contains(&name.kind))
        .cloned()
        .collect();
    steps.push(
        "roll-out",
        Reversal::NotNeeded,
        title.into(),
        StepSpec::RollOut(RollOut {
            workloads,
            timeout_seconds: ROLL_OUT_SECONDS,
        }),
    );
}

/// Ends the holds again.
pub(super) fn let_go(steps: &mut Steps, held: &[SuspendTarget]) {
    if !held.is_empty() {
        let spec = StepSpec::Unsuspend(Suspend {
            targets: held.to_vec(),
        });
        steps.push(
            "unsuspend",
            Reversal::Automatic,
            format!("end the hold on {}", names(held)),
            spec,
        );
    }
}
