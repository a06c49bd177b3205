//! Everything that can move, each named with what it was and what it is.

use std::collections::BTreeMap;

use model::{
    API_VERSION, ChartIdentity, ExpectedTime, GateMode, LogErrors, MigrationState, MigrationTool,
    PinnedDatabase, PinnedWorkload, Plan, PlanBasis, PlannedStep, PostCheck, Quiesce, QuiesceTarget,
    ReleaseIdentity, Reversal, RollOut, RunTerms, SavedPlan, Seen, ServiceEndpoints, Smoke, StepSpec,
    WorkloadKind, WorkloadName,
};

use super::{Ground, moved, outlived, uprooted};

fn web() -> WorkloadName {
    WorkloadName {
        kind: WorkloadKind::Deployment,
        namespace: "prod".into(),
        name: "web".into(),
    }
}

fn saved() -> SavedPlan {
    SavedPlan {
        api_version: API_VERSION.into(),
        kind: SavedPlan::KIND.into(),
        made_by: "ann@desk".into(),
        valid_until: "2026-01-02T00:00:00Z".into(),
        command: Vec::new(),
        given_again: Vec::new(),
        expected: BTreeMap::new(),
        downtime: None,
        whole: "w".into(),
        basis: PlanBasis {
            program: "0.1.0".into(),
            cluster: Some("uid-1".into()),
            helm: 4,
            profile_sha256: "p1".into(),
            workloads: vec![PinnedWorkload {
                workload: web(),
                replicas: Some(2),
                suspended: None,
                images: BTreeMap::from([("app".into(), "shop:1".into())]),
            }],
            database: Some(PinnedDatabase {
                host: "db".into(),
                port: 5432,
                database: "shop".into(),
                user: "shop".into(),
                system_identifier: Some("700".into()),
                schema: Some(MigrationState {
                    tool: MigrationTool::Goose,
                    table: "public.goose_db_version".into(),
                    version: Some("4".into()),
                    applied: 4,
                    dirty: false,
                    fingerprint: "f4".into(),
                }),
            }),
            chart: "c1".into(),
            values: "v1".into(),
            objects: BTreeMap::from([
                ("Deployment web".into(), "o1".into()),
                ("Secret token".into(), "o2".into()),
            ]),
            unpinned: vec!["Secret token".into()],
            salt: "salt".into(),
            seal: "s1".into(),
        },
        plan: Plan {
            api_version: API_VERSION.into(),
            kind: "Plan".into(),
            created_at: "2026-01-01T00:00:00Z".into(),
            from: ReleaseIdentity {
                name: "shop".into(),
                namespace: "prod".into(),
                revision: 7,
                chart: "shop-1.0.0".into(),
                app_version: None,
            },
            to: ChartIdentity {
                name: "shop".into(),
                version: "2.0.0".into(),
                app_version: None,
            },
            profile: "shop".into(),
            gate: GateMode::Traffic,
            chart_sha256: "archive-1".into(),
            values_digest: "digest-1".into(),
            helm_flags: vec!["--skip-crds".into()],
            terms: Some(RunTerms {
                deadline: Some("2026-01-01T04:00:00Z".into()),
                ..RunTerms::default()
            }),
            steps: vec![
                PlannedStep {
                    id: "01-quiesce".into(),
                    title: "stop writers".into(),
                    reversal: Reversal::Automatic,
                    spec: StepSpec::Quiesce(Quiesce {
                        targets: vec![QuiesceTarget {
                            workload: web(),
                            replicas: 2,
                            role: "web".into(),
                        }],
                    }),
                },
                PlannedStep {
                    id: "02-roll-out".into(),
                    title: "wait".into(),
                    reversal: Reversal::NotNeeded,
                    spec: StepSpec::RollOut(RollOut {
                        workloads: vec![web()],
                        timeout_seconds: 300,
                    }),
                },
                PlannedStep {
                    id: "03-post-check".into(),
                    title: "compare with before".into(),
                    reversal: Reversal::NotNeeded,
                    spec: StepSpec::PostCheck(PostCheck {
                        helm_test_seconds: Some(300),
                        smoke: vec![Smoke::Command {
                            what: "orders".into(),
                            command: "./look".into(),
                        }],
                        ..PostCheck::default()
                    }),
                },
            ],
            priced_from: None,
            no_way_back: None,
            notices: Vec::new(),
        },
    }
}

/// What is told after a change, all of it on one line.
fn after(change: impl FnOnce(&mut Plan, &mut PlanBasis)) -> String {
    let saved = saved();
    let (mut plan, mut basis) = (saved.plan.clone(), saved.basis.clone());
    change(&mut plan, &mut basis);
    let told: Vec<String> = moved(&saved, &plan, &basis)
        .iter()
        .map(ToString::to_string)
        .collect();
    told.join("; ")
}

