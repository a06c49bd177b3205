//! A change request, from what a saved plan holds.

use std::collections::BTreeMap;

use model::{
    API_VERSION, ExpectedDuration, KnownFrom, PinnedWorkload, Plan, PlanBasis, PlannedStep, Quiesce,
    Reversal, SavedPlan, StepSpec, WorkloadKind, WorkloadName,
};

use super::{release, shown, target};

fn saved() -> SavedPlan {
    let step = |id: &str, title: &str, reversal, spec| PlannedStep {
        id: id.into(),
        title: title.into(),
        reversal,
        spec,
    };
    let forget = || StepSpec::ForgetRevision(model::ForgetRevision { pass: "x".into() });
    SavedPlan {
        api_version: API_VERSION.into(),
        kind: SavedPlan::KIND.into(),
        made_by: "ann@desk".into(),
        valid_until: "2026-01-02T00:00:00Z".into(),
        command: vec!["shop".into(), "./my shop".into()],
        given_again: vec!["--set db.password".into(), "--password".into()],
        expected: BTreeMap::from([(
            "02-pass".into(),
            ExpectedDuration {
                seconds: 90,
                known_from: KnownFrom::Profile,
            },
        )]),
        downtime: Some(ExpectedDuration {
            seconds: 130,
            known_from: KnownFrom::Measured,
        }),
        whole: "w".into(),
        basis: PlanBasis {
            program: "0.1.0".into(),
            cluster: Some("uid".into()),
            helm: 4,
            profile_sha256: "p".into(),
            workloads: vec![PinnedWorkload {
                workload: WorkloadName {
                    kind: WorkloadKind::Deployment,
                    namespace: "prod".into(),
                    name: "web".into(),
                },
                replicas: Some(2),
                suspended: None,
                images: BTreeMap::from([("app".into(), "shop:1.4.0".into())]),
            }],
            database: None,
            chart: "c".into(),
            values: "v".into(),
            objects: BTreeMap::new(),
            unpinned: vec!["Secret token".into()],
            salt: "s".into(),
            seal: "e".into(),
        },
        plan: Plan {
            api_version: API_VERSION.into(),
            kind: "Plan".into(),
            created_at: "2026-01-01T00:00:00Z".into(),
            from: release(),
            to: target(),
            profile: "generic".into(),
            gate: model::GateMode::Traffic,
            chart_sha256: String::new(),
            values_digest: String::new(),
            helm_flags: Vec::new(),
            terms: None,
            steps: vec![
                step(
                    "01-quiesce",
                    "stop writers: deployment/web 2 → 0",
                    Reversal::Automatic,
                    StepSpec::Quiesce(Quiesce { targets: Vec::new() }),
                ),
                step("02-pass", "helm upgrade", Reversal::NotNeeded, forget()),
                step("03-open", "open | the gate", Reversal::OnConsent, forget()),
            ],
            priced_from: Some(2),
            no_way_back: None,
            notices: vec!["web is replaced once more".into()],
        },
    }
}

#[test]
fn a_change_request_says_who_what_how_long_and_what_to_type() {
    let text = shown(|out| crate::plan_markdown(out, &saved(), Some("plan.json")));
    for line in [
        "# Change: upgrade shop in prod from shop-1.4.0 to shop-2.0.0",
        "| made by | ann@desk |",
        "| good until | 2026-01-02 00:00Z |",
        "| writers that go on during the migration | none |",
        "| downtime | writers are stopped for about 2 min 10 s (measured) |",
        "| 1 | stop writers: deployment/web 2 → 0 | unknown | by itself: the counts are given back |",
        "| 2 | helm upgrade | 1 min 30 s (by the profile) | changes nothing that needs it |",
        "| | **from here on turning back has a price** | | |",
        "| 3 | open \\| the gate | unknown | on consent: `abort --accept-loss` |",
        "- deployment/web: 2 pods, app shop:1.4.0",
        "- not compared, because every rendering differs: Secret token",
        "- web is replaced once more",
        "    helm safe-upgrade --plan plan.json --set db.password=… --password …",
        "    helm safe-upgrade status shop -n prod",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "no line {line:?} in\n{text}"
        );
    }
    assert!(text.contains("Until step 3 (open \\| the gate)"), "{text}");
}

#[test]
fn the_terms_stand_in_a_change_request_in_absolute_time() {
    let text = shown(|out| crate::plan_markdown(out, &saved(), None));
    assert!(!text.contains("when slow"), "{text}");
    let mut saved = saved();
    saved.plan.terms = Some(model::RunTerms {
        window: Some(model::WindowSpan {
            words: "22:00-04:00 UTC".into(),
            opens: "2026-01-01T22:00:00Z".into(),
            closes: "2026-01-02T04:00:00Z".into(),
        }),
        deadline: Some("2026-01-02T03:00:00Z".into()),
        on_slow: model::OnSlow::Abort,
        ..model::RunTerms::default()
    });
    let text = shown(|out| crate::plan_markdown(out, &saved, None));
    for told in [
        "| window | 22:00-04:00 UTC (from 2026-01-01T22:00:00Z to 2026-01-02T04:00:00Z) |\n",
        "| deadline | 2026-01-02T03:00:00Z; from then on nothing new begins",
        "| takes | nobody has measured how long it takes; a rehearsal would |\n",
        "| when slow | abort |\n",
    ] {
        assert!(text.contains(told), "no {told:?} in\n{text}");
    }
}

#[test]
fn a_writer_that_goes_on_is_named_with_its_price() {
    let mut saved = saved();
    saved.plan.steps[1].spec = StepSpec::HelmPass(model::HelmPass {
        gate: model::GateMode::Traffic,
        base_revision: 7,
        migrating: None,
        database_workloads: Vec::new(),
        workloads: Vec::new(),
        serving: vec![saved.basis.workloads[0].workload.clone()],
        hook_jobs: Vec::new(),
        database: None,
        timeout_seconds: 300,
        usual_seconds: None,
    });
    saved.plan.priced_from = Some(1);
    let text = shown(|out| crate::plan_markdown(out, &saved, None));
    for told in [
        "| writers that go on during the migration | deployment/web |",
        "Until step 2 (helm upgrade)",
        "**deployment/web goes on writing while the schema changes**",
        "loses what it wrote since the backup",
    ] {
        assert!(text.contains(told), "no {told:?} in\n{text}");
    }
}

#[test]
fn no_word_of_a_file_is_a_command_of_its_own() {
    let mut saved = saved();
    saved.given_again = vec!["--set a$(reboot)".into(), "-f; reboot".into()];
    let typed = crate::running_plan(&saved, "p.json");
    assert_eq!(
        typed,
        "helm safe-upgrade --plan p.json --set 'a$(reboot)'=… '-f;' reboot=…"
    );
}

#[test]
fn a_plan_that_was_not_saved_says_how_to_save_it() {
    let text = shown(|out| crate::plan_markdown(out, &saved(), None));
    let line = "    helm safe-upgrade shop './my shop' --set db.password=… --password … -n prod --save-plan plan.json";
    assert!(text.lines().any(|found| found == line), "{text}");
}

#[test]
fn what_is_not_known_is_not_promised() {
    let mut saved = saved();
    saved.downtime = None;
    let text = shown(|out| crate::plan_markdown(out, &saved, None));
    assert!(text.contains("for how long is unknown"), "{text}");
    saved.plan.steps.remove(0);
    saved.plan.priced_from = None;
    let text = shown(|out| crate::plan_markdown(out, &saved, None));
    assert!(text.contains("no writer is stopped"), "{text}");
    assert!(text.contains("None: turning back is free to the end."), "{text}");
}
