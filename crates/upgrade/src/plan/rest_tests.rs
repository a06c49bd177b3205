//! What a run holds and stops, and the plan of a quiesce.

use std::collections::BTreeMap;

use model::profile::{QuiesceNeed, RoleKind};
use model::{QuiesceTarget, Reversal, RunPurpose, Scaler, Sharer, StepSpec, SuspendTarget, WorkloadKind};

use super::tests::{World, member, name, plan_adopted, words, words_of_restore, world};
use super::{
    Adopted, KnownBackup, LimitKeeper, PlanRefusal, QuiesceInput, QuiesceLimit, RollbackInput, WayBack,
    quiesce_plan, rollback_plan,
};

fn scaler(kind: &str, target: &str, min_replicas: i32) -> Scaler {
    Scaler {
        kind: kind.into(),
        name: format!("{target}-scaler"),
        target: name(WorkloadKind::Deployment, target),
        min_replicas,
        max_replicas: 9,
        release: None,
        paused: None,
        paused_at: None,
    }
}

fn input(world: &World) -> QuiesceInput<'_> {
    QuiesceInput {
        created_at: "2026-01-01T00:00:00Z".into(),
        release: &world.release,
        profile: &world.profile,
        members: &world.members,
        scalers: &world.scalers,
        sharers: &[],
        roles: &[],
        database: world.database.as_ref(),
        limit: None,
    }
}

fn held(plan: &model::Plan) -> Vec<SuspendTarget> {
    let of = |step: &model::PlannedStep| match &step.spec {
        StepSpec::Suspend(suspend) => Some(suspend.targets.clone()),
        _ => None,
    };
    plan.steps.iter().find_map(of).unwrap_or_default()
}

fn counts(plan: &model::Plan) -> Vec<QuiesceTarget> {
    let of = |step: &model::PlannedStep| match &step.spec {
        StepSpec::Quiesce(quiesce) => Some(quiesce.targets.clone()),
        _ => None,
    };
    plan.steps.iter().find_map(of).unwrap_or_default()
}

#[test]
fn a_quiesce_ends_with_the_proof_and_everything_it_did_is_undone_without_a_price() {
    let world = world();
    let plan = quiesce_plan(&input(&world)).unwrap();
    assert_eq!(words(&plan), ["suspend", "quiesce", "drain", "stand-still"]);
    assert_eq!(plan.purpose(), RunPurpose::Quiesce);
    assert_eq!((plan.priced_from, plan.no_way_back.as_deref()), (None, None));
    let undone = |step: &&model::PlannedStep| step.reversal == Reversal::Automatic;
    let undone: Vec<&str> = plan
        .steps
        .iter()
        .filter(undone)
        .map(|step| &step.id[3..])
        .collect();
    assert_eq!(undone, ["suspend", "quiesce"]);
    assert!(
        plan.notices[0].contains("helm safe-upgrade unquiesce shop -n shop"),
        "{:?}",
        plan.notices
    );
}

#[test]
fn workers_stop_before_servers_as_the_profile_orders_them() {
    let world = world();
    let stopped: Vec<String> = counts(&quiesce_plan(&input(&world)).unwrap())
        .iter()
        .map(|target| format!("{} {}", target.workload, target.replicas))
        .collect();
    assert_eq!(stopped, ["statefulset/worker 3", "deployment/web 5"]);
}

#[test]
fn a_daemon_set_is_held_and_its_pods_are_waited_for() {
    let mut world = world();
    world
        .members
        .push(member(WorkloadKind::DaemonSet, "agent", RoleKind::Writer, 1, 9));
    let plan = quiesce_plan(&input(&world)).unwrap();
    let agent = name(WorkloadKind::DaemonSet, "agent");
    assert!(
        held(&plan)
            .iter()
            .any(|target| target.ends_pods_of() == Some(agent.clone()))
    );
    let waits = plan.steps.iter().any(|step| match &step.spec {
        StepSpec::Drain(drain) => drain.workloads.contains(&agent),
        _ => false,
    });
    assert!(waits, "{plan:?}");
    assert!(!counts(&plan).iter().any(|target| target.workload == agent));
    // An upgrade and a restore hold it the same way.
    let (words, _) = words_of_restore(&world, false).unwrap();
    assert_eq!(words.first().map(String::as_str), Some("suspend"));
}