#[test]
fn what_has_not_moved_holds() {
    assert_eq!(after(|_, _| ()), "");
}

#[test]
fn what_is_another_at_every_look_does_not_count() {
    let told = after(|plan, basis| {
        plan.created_at = "2026-01-01T05:00:00Z".into();
        // `helm package` stamps the time; the digest of the values is under a new key each time.
        plan.chart_sha256 = "archive-2".into();
        plan.values_digest = "digest-2".into();
        plan.notices
            .push("putting the database back would take about 3 s".into());
        basis.objects.insert("Secret token".into(), "o3".into());
        // Reckoned from the size of a database that grows.
        if let StepSpec::RollOut(roll_out) = &mut plan.steps[1].spec {
            roll_out.timeout_seconds = 301;
        }
        if let Some(terms) = &mut plan.terms {
            terms.expected = Some(ExpectedTime {
                seconds: 90,
                source: "all else 90 s as in the last run".into(),
            });
        }
        plan.steps[2].title = "compare with before, and endpoints".into();
        if let StepSpec::PostCheck(check) = &mut plan.steps[2].spec {
            check.helm_test_seconds = Some(301);
            check.before.services.push(ServiceEndpoints {
                namespace: "prod".into(),
                name: "web".into(),
                ready: 1,
            });
            check.before.errors = Some(LogErrors { lines: 1, seconds: 9 });
        }
    });
    assert_eq!(told, "");
}

#[test]
fn a_reason_against_the_way_back_counts_and_its_numbers_do_not() {
    let told = |was: &str, is: &str| {
        let mut saved = saved();
        saved.plan.no_way_back = Some(was.into());
        let mut plan = saved.plan.clone();
        plan.no_way_back = Some(is.into());
        moved(&saved, &plan, &saved.basis).len()
    };
    assert_eq!(told("5 bytes are free", "17 bytes are free"), 0);
    assert_eq!(told("5 bytes are free", "no right"), 1);
}

#[test]
fn a_file_of_another_cluster_revision_or_record_is_known_before_anything_of_it_is_used() {
    let saved = saved();
    let told = |here: &Ground<'_>| -> Vec<String> {
        uprooted(&saved, here).iter().map(ToString::to_string).collect()
    };
    let (same, other) = (
        Seen::Present("uid-1".to_owned()),
        Seen::Present("uid-2".to_owned()),
    );
    let here = Ground {
        program: "0.1.0",
        cluster: &same,
        revision: 7,
        seal: "s1",
    };
    assert!(told(&here).is_empty());
    let unread = Seen::Unreadable("no right".into());
    assert!(
        told(&Ground {
            cluster: &unread,
            ..here
        })
        .is_empty()
    );
    let another_record = Ground { seal: "s2", ..here };
    assert_eq!(
        told(&another_record),
        ["the running revision's record went from s1 to s2"]
    );
    // Another record follows from these.
    for (there, expected) in [
        (
            Ground {
                revision: 8,
                ..another_record
            },
            "the revision in force went from 7 to 8",
        ),
        (
            Ground {
                cluster: &other,
                ..another_record
            },
            "the cluster went from uid-1 to uid-2",
        ),
        (
            Ground {
                program: "0.2.0",
                ..another_record
            },
            "the version of this program went from 0.1.0 to 0.2.0",
        ),
    ] {
        assert_eq!(told(&there), [expected]);
    }
}

