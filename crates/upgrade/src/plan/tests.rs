//! Plans for small releases, judged by their order and values.

use std::collections::BTreeMap;

use model::profile::{QuiesceNeed, RoleKind};
use model::{
    ApplyMethod, Before, ChartIdentity, CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute,
    GateMode, LoadLimit, MeasuredRestore, ObjectName, Profile, RehearsedMigration, Release, ReleaseStatus,
    RenderedHook, RenderedWorkload, Scaler, Seen, StepSpec, Target, UpdateStrategy, Workload, WorkloadKind,
    WorkloadName,
};

use checks::Assigned;

use super::{Adopted, AfterWishes, PlanInput, PlanRefusal, RestoreInput, plan, restore_plan};

pub(crate) struct World {
    pub(crate) release: Release,
    pub(crate) target: Target,
    pub(crate) profile: Profile,
    pub(crate) members: Vec<Assigned>,
    pub(crate) scalers: Vec<Scaler>,
    pub(crate) manifest_replicas: BTreeMap<WorkloadName, i32>,
    pub(crate) database: Option<DatabaseLocation>,
    pub(crate) last_restore: Option<MeasuredRestore>,
    pub(crate) rehearsed: Option<RehearsedMigration>,
    pub(crate) gate: Option<GateMode>,
}

pub(crate) fn name(kind: WorkloadKind, name: &str) -> WorkloadName {
    WorkloadName {
        kind,
        namespace: "shop".into(),
        name: name.into(),
    }
}

pub(crate) fn member(
    kind: WorkloadKind,
    workload: &str,
    role: RoleKind,
    replicas: i32,
    order: i32,
) -> Assigned {
    Assigned {
        workload: Workload {
            name: name(kind, workload),
            labels: BTreeMap::new(),
            selector: BTreeMap::new(),
            desired: (kind != WorkloadKind::CronJob).then_some(replicas),
            ready: replicas,
            updated: replicas,
            suspended: (kind == WorkloadKind::CronJob).then_some(false),
            strategy: rolling(),
            containers: Vec::new(),
            grace_seconds: 45,
            paused: false,
            is_database: role == RoleKind::Database,
        },
        role: workload.into(),
        kind: role,
        quiesce: QuiesceNeed::Required,
        order,
        reason: String::new(),
    }
}

fn rolling() -> UpdateStrategy {
    UpdateStrategy::RollingUpdate {
        max_unavailable: None,
        max_surge: None,
    }
}

pub(crate) fn rendered(kind: WorkloadKind, workload: &str, replicas: Option<i32>) -> RenderedWorkload {
    RenderedWorkload {
        name: name(kind, workload),
        replicas,
        labels: BTreeMap::new(),
        strategy: rolling(),
        containers: Vec::new(),
        progress_deadline_seconds: None,
    }
}

pub(crate) fn hook(event: &str) -> RenderedHook {
    RenderedHook {
        object: ObjectName {
            api_version: "batch/v1".into(),
            kind: "Job".into(),
            namespace: "shop".into(),
            name: "migrate".into(),
        },
        events: vec![event.into()],
        active_deadline_seconds: None,
        images: Vec::new(),
        delete_policies: Vec::new(),
    }
}

/// A release with a web Deployment that migrates at boot, a worker, a nightly job and its own database.
pub(crate) fn world() -> World {
    let profile = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: shop\n";
    World {
        release: Release {
            name: "shop".into(),
            namespace: "shop".into(),
            revision: 3,
            status: ReleaseStatus::Deployed,
            chart: ChartIdentity {
                name: "shop".into(),
                version: "1.0.0".into(),
                app_version: Some("1.0.0".into()),
            },
            apply_method: ApplyMethod::ServerSide,
            updated: None,
            description: String::new(),
            stored_bytes: 1,
        },
        target: Target {
            reference: "./shop".into(),
            chart: ChartIdentity {
                name: "shop".into(),
                version: "2.0.0".into(),
                app_version: Some("2.0.0".into()),
            },
            workloads: vec![
                rendered(WorkloadKind::Deployment, "web", Some(2)),
                rendered(WorkloadKind::StatefulSet, "worker", None),
                rendered(WorkloadKind::CronJob, "nightly", None),
                rendered(WorkloadKind::StatefulSet, "db", Some(1)),
            ],
            hooks: Vec::new(),
            values: Seen::Absent,
            dry_run: Seen::Absent,
            changed_secrets: Seen::Absent,
            definitions: Seen::Absent,
            claims: Seen::Absent,
            timeout_seconds: 300,
            migrations: None,
            notes: None,
            is_upgrade: true,
        },
        profile: model::profile::parse("shop", profile).unwrap(),
        members: vec![
            member(WorkloadKind::Deployment, "web", RoleKind::Migrator, 5, 2),
            member(WorkloadKind::StatefulSet, "worker", RoleKind::Writer, 3, 1),
            member(WorkloadKind::CronJob, "nightly", RoleKind::Writer, 0, 0),
            member(WorkloadKind::StatefulSet, "db", RoleKind::Database, 1, 0),
        ],
        scalers: Vec::new(),
        manifest_replicas: BTreeMap::from([(name(WorkloadKind::Deployment, "web"), 2)]),
        database: Some(DatabaseLocation {
            host: "db".into(),
            port: 5432,
            database: "shop".into(),
            user: "shop".into(),
            sslmode: None,
            origin: DatabaseOrigin {
                found_in: "env".into(),
                secret: None,
                source: CredentialSource::Given,
            },
            route: DatabaseRoute::Direct,
        }),
        last_restore: None,
        rehearsed: None,
        gate: None,
    }
}