#[test]
fn what_need_not_stop_and_what_is_the_database_is_left_alone() {
    let mut world = world();
    world.members[0].quiesce = QuiesceNeed::Optional;
    world
        .members
        .push(member(WorkloadKind::DaemonSet, "agent", RoleKind::Reader, 1, 9));
    let plan = quiesce_plan(&input(&world)).unwrap();
    let stopped: Vec<String> = counts(&plan)
        .iter()
        .map(|target| target.workload.to_string())
        .collect();
    assert_eq!(stopped, ["statefulset/worker"]);
    assert_eq!(
        held(&plan).iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["cronjob/nightly"]
    );
}

#[test]
fn keda_is_paused_first_and_let_go_last_and_an_autoscaler_needs_nothing_at_0() {
    let mut world = world();
    world.scalers = vec![
        scaler("HorizontalPodAutoscaler", "web", 2),
        scaler(Scaler::KEDA, "web", 0),
        scaler(Scaler::KEDA, "elsewhere", 0),
    ];
    let plan = quiesce_plan(&input(&world)).unwrap();
    let names: Vec<String> = held(&plan).iter().map(ToString::to_string).collect();
    // Undone from the back: whoever scales by itself is let go when the counts are right again.
    assert_eq!(names, ["scaledobject/web-scaler", "cronjob/nightly"]);

    world.scalers[1].paused = Some("true".into());
    let plan = quiesce_plan(&input(&world)).unwrap();
    assert_eq!(
        held(&plan).len(),
        1,
        "a pause that somebody else set stays theirs"
    );
    world.scalers[1].paused = Some("false".into());
    let expected = SuspendTarget::ScaledObject {
        namespace: "shop".into(),
        name: "web-scaler".into(),
        original: Some("false".into()),
    };
    assert_eq!(held(&quiesce_plan(&input(&world)).unwrap())[0], expected);
}

#[test]
fn a_scaler_that_would_work_against_0_is_refused_with_its_name() {
    let mut world = world();
    world.scalers = vec![scaler("HorizontalPodAutoscaler", "web", 0)];
    let refused = quiesce_plan(&input(&world)).unwrap_err();
    assert!(matches!(refused, PlanRefusal::ScalesFromZero { .. }), "{refused}");
    assert!(
        words_of_restore(&world, false).is_err(),
        "nor may a restore begin"
    );

    let mut held = scaler(Scaler::KEDA, "web", 0);
    held.paused_at = Some("3".into());
    world.scalers = vec![held];
    let refused = quiesce_plan(&input(&world)).unwrap_err().to_string();
    assert!(
        refused.contains("at 3") && refused.contains("paused-replicas"),
        "{refused}"
    );
}

#[test]
fn roles_choose_what_is_stopped_and_an_unknown_one_is_told_with_those_there_are() {
    let world = world();
    let roles = ["worker".to_owned()];
    let plan = quiesce_plan(&QuiesceInput {
        roles: &roles,
        ..input(&world)
    })
    .unwrap();
    assert_eq!(words(&plan), ["quiesce", "drain", "stand-still"]);
    let asks = plan.steps.iter().any(|step| match &step.spec {
        StepSpec::StandStill(still) => still.database.is_some(),
        _ => false,
    });
    assert!(!asks, "the others stay connected");

    let roles = ["cook".to_owned()];
    let refused = quiesce_plan(&QuiesceInput {
        roles: &roles,
        ..input(&world)
    });
    let told = refused.unwrap_err().to_string();
    assert!(
        told.contains("cook") && told.contains("nightly, web, worker"),
        "{told}"
    );
}

#[test]
fn nothing_to_stop_is_no_run() {
    let mut world = world();
    world.members.retain(|member| member.kind == RoleKind::Database);
    assert!(matches!(
        quiesce_plan(&input(&world)),
        Err(PlanRefusal::NothingToStop)
    ));
}

