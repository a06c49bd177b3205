//! The steps around a change of the database alone: nobody writes while it is changed, and everybody is back afterwards.

use checks::Assigned;
use model::{
    DatabaseLocation, Drain, Quiesce, QuiesceTarget, Resume, Reversal, RollOut, StepSpec, Suspend,
    SuspendTarget, WorkloadKind, WorkloadName,
};

use super::build::{Steps, drain_seconds, names};

/// How far a roll-out is waited for, in seconds: helm's own default.
const ROLL_OUT_SECONDS: u64 = 300;

/// Suspends the CronJobs that would start by themselves.
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

/// Takes the writers to 0 and waits until they are gone.
pub(super) fn stop(
    steps: &mut Steps,
    counts: &[QuiesceTarget],
    database: &DatabaseLocation,
    members: &[Assigned],
) {
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
    steps.push(
        "drain",
        Reversal::NotNeeded,
        "wait until their pods are gone and no writer is connected".into(),
        StepSpec::Drain(Drain {
            workloads: counts.iter().map(|target| target.workload.clone()).collect(),
            database: Some(database.clone()),
            timeout_seconds: drain_seconds(members),
        }),
    );
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
            Reversal::NotNeeded,
            format!("give the counts back: {}", words.join(", ")),
            spec,
        );
    }
    targets
}

/// Waits until everything that runs by a count is ready.
pub(super) fn roll_out(steps: &mut Steps, members: &[Assigned], title: &str) {
    let controllers = [
        WorkloadKind::Deployment,
        WorkloadKind::StatefulSet,
        WorkloadKind::DaemonSet,
    ];
    let workloads: Vec<WorkloadName> = members
        .iter()
        .map(|member| member.workload.name.clone())
        .filter(|name| controllers.contains(&name.kind))
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

/// Lets the CronJobs go again.
pub(super) fn let_go(steps: &mut Steps, held: &[SuspendTarget]) {
    if !held.is_empty() {
        let spec = StepSpec::Unsuspend(Suspend {
            targets: held.to_vec(),
        });
        steps.push(
            "unsuspend",
            Reversal::NotNeeded,
            format!("end the hold on {}", names(held)),
            spec,
        );
    }
}