pub(crate) fn planned(world: &World) -> Result<model::Plan, PlanRefusal> {
    plan(&input(world))
}

pub(super) fn plan_adopted(world: &World, adopted: &Adopted) -> Result<model::Plan, PlanRefusal> {
    plan(&PlanInput {
        adopted: Some(adopted),
        ..input(world)
    })
}

pub(super) fn input(world: &World) -> PlanInput<'_> {
    PlanInput {
        created_at: "2026-01-01T00:00:00Z".into(),
        release: &world.release,
        anchor_revision: Some(3),
        target: &world.target,
        profile: &world.profile,
        members: &world.members,
        scalers: &world.scalers,
        manifest_replicas: &world.manifest_replicas,
        database: world.database.as_ref(),
        migration: None,
        database_bytes: Some(3_000_000_000),
        last_restore: world.last_restore,
        rehearsed: world.rehearsed.as_ref(),
        no_way_back: None,
        gate: world.gate,
        load: LoadLimit::default(),
        after: AfterWishes::default(),
        has_tests: false,
        before: Before::default(),
        terms: None,
        store: "/backups".into(),
        chart_sha256: "c".into(),
        values_digest: "v".into(),
        helm_flags: Vec::new(),
        timeout_seconds: None,
        adopted: None,
    }
}

pub(crate) fn words(plan: &model::Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| &step.id[3..]).collect()
}

#[test]
fn a_boot_run_release_is_gated_on_traffic_and_everything_is_undone_in_a_safe_order() {
    let plan = planned(&world()).unwrap();
    assert_eq!(plan.gate, GateMode::Traffic);
    assert_eq!(
        words(&plan),
        [
            "suspend",
            "quiesce",
            "drain",
            "anchor-release",
            "back-up",
            "anchor-database",
            "helm-pass",
            "gate",
            "open-traffic",
            "resume",
            "roll-out",
            "unsuspend",
            "forget-revision",
            "post-check"
        ]
    );
    assert_eq!(plan.priced_from.map(|at| words(&plan)[at]), Some("open-traffic"));
}

#[test]
fn workers_stop_before_servers_and_resume_after_them() {
    let plan = planned(&world()).unwrap();
    let order = |targets: &[model::QuiesceTarget]| -> Vec<String> {
        targets
            .iter()
            .map(|target| target.workload.name.clone())
            .collect()
    };
    for step in &plan.steps {
        match &step.spec {
            StepSpec::Quiesce(quiesce) => assert_eq!(order(&quiesce.targets), ["worker", "web"]),
            StepSpec::Resume(resume) => assert_eq!(order(&resume.targets), ["web", "worker"]),
            _ => {}
        }
    }
}

#[test]
fn a_count_that_a_person_set_comes_back_unless_the_chart_changes_its_own() {
    let counts = |world: &World| -> Vec<i32> {
        let plan = planned(world).unwrap();
        let resume = plan.steps.iter().find_map(|step| match &step.spec {
            StepSpec::Resume(resume) => Some(resume.targets.iter().map(|t| t.replicas).collect()),
            _ => None,
        });
        resume.unwrap()
    };
    let mut world = world();
    assert_eq!(counts(&world), [5, 3]);
    world.target.workloads[0].replicas = Some(4);
    assert_eq!(counts(&world), [4, 3]);
}

#[test]
fn a_hook_run_chart_is_gated_on_its_schema() {
    let mut world = world();
    world.target.hooks = vec![hook("pre-upgrade")];
    assert_eq!(planned(&world).unwrap().gate, GateMode::Schema);
}