#[test]
fn a_limit_is_kept_by_a_job_before_anything_stops_or_is_told_as_the_client_s_alone() {
    let world = world();
    let limited = |keeper| {
        quiesce_plan(&QuiesceInput {
            limit: Some(QuiesceLimit {
                seconds: 1_790,
                keeper,
            }),
            ..input(&world)
        })
        .unwrap()
    };
    let plan = limited(LimitKeeper::Job("registry/safe-upgrade:1".into()));
    assert_eq!(words(&plan)[0], "time-limit");
    assert!(
        plan.steps[0].title.contains("registry/safe-upgrade:1") && plan.steps[0].title.contains("30 min")
    );
    let plan = limited(LimitKeeper::Client);
    assert_eq!(words(&plan)[0], "suspend");
    assert!(
        plan.notices[0].contains("if it dies, nothing does"),
        "{:?}",
        plan.notices
    );
}

#[test]
fn who_else_uses_the_database_is_named_in_the_plan() {
    let world = world();
    let sharers = [Sharer {
        workload: name(WorkloadKind::Deployment, "reports"),
        release: Some("reports".into()),
        by: "secret shop-db".into(),
    }];
    let plan = quiesce_plan(&QuiesceInput {
        sharers: &sharers,
        ..input(&world)
    })
    .unwrap();
    let told = plan.notices.join("\n");
    assert!(
        told.contains("release reports: deployment/reports in shop (secret shop-db)"),
        "{told}"
    );
}

fn adopted() -> Adopted {
    Adopted {
        revision: 3,
        pending: true,
        hook_jobs: vec!["migrate".into()],
        settle_seconds: 300,
        sessions: Vec::new(),
        addresses: vec!["10.0.0.7".into()],
        counts: BTreeMap::from([(name(WorkloadKind::Deployment, "web"), 2)]),
        notices: vec!["why".into()],
    }
}

fn resumed(plan: &model::Plan) -> Vec<String> {
    let of = |step: &model::PlannedStep| match &step.spec {
        StepSpec::Resume(resume) => Some(resume.targets.clone()),
        _ => None,
    };
    let targets = plan.steps.iter().find_map(of).unwrap_or_default();
    let words = targets
        .iter()
        .map(|target| format!("{} {}", target.workload, target.replicas));
    words.collect()
}

#[test]
fn an_adopted_upgrade_is_stopped_settled_and_left_by_everybody_before_anything_else() {
    let (world, adopted) = (world(), adopted());
    let finished = plan_adopted(&world, &adopted).unwrap();
    let first = [
        "suspend",
        "quiesce",
        "settle-revision",
        "drain",
        "end-sessions",
        "drain",
        "anchor-release",
    ];
    assert_eq!(words(&finished)[..7], first);
    assert_eq!(finished.notices[0], "why");
    assert_eq!(resumed(&finished), ["deployment/web 2", "statefulset/worker 3"]);

    let back = |way: &WayBack| {
        let input = RollbackInput {
            created_at: String::new(),
            release: &world.release,
            revision: 2,
            chart: world.release.chart.clone(),
            schema: None,
            profile: &world.profile,
            members: &world.members,
            scalers: &world.scalers,
            database: world.database.as_ref(),
            no_way_back: None,
            store: "/b".into(),
            adopted: Some(&adopted),
        };
        rollback_plan(&input, way).unwrap()
    };
    let by_helm = back(&WayBack::HelmOnly("not moved".into()));
    assert_eq!(words(&by_helm)[..7], first);
    assert_eq!(
        words(&by_helm)[7..],
        ["helm-rollback", "resume", "roll-out", "unsuspend", "post-check"]
    );
    assert_eq!(resumed(&by_helm), ["deployment/web 2", "statefulset/worker 3"]);
    let backup = KnownBackup {
        store: "/b".into(),
        id: "x".into(),
    };
    let restored = back(&WayBack::Restore(backup, "moved".into()));
    assert_eq!(words(&restored)[..7], first);
    assert_eq!(
        words(&restored)[7..10],
        ["back-up", "restore-database", "helm-rollback"]
    );
}

#[test]
fn nothing_is_settled_where_helm_has_ended_and_no_hook_runs() {
    let (world, mut adopted) = (world(), adopted());
    adopted.pending = false;
    adopted.hook_jobs.clear();
    let plan = plan_adopted(&world, &adopted).unwrap();
    assert!(!words(&plan).contains(&"settle-revision"), "{:?}", words(&plan));
}