#[test]
fn each_field_that_moves_is_named_from_what_to_what() {
    type Change = fn(&mut Plan, &mut PlanBasis);
    let table: [(Change, &str); 23] = [
        (
            |plan, _| plan.from.revision = 8,
            "the revision in force went from 7 to 8",
        ),
        (
            |plan, _| plan.from.chart = "shop-1.1.0".into(),
            "the running chart went from shop-1.0.0 to shop-1.1.0",
        ),
        (
            |plan, _| plan.to.version = "2.0.1".into(),
            "the target chart went from shop-2.0.0 to shop-2.0.1",
        ),
        (
            |plan, _| plan.profile = "generic".into(),
            "the profile went from shop to generic",
        ),
        (
            |plan, _| plan.gate = GateMode::Schema,
            "the gate went from traffic to schema",
        ),
        (
            |plan, _| plan.helm_flags.clear(),
            "helm's flags went from --skip-crds to nothing",
        ),
        (
            |plan, _| plan.no_way_back = Some("no right to create databases".into()),
            "the way back for the database went from there is a way back to no right to create databases",
        ),
        (
            |_, basis| basis.cluster = Some("uid-2".into()),
            "the cluster went from uid-1 to uid-2",
        ),
        (|_, basis| basis.helm = 3, "the Helm line went from 4 to 3"),
        (
            |_, basis| basis.profile_sha256 = "p2".into(),
            "what profile shop says went from p1 to p2",
        ),
        (
            |_, basis| basis.workloads[0].replicas = Some(3),
            "replicas of deployment/web went from 2 to 3",
        ),
        (
            |_, basis| basis.workloads[0].suspended = Some(true),
            "suspend of deployment/web went from not known to true",
        ),
        (
            |_, basis| {
                basis.workloads[0].images.insert("app".into(), "shop:2".into());
            },
            "the image of app in deployment/web went from shop:1 to shop:2",
        ),
        (
            |_, basis| {
                basis.workloads[0].images.insert("proxy".into(), "proxy:1".into());
            },
            "the image of proxy in deployment/web went from nothing to proxy:1",
        ),
        (
            |_, basis| basis.workloads.clear(),
            "deployment/web went from there to not there",
        ),
        (
            |_, basis| basis.database.as_mut().unwrap().host = "other".into(),
            "the database went from shop as shop on db:5432 to shop as shop on other:5432",
        ),
        (
            |_, basis| basis.database = None,
            "the database went from shop as shop on db:5432 to no database that answers",
        ),
        (
            |_, basis| basis.database.as_mut().unwrap().system_identifier = None,
            "the database server went from 700 to not known",
        ),
        (
            |_, basis| {
                let schema = basis.database.as_mut().unwrap().schema.as_mut().unwrap();
                schema.version = Some("5".into());
                schema.applied = 5;
            },
            "the schema version went from goose 4 (4 applied) to goose 5 (5 applied)",
        ),
        (
            |_, basis| {
                basis
                    .database
                    .as_mut()
                    .unwrap()
                    .schema
                    .as_mut()
                    .unwrap()
                    .fingerprint = "f5".into();
            },
            "the applied migrations went from f4 to f5",
        ),
        (
            |_, basis| basis.chart = "c2".into(),
            "what stands in the chart went from c1 to c2",
        ),
        (
            |_, basis| basis.values = "v2".into(),
            "the values went from v1 to v2",
        ),
        (
            |_, basis| {
                basis.objects.remove("Deployment web");
            },
            "rendered Deployment web went from o1 to nothing",
        ),
    ];
    for (change, expected) in table {
        assert_eq!(after(change), expected);
    }
}

#[test]
fn digests_under_another_key_are_not_compared() {
    let another_key = |basis: &mut PlanBasis| {
        basis.seal = "s2".into();
        basis.chart = "c2".into();
        basis.values = "v2".into();
        basis.objects.clear();
    };
    let told = after(|_, basis| another_key(basis));
    assert_eq!(told, "the running revision's record went from s1 to s2");
    let told = after(|plan, basis| {
        plan.from.revision = 8;
        another_key(basis);
    });
    assert_eq!(told, "the revision in force went from 7 to 8");
}

#[test]
fn a_step_that_differs_by_itself_is_named_with_its_field() {
    let told = after(|plan, _| {
        plan.steps[0].title = "stop nobody".into();
    });
    assert_eq!(
        told,
        "title of step 01-quiesce went from stop writers to stop nobody"
    );
    let told = after(|plan, _| {
        if let StepSpec::Quiesce(quiesce) = &mut plan.steps[0].spec {
            quiesce.targets[0].role = "worker".into();
        }
    });
    assert_eq!(
        told,
        "spec.targets.0.role of step 01-quiesce went from web to worker"
    );
    let told = after(|plan, _| {
        if let StepSpec::PostCheck(check) = &mut plan.steps[2].spec {
            check.smoke.clear();
        }
    });
    assert!(
        told.starts_with("spec.smoke of step 03-post-check went from "),
        "{told}"
    );
    assert!(
        after(|plan, _| plan.steps.clear())
            .contains("the steps went from 01-quiesce, 02-roll-out, 03-post-check to nothing")
    );
    let told = after(|plan, basis| {
        plan.steps.clear();
        basis.helm = 3;
    });
    assert!(
        !told.contains("steps"),
        "what follows from something else is not told: {told}"
    );
}

#[test]
fn a_plan_lives_until_its_end_and_one_without_an_end_not_at_all() {
    let mut saved = saved();
    let at = |time: &str| time.parse().unwrap();
    assert!(!outlived(&saved, at("2026-01-02T00:00:00Z")));
    assert!(outlived(&saved, at("2026-01-02T00:00:01Z")));
    saved.valid_until = "for ever".into();
    assert!(outlived(&saved, at("2026-01-01T00:00:00Z")));
}
