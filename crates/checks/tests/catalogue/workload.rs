//! What runs.

use model::profile::QuiesceNeed;
use model::{Scaler, Seen, UpdateStrategy, WorkloadKind};

use crate::fixture::{Case, hidden, name, present};

#[test]
fn a_crash_loop_or_a_missing_pod_warns() {
    Case::healthy().says("workload-health", "pass", &["4 workloads"]);
    Case::with(|case| present(&mut case.seen.pods)[0].trouble = Some("CrashLoopBackOff".into())).says(
        "workload-health",
        "warn",
        &["web-1: CrashLoopBackOff"],
    );
    Case::with(|case| present(&mut case.seen.pods)[0].restarts = 9).says(
        "workload-health",
        "warn",
        &["9 restarts"],
    );
    Case::with(|case| case.workloads()[0].ready = 1).says("workload-health", "warn", &["1 of 2 ready"]);
    // A pod on its way out says nothing about the release.
    Case::with(|case| {
        let pod = &mut present(&mut case.seen.pods)[0];
        pod.trouble = Some("Error".into());
        pod.terminating = true;
    })
    .says("workload-health", "pass", &[]);
    Case::with(|case| case.workloads().clear()).says("workload-health", "skip", &[]);
    Case::with(|case| case.seen.pods = hidden()).says("workload-health", "unknown", &[]);
}

#[test]
fn a_paused_roll_out_blocks() {
    Case::healthy().says("workload-paused", "pass", &[]);
    Case::with(|case| case.workloads()[0].paused = true).says("workload-paused", "fail", &["deployment/web"]);
    Case::with(|case| case.seen.workloads = hidden()).says("workload-paused", "unknown", &[]);
}

#[test]
fn a_count_that_the_upgrade_would_change_warns() {
    Case::healthy().says("workload-replicas", "pass", &["3 workloads"]);
    Case::with(|case| case.workloads()[0].desired = Some(5)).says(
        "workload-replicas",
        "warn",
        &["runs 5, the target says 2"],
    );
    Case::with(|case| {
        case.workloads()[0].desired = Some(0);
        case.target().workloads[0].replicas = None;
    })
    .says("workload-replicas", "warn", &["stays at 0"]);
    Case::with(|case| case.target().workloads[0].replicas = None).says("workload-replicas", "pass", &[]);
    Case::with(|case| case.target().workloads.clear()).says("workload-replicas", "skip", &[]);
    Case::with(|case| case.seen.workloads = hidden()).says("workload-replicas", "unknown", &[]);
}

#[test]
fn overlap_is_told_and_warns_where_a_role_need_not_stop() {
    Case::healthy().says("workload-overlap", "pass", &["stops the old pods first"]);
    Case::with(|case| case.workloads()[0].strategy = UpdateStrategy::Recreate).says(
        "workload-overlap",
        "pass",
        &["no writer"],
    );
    Case::with(|case| case.profile.roles[0].quiesce = QuiesceNeed::Optional).says(
        "workload-overlap",
        "warn",
        &["deployment/web goes on serving"],
    );
    Case::with(|case| case.seen.workloads = hidden()).says("workload-overlap", "unknown", &[]);
}

#[test]
fn an_autoscaler_that_would_raise_the_pod_behind_the_gate_warns() {
    let scaled_by = |target: &str, kind: WorkloadKind, min_replicas: i32, release: Option<&str>| {
        Case::with(|case| {
            case.seen.scalers = Seen::Present(vec![Scaler {
                kind: "HorizontalPodAutoscaler".into(),
                name: "shop".into(),
                target: name(kind, target),
                min_replicas,
                max_replicas: 9,
                release: release.map(str::to_owned),
                paused: None,
                paused_at: None,
            }]);
        })
    };
    let scaled = |target: &str, kind, min_replicas| scaled_by(target, kind, min_replicas, None);
    Case::healthy().says("workload-scalers", "pass", &["no autoscaler"]);
    scaled("web", WorkloadKind::Deployment, 2).says("workload-scalers", "warn", &["to 2 pods"]);
    scaled("web", WorkloadKind::Deployment, 1).says("workload-scalers", "pass", &[]);
    scaled_by("web", WorkloadKind::Deployment, 2, Some("shop")).says(
        "workload-scalers",
        "pass",
        &["stays alone"],
    );
    scaled("worker", WorkloadKind::StatefulSet, 2).says("workload-scalers", "pass", &[]);
    Case::with(|case| case.seen.scalers = hidden()).says("workload-scalers", "unknown", &[]);
}