#[test]
fn a_writer_that_goes_on_makes_turning_back_a_matter_of_consent_from_the_pass_on() {
    let mut world = world();
    world.target.hooks = vec![hook("pre-upgrade")];
    let of = |plan: &model::Plan| {
        plan.steps.iter().find_map(|step| match &step.spec {
            StepSpec::HelmPass(pass) => Some(pass.serving.clone()),
            _ => None,
        })
    };
    let plan = planned(&world).unwrap();
    assert_eq!(of(&plan), Some(Vec::new()));
    assert_eq!(plan.priced_from.map(|at| words(&plan)[at]), Some("open-traffic"));
    for quiesce in [QuiesceNeed::Optional, QuiesceNeed::Never] {
        let writer = world
            .members
            .iter_mut()
            .find(|member| member.workload.name.name == "worker");
        writer.unwrap().quiesce = quiesce;
        let plan = planned(&world).unwrap();
        assert_eq!(of(&plan), Some(vec![name(WorkloadKind::StatefulSet, "worker")]));
        assert_eq!(plan.priced_from.map(|at| words(&plan)[at]), Some("helm-pass"));
        let told = plan.notices.join("\n");
        assert!(told.contains("statefulset/worker goes on writing"), "{told}");
    }
    // One that is at 0 writes nothing.
    for member in &mut world.members {
        member.workload.desired = Some(0);
    }
    assert_eq!(of(&planned(&world).unwrap()), Some(Vec::new()));
}

#[test]
fn post_upgrade_hooks_make_the_gate_after_and_an_asked_for_gate_is_refused() {
    let mut world = world();
    world.target.hooks = vec![hook("post-upgrade")];
    let plan = planned(&world).unwrap();
    assert_eq!(plan.gate, GateMode::After);
    assert!(!words(&plan).contains(&"open-traffic"));
    assert_eq!(plan.priced_from.map(|at| words(&plan)[at]), Some("helm-pass"));
    // Before a container has started there is nothing to judge, unless a hook has migrated.
    let at = |plan: &model::Plan, word: &str| words(plan).iter().position(|step| *step == word);
    assert!(at(&plan, "roll-out") < at(&plan, "gate"), "{:?}", words(&plan));
    let mut hooked = world.target.hooks.clone();
    hooked.push(hook("pre-upgrade"));
    std::mem::swap(&mut world.target.hooks, &mut hooked);
    let by_hook = planned(&world).unwrap();
    assert!(
        at(&by_hook, "gate") < at(&by_hook, "roll-out"),
        "{:?}",
        words(&by_hook)
    );
    world.target.hooks = hooked;
    world.gate = Some(GateMode::Traffic);
    assert!(matches!(planned(&world), Err(PlanRefusal::GateImpossible { .. })));
}

#[test]
fn several_candidates_for_the_first_pod_are_named() {
    let mut world = world();
    world.members[0].kind = RoleKind::Writer;
    world.gate = Some(GateMode::Traffic);
    let text = planned(&world).unwrap_err().to_string();
    assert!(
        text.contains("deployment/web") && text.contains("statefulset/worker"),
        "{text}"
    );
}

#[test]
fn the_database_is_never_stopped_or_parked() {
    let plan = planned(&world()).unwrap();
    for step in &plan.steps {
        match &step.spec {
            StepSpec::Quiesce(quiesce) => assert!(quiesce.targets.iter().all(|t| t.workload.name != "db")),
            StepSpec::HelmPass(pass) => assert_eq!(pass.database_workloads[0].name, "db"),
            _ => {}
        }
    }
}

#[test]
fn the_expected_schema_is_that_of_the_newest_version_not_above_the_target() {
    let mut world = world();
    world.profile.migrations.schema = [("1.0.0", "3"), ("1.8.0", "5"), ("2.5.0", "6")]
        .map(|(from, version)| model::profile::SchemaOf {
            from: from.into(),
            version: version.into(),
        })
        .into();
    let plan = planned(&world).unwrap();
    let gate = plan.steps.iter().find_map(|step| match &step.spec {
        StepSpec::Gate(gate) => gate.expected_schema.clone(),
        _ => None,
    });
    assert_eq!(gate.as_deref(), Some("5"));
}

