//! What a plan says of load, terms and the time after.

use model::{LoadLimit, OnSlow, Plan, PostCheck, Profile, RunTerms, ServiceEndpoints, Smoke, StepSpec};

use super::tests::{World, input, words, world};
use super::{AfterWishes, PlanInput, PlanRefusal, plan};

fn profile(rest: &str) -> Profile {
    let text = format!("apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: shop\n{rest}");
    model::profile::parse("shop", &text).unwrap()
}

fn planned(world: &World, change: impl FnOnce(&mut PlanInput<'_>)) -> Result<Plan, PlanRefusal> {
    let mut input = input(world);
    change(&mut input);
    plan(&input)
}

fn load(plan: &Plan) -> Option<&LoadLimit> {
    plan.steps.iter().find_map(|step| match &step.spec {
        StepSpec::WaitIdle(wait) => Some(&wait.load),
        _ => None,
    })
}

fn check(plan: &Plan) -> &PostCheck {
    let last = plan.steps.last().unwrap();
    match &last.spec {
        StepSpec::PostCheck(check) => check,
        other => panic!("the last step looks at the result: {other:?}"),
    }
}

#[test]
fn load_is_looked_at_first_and_the_users_words_go_before_the_profiles() {
    let mut world = world();
    assert_eq!(load(&planned(&world, |_| ()).unwrap()), None);
    let quiet =
        "offPeak: { maxActive: 9, maxTps: 50, activity: [{ what: nobody buys, sql: select true }] }\n";
    world.profile = profile(quiet);
    let plan = planned(&world, |input| input.load.max_active = Some(2)).unwrap();
    assert_eq!(words(&plan)[0], "wait-idle");
    let limit = load(&plan).unwrap();
    assert_eq!((limit.max_active, limit.max_tps), (Some(2), Some(50)));
    let title = &plan.steps[0].title;
    assert!(
        title.contains("at most 2 sessions at work, at most 50 transactions a second, nobody buys"),
        "{title}"
    );
    let refused = planned(&world, |input| {
        input.database = None;
        input.load.max_tps = Some(1);
    });
    assert!(matches!(refused, Err(PlanRefusal::NoLoadToMeasure)));
}

#[test]
fn terms_stand_in_the_plan_as_they_are() {
    let terms = RunTerms {
        deadline: Some("2026-02-01T04:00:00Z".into()),
        on_slow: OnSlow::Abort,
        ..RunTerms::default()
    };
    let plan = planned(&world(), |input| input.terms = Some(terms.clone())).unwrap();
    assert_eq!(
        (plan.terms.as_ref(), plan.on_slow()),
        (Some(&terms), OnSlow::Abort)
    );
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn smoke_of_the_profile_and_of_the_user_is_the_last_that_is_looked_at() {
    let mut world = world();
    world.profile = profile(
        "smoke: [{ what: orders can be read, sql: select true }, { what: the shop answers, command: ./smoke.sh }]\n\
         compare: { tables: [orders], errorMarkers: [E!] }\n",
    );
    let wishes = |profile_commands| AfterWishes {
        smoke: vec!["./mine.sh".into()],
        helm_test: true,
        profile_commands,
    };
    let without = planned(&world, |input| input.after = wishes(false)).unwrap();
    let what = |plan: &Plan| {
        check(plan)
            .smoke
            .iter()
            .map(|one| one.what().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(what(&without), ["orders can be read", "./mine.sh"]);
    assert!(
        without
            .notices
            .iter()
            .any(|notice| notice.contains("--allow-profile-commands"))
    );
    assert!(
        without
            .notices
            .iter()
            .any(|notice| notice.contains("has no tests"))
    );
    assert_eq!(check(&without).helm_test_seconds, None);

    let with = planned(&world, |input| {
        input.after = wishes(true);
        input.has_tests = true;
        input.before.services.push(ServiceEndpoints {
            namespace: "shop".into(),
            name: "web".into(),
            ready: 2,
        });
    })
    .unwrap();
    assert_eq!(
        what(&with),
        ["orders can be read", "the shop answers", "./mine.sh"]
    );
    assert!(
        check(&with)
            .smoke
            .iter()
            .any(|one| matches!(one, Smoke::Command { command, .. } if command == "./smoke.sh"))
    );
    assert_eq!(check(&with).helm_test_seconds, Some(300));
    assert_eq!(
        (
            check(&with).tables.as_slice(),
            check(&with).error_markers.as_slice()
        ),
        (&["orders".to_owned()][..], &["E!".to_owned()][..])
    );
    let title = &with.steps.last().unwrap().title;
    for part in ["endpoints", "rows of orders", "helm test", "the shop answers"] {
        assert!(title.contains(part), "{part} in {title}");
    }
}
