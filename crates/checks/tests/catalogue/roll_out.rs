//! What a roll-out hides.

use model::{MountedClaim, Seen, UpdateStrategy, WorkloadKind};

use crate::fixture::{Case, hidden, name};

fn bounded(max_unavailable: &str, max_surge: &str) -> UpdateStrategy {
    UpdateStrategy::RollingUpdate {
        max_unavailable: Some(max_unavailable.into()),
        max_surge: Some(max_surge.into()),
    }
}

#[test]
fn a_workload_whose_pods_may_all_be_missing_or_stay_old_warns() {
    Case::healthy().says("roll-out-wait", "pass", &["3 workloads"]);
    let strategy = |index: usize, strategy: UpdateStrategy| {
        Case::with(|case| case.target().workloads[index].strategy = strategy)
    };
    strategy(0, bounded("100%", "25%")).says("roll-out-wait", "warn", &["deployment/web: all 2 of its pods"]);
    strategy(0, bounded("2", "0")).says("roll-out-wait", "warn", &["all 2"]);
    strategy(0, bounded("1", "0")).says("roll-out-wait", "pass", &[]);
    strategy(1, UpdateStrategy::OnDelete).says(
        "roll-out-wait",
        "warn",
        &["statefulset/worker", "deletes them"],
    );
    // The number that runs counts where the target names none.
    Case::with(|case| {
        case.workloads()[0].desired = Some(1);
        case.target().workloads[0].replicas = None;
        case.target().workloads[0].strategy = bounded("1", "1");
    })
    .says("roll-out-wait", "warn", &["all 1"]);
    Case::with(|case| {
        case.target()
            .workloads
            .retain(|workload| workload.name == name(WorkloadKind::CronJob, "job"));
    })
    .says("roll-out-wait", "skip", &[]);
    Case::with(|case| case.target = None).says("roll-out-wait", "skip", &["no target"]);
    Case::with(|case| case.seen.workloads = hidden()).says("roll-out-wait", "unknown", &[]);
}

#[test]
fn a_volume_of_one_node_under_a_rolling_update_warns() {
    let mounted = |index: usize, mode: &str| {
        Case::with(|case| {
            let workload = case.target().workloads[index].name.clone();
            case.target().claims = Seen::Present(vec![MountedClaim {
                workload,
                claim: "files".into(),
                modes: vec![mode.into()],
            }]);
        })
    };
    mounted(0, "ReadWriteOnce").says(
        "volume-overlap",
        "warn",
        &["deployment/web and its claim files (ReadWriteOnce)"],
    );
    mounted(0, "ReadWriteMany").says("volume-overlap", "pass", &["1 claims"]);
    mounted(1, "ReadWriteOnce").says("volume-overlap", "pass", &[]);
    // Without a surge, the first new pod of two still meets the second old one.
    for (strategy, verdict) in [
        (UpdateStrategy::Recreate, "pass"),
        (bounded("2", "0"), "pass"),
        (bounded("100%", "0"), "pass"),
        (bounded("1", "0"), "warn"),
        (bounded("0", "0"), "warn"),
        (bounded("100%", "1"), "warn"),
    ] {
        let mut case = mounted(0, "ReadWriteOnce");
        case.target().workloads[0].strategy = strategy;
        case.says("volume-overlap", verdict, &[]);
    }
    let mut single = mounted(0, "ReadWriteOnce");
    single.target().workloads[0].replicas = Some(1);
    single.target().workloads[0].strategy = bounded("1", "0");
    single.says("volume-overlap", "pass", &[]);
    let mut parked = mounted(0, "ReadWriteOnce");
    parked.workloads()[0].desired = Some(0);
    parked.says("volume-overlap", "pass", &[]);
    Case::healthy().says("volume-overlap", "skip", &["no workload mounts"]);
    Case::with(|case| case.target().claims = hidden()).says("volume-overlap", "unknown", &[]);
    let mut unseen = mounted(0, "ReadWriteOnce");
    unseen.seen.workloads = hidden();
    unseen.says("volume-overlap", "unknown", &[]);
}

#[test]
fn a_probe_that_kills_sooner_than_the_one_that_runs_warns() {
    let seconds = |now: Option<u32>, then: Option<u32>| {
        Case::with(|case| {
            case.workloads()[0].containers[0].budget.start_seconds = now;
            case.target().workloads[0].containers[0].budget.start_seconds = then;
        })
    };
    Case::healthy().says("probe-change", "pass", &["4 containers"]);
    seconds(None, Some(90)).says(
        "probe-change",
        "warn",
        &["deployment/web, container ledger: never now, after 1 min 30 s then"],
    );
    seconds(Some(1800), Some(90)).says("probe-change", "warn", &["after 30 min 0 s now"]);
    seconds(Some(90), Some(1800)).says("probe-change", "pass", &[]);
    seconds(Some(90), None).says("probe-change", "pass", &[]);
    Case::with(|case| case.target().workloads.clear()).says("probe-change", "skip", &[]);
    Case::with(|case| case.seen.workloads = hidden()).says("probe-change", "unknown", &[]);
}