#[test]
fn what_a_restore_test_measured_says_what_putting_back_would_take() {
    let measured = |seconds, bytes| {
        let world = World {
            last_restore: Some(MeasuredRestore {
                seconds,
                bytes,
                boot_seconds: Some(7),
            }),
            ..world()
        };
        let notices = planned(&world).unwrap().notices;
        notices.into_iter().find(|notice| notice.contains("restore test"))
    };
    let told = measured(20, 1_500_000_000).unwrap();
    assert!(
        told.contains("about 40 s") && told.contains("20 s for 1500 MB") && told.contains("after 7 s"),
        "{told}"
    );
    // Never less than what was measured: a small database has its fixed costs.
    assert!(measured(20, 9_000_000_000).unwrap().contains("about 20 s"));
    assert!(measured(5, 0).unwrap().contains("about 5 s"));
    assert_eq!(
        planned(&world())
            .unwrap()
            .notices
            .iter()
            .find(|notice| notice.contains("restore test")),
        None
    );
}

#[test]
fn a_rehearsal_of_this_upgrade_says_what_the_migration_takes_and_how_long_is_waited() {
    let planned_after = |from: &str, seconds| {
        let world = World {
            rehearsed: Some(RehearsedMigration {
                seconds,
                bytes: 1_500_000_000,
                at: "2026-11-29T21:50:54Z".into(),
                from: from.into(),
                to: "2.0.0".into(),
                backup: "b".into(),
            }),
            ..world()
        };
        let plan = planned(&world).unwrap();
        let pass = plan.steps.iter().find_map(|step| match &step.spec {
            StepSpec::HelmPass(pass) => Some((pass.usual_seconds, pass.timeout_seconds)),
            _ => None,
        });
        let told = plan
            .notices
            .into_iter()
            .find(|notice| notice.contains("rehearsed"));
        (pass.unwrap(), told)
    };
    let (pass, told) = planned_after("1.0.0", 200);
    assert_eq!(pass, (Some(400), 1200), "the database has doubled since");
    let told = told.unwrap();
    assert!(
        told.contains("about 400 s: rehearsed on 2026-11-29 it took 200 s on a copy of 1500 MB"),
        "{told}"
    );
    let (pass, _) = planned_after("1.0.0", 2);
    assert_eq!(pass, (Some(4), 300), "never less than helm's own");
    let (pass, told) = planned_after("0.9.0", 200);
    assert_eq!((pass, told), ((None, 300), None), "another upgrade says nothing");
}

#[test]
fn without_a_revision_to_turn_back_to_there_is_no_plan() {
    let world = world();
    let refusal = plan(&PlanInput {
        created_at: String::new(),
        release: &world.release,
        anchor_revision: None,
        target: &world.target,
        profile: &world.profile,
        members: &world.members,
        scalers: &world.scalers,
        manifest_replicas: &world.manifest_replicas,
        database: None,
        migration: None,
        database_bytes: Some(3_000_000_000),
        last_restore: world.last_restore,
        rehearsed: world.rehearsed.as_ref(),
        no_way_back: None,
        gate: None,
        load: LoadLimit::default(),
        after: AfterWishes::default(),
        has_tests: false,
        before: Before::default(),
        terms: None,
        store: String::new(),
        chart_sha256: String::new(),
        values_digest: String::new(),
        helm_flags: Vec::new(),
        timeout_seconds: None,
        adopted: None,
    });
    assert!(matches!(refusal, Err(PlanRefusal::NothingToTurnBackTo(_))));
}

pub(crate) fn words_of_restore(
    world: &World,
    keep_writers: bool,
) -> Result<(Vec<String>, Option<usize>), PlanRefusal> {
    let database = world.database.clone().expect("a database");
    let plan = restore_plan(&RestoreInput {
        created_at: "2026-01-01T00:00:00Z".into(),
        release: &world.release,
        profile: &world.profile,
        members: &world.members,
        scalers: &world.scalers,
        keep_writers,
        database: &database,
        source: model::RestoreSource::File {
            path: "/tmp/x.sql".into(),
        },
        id: "x1".into(),
        options: model::RestoreOptions::default(),
    })?;
    let words = plan.steps.iter().map(|step| step.id[3..].to_owned()).collect();
    Ok((words, plan.priced_from))
}

#[test]
fn a_restore_stops_the_writers_first_and_gives_the_counts_back_last() {
    let (words, priced_from) = words_of_restore(&world(), false).unwrap();
    assert_eq!(
        words,
        [
            "suspend",
            "quiesce",
            "drain",
            "restore-database",
            "resume",
            "roll-out",
            "unsuspend"
        ]
    );
    assert_eq!(
        priced_from,
        Some(4),
        "free until pods run on the restored database"
    );
}

#[test]
fn a_restore_that_keeps_the_writers_only_swaps() {
    let (words, _) = words_of_restore(&world(), true).unwrap();
    assert_eq!(words, ["restore-database"]);
}
