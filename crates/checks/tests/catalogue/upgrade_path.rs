//! What an upgrade path says of the jump from 1.0.0 to 1.1.0.

use model::path::{PathAnswer, PathFacts, PredicateAnswer, UpgradePath};
use model::profile::QuiesceNeed;
use model::{CheckVerdict, Seen, WorkloadKind};

use crate::fixture::{Case, chart, hidden};

/// A path by its YAML.
pub(crate) fn path(text: &str) -> UpgradePath {
    let text = format!("apiVersion: safe-upgrade.dev/v1alpha1\nkind: Path\nname: ledger\npath:\n{text}");
    model::path::parse_path("ledger.yaml", &text)
        .expect("the path of the test is a path")
        .path
}

/// The healthy release with this path, and with an answer to the question of each id.
pub(crate) fn on(text: &str, answers: &[(&str, Seen<bool>)]) -> Case {
    Case::with(|case| {
        case.profile.path = Some(path(text));
        case.seen.path = Some(PathFacts {
            origin: "path ledger from ledger.yaml".into(),
            answers: answers
                .iter()
                .map(|(id, answer)| PathAnswer {
                    id: (*id).into(),
                    answer: answer.clone().map(|applies| PredicateAnswer {
                        applies,
                        words: format!("{applies}, rows = 41"),
                    }),
                })
                .collect(),
        });
    })
}

fn changed(mut case: Case, change: impl FnOnce(&mut Case)) -> Case {
    change(&mut case);
    case
}

const STOP: &str = "  chart: { reference: 'oci://registry.example/ledger', versions: sameAsApp }
  stops:
    - { visit: 1.0.5, why: 1.0.5 moves the books, source: notes of 1.0.5 }
";

#[test]
fn a_path_that_knows_the_application_is_named_and_none_is_unknown() {
    Case::healthy().says("path-known", "pass", &["the path of profile ledger"]);
    let none = Case::with(|case| {
        case.profile.path = None;
        case.seen.path = None;
    });
    none.says("path-known", "unknown", &["no path knows", "was not judged"]);
    on("  reviewedTo: 1.0.5\n", &[]).says("path-known", "warn", &["up to 1.0.5", "1.1.0 is newer"]);
    Case::with(|case| case.target = None).says("path-known", "skip", &[]);
    Case::with(|case| case.target().is_upgrade = false).says("path-known", "skip", &["running revision"]);
}

#[test]
fn passing_a_stop_by_blocks_with_the_command_for_the_next_upgrade() {
    Case::healthy().says("path-stops", "pass", &["1.0.0 to 1.1.0 in one upgrade"]);
    let case = on(STOP, &[]);
    case.says(
        "path-stops",
        "fail",
        &["1.0.5, then 1.1.0", "moves the books", "notes of 1.0.5"],
    );
    assert_eq!(
        case.row("path-stops").remedy[0].command.as_deref(),
        Some("kubectl upgrade-check shop oci://registry.example/ledger --version 1.0.5 -n shop")
    );
    let advised = STOP.replace("why:", "severity: warn, why:");
    on(&advised, &[]).says("path-stops", "warn", &["1.0.5"]);
    let visited = changed(on(STOP, &[]), |case| case.release().chart = chart("1.0.5"));
    visited.says("path-stops", "pass", &[]);
}

#[test]
fn a_stop_that_cannot_be_judged_is_unknown_and_going_back_is_no_way() {
    let to = |version: &str| changed(on(STOP, &[]), |case| case.target().chart = chart(version));
    to("edge").says("path-stops", "unknown", &["edge", "cannot be put in order"]);
    to("0.9.0").says("path-stops", "skip", &["older"]);
    to("1.0.0").says("path-stops", "pass", &["runs already"]);
    changed(on(STOP, &[]), |case| case.seen.release = hidden()).says(
        "path-stops",
        "unknown",
        &["the right is missing"],
    );
    changed(on(STOP, &[]), |case| case.profile.path = None).says("path-stops", "skip", &["no path"]);
    Case::with(|case| case.target = None).says("path-stops", "skip", &["no target"]);
}

#[test]
fn steps_that_nobody_lists_are_unknown_and_only_warned_of_where_they_are_advised() {
    let steps = |severity: &str| {
        let text = format!(
            "  largestJump: {{ count: 1, of: version, severity: {severity}, why: one by one, source: notes }}\n"
        );
        on(&text, &[])
    };
    steps("block").says("path-stops", "unknown", &["one by one", "does not reach"]);
    steps("warn").says("path-stops", "warn", &["one by one", "does not reach"]);
}

/// The release at one version with a target of another.
fn between(text: &str, from: &str, to: &str) -> Case {
    changed(on(text, &[]), |case| {
        case.release().chart = chart(from);
        case.target().chart = chart(to);
    })
}

#[test]
fn an_advised_stop_does_not_stand_in_for_a_step_that_binds() {
    let text = "  largestJump: { count: 1, of: minor, why: step by step, source: notes }
  stops:
    - { visit: 1.3.0, severity: warn, why: a good place to rest, source: notes }
";
    between(text, "1.2.0", "1.4.0").says("path-stops", "fail", &["1.3.0, then 1.4.0", "step by step"]);
    let advised = text.replace("of: minor,", "of: minor, severity: warn,");
    between(&advised, "1.2.0", "1.4.0").says("path-stops", "warn", &["a good place to rest"]);
    // The advised stop alone ends there; what binds is kept to.
    between(text, "1.2.9", "1.3.4").says("path-stops", "warn", &["1.3.0, then 1.3.4"]);
}

#[test]
fn a_stop_that_is_passed_by_blocks_even_where_the_rest_of_the_way_cannot_be_told() {
    let text = "  chart: { reference: repo/ledger, versions: sameAsApp }
  largestJump: { count: 1, of: version, why: one by one, source: notes }
  known: [{ version: 1.0.0 }, { version: 1.2.0 }]
  stops:
    - { visit: 1.2.0, why: the books move, source: notes }
";
    let case = between(text, "1.0.0", "1.4.0");
    case.says(
        "path-stops",
        "fail",
        &["begins with 1.2.0", "the books move", "does not reach"],
    );
    assert_eq!(
        case.row("path-stops").remedy[0].command.as_deref(),
        Some("kubectl upgrade-check shop repo/ledger --version 1.2.0 -n shop")
    );
    // Only advised, it is no reason to stop, and what binds is not known.
    let advised = text.replace("visit: 1.2.0, why", "visit: 1.2.0, severity: warn, why");
    between(&advised, "1.0.0", "1.4.0").says("path-stops", "unknown", &["does not reach"]);
}

#[test]
fn the_running_version_is_read_where_the_path_says() {
    let by_image = format!("  running: {{ read: imageTag, image: ledger }}\n{STOP}");
    let case = changed(on(&by_image, &[]), |case| {
        for workload in case.workloads() {
            for container in &mut workload.containers {
                if container.image.contains("ledger") {
                    container.image = "localhost/ledger:1.0.7".into();
                }
            }
        }
    });
    case.says("path-stops", "pass", &["1.0.7 to 1.1.0"]);
    let mixed = changed(on(&by_image, &[]), |case| {
        case.workloads()[0].containers[0].image = "localhost/ledger:1.0.7".into();
    });
    mixed.says("path-stops", "unknown", &["there are several: 1.0.0, 1.0.7"]);
}

#[test]
fn a_label_tells_the_version_on_both_sides() {
    const LABEL: &str = "app.kubernetes.io/version";
    let by_label = format!("  running: {{ read: label, label: {LABEL} }}\n{STOP}");
    let labelled = |from: &str, to: &str| {
        changed(on(&by_label, &[]), |case| {
            for workload in case.workloads() {
                workload.labels.insert(LABEL.into(), from.into());
            }
            for workload in &mut case.target().workloads {
                workload.labels.insert(LABEL.into(), to.into());
            }
        })
    };
    labelled("1.0.0", "1.1.0").says("path-stops", "fail", &["1.0.5, then 1.1.0"]);
    labelled("1.0.7", "1.1.0").says("path-stops", "pass", &["1.0.7 to 1.1.0"]);
    labelled("1.0.7", "newest").says("path-stops", "unknown", &["`newest`"]);
    on(&by_label, &[]).says("path-stops", "unknown", &["no workload has the label"]);
}

#[test]
fn a_chart_with_an_app_version_is_not_compared_with_one_without() {
    let new = changed(on(STOP, &[]), |case| case.release().chart.app_version = None);
    new.says("path-stops", "unknown", &["the running one has none"]);
    let old = changed(on(STOP, &[]), |case| case.target().chart.app_version = None);
    old.says("path-stops", "unknown", &["the target's has none"]);
    let neither = changed(old, |case| case.release().chart.app_version = None);
    neither.says("path-stops", "fail", &["1.0.5, then 1.1.0"]);
    let by_chart = format!("  running: {{ read: chartVersion }}\n{STOP}");
    changed(on(&by_chart, &[]), |case| case.release().chart.app_version = None).says(
        "path-stops",
        "fail",
        &["1.0.5, then 1.1.0"],
    );
}

fn hazard(severity: &str, sql: bool) -> String {
    let sql = if sql { ", sql: select true" } else { "" };
    format!(
        "  hazards:\n    - {{ id: big-books, severity: {severity}, to: '>=1.1.0', what: books are rewritten, do: archive \
         them, command: archive --now, source: notes{sql} }}\n"
    )
}

#[test]
fn a_hazard_weighs_what_it_says_and_shows_what_the_database_answered() {
    Case::healthy().says("path-hazards", "pass", &["none is known"]);
    on(&hazard("block", false), &[]).says("path-hazards", "fail", &["big-books", "books are rewritten"]);
    on(&hazard("warn", false), &[]).says("path-hazards", "warn", &["big-books"]);
    on(&hazard("info", false), &[]).says("path-hazards", "pass", &[]);
    let applies = on(&hazard("block", true), &[("big-books", Seen::Present(true))]);
    applies.says("path-hazards", "fail", &["true, rows = 41"]);
    assert_eq!(
        applies.row("path-hazards").remedy[0].command.as_deref(),
        Some("archive --now")
    );
    on(&hazard("block", true), &[("big-books", Seen::Present(false))]).says(
        "path-hazards",
        "pass",
        &["not of this database"],
    );
}

#[test]
fn a_hazard_that_could_not_be_asked_about_is_never_taken_for_absent() {
    on(&hazard("block", true), &[("big-books", hidden())]).says(
        "path-hazards",
        "unknown",
        &["big-books", "the right is missing"],
    );
    let by_hand = on(&hazard("block", true), &[("big-books", hidden())])
        .row("path-hazards")
        .remedy[0]
        .clone();
    assert!(
        by_hand
            .command
            .unwrap()
            .ends_with("psql -U ledger -d ledger -c 'select true'")
    );
    on(&hazard("block", true), &[]).says("path-hazards", "unknown", &["was not asked"]);
    on(&hazard("warn", true), &[("big-books", hidden())]).says("path-hazards", "warn", &["right is missing"]);
    changed(on(&hazard("block", false), &[]), |case| {
        case.seen.release = hidden()
    })
    .says("path-hazards", "unknown", &[]);
    Case::with(|case| case.target = None).says("path-hazards", "skip", &[]);
}

#[test]
fn of_several_hazards_the_gravest_decide() {
    let text = "  hazards:
    - { id: one, severity: block, from: '<1.1.0', what: a, do: d, source: s }
    - { id: two, severity: block, what: b, do: d, source: s, sql: select true }
    - { id: three, severity: warn, what: c, do: d, source: s }
    - { id: elsewhere, severity: block, from: '>=1.1.0', what: x, do: d, source: s }
";
    let case = on(text, &[("two", Seen::Present(true))]);
    case.says("path-hazards", "fail", &["one: a", "two: b"]);
    let message = case.row("path-hazards").verdict.message().to_owned();
    assert!(
        !message.contains("three") && !message.contains("elsewhere"),
        "{message}"
    );
}

fn overlap(sql: bool) -> String {
    let sql = if sql { ", sql: select true" } else { "" };
    format!(
        "  mustNotOverlap:\n    - {{ id: totals, to: '>=1.1.0', why: totals go wrong, source: notes{sql} }}\n"
    )
}

/// The web pods go on serving during an upgrade.
fn serving(case: Case) -> Case {
    changed(case, |case| {
        for role in &mut case.profile.roles {
            if role.name == "web" {
                role.quiesce = QuiesceNeed::Never;
            }
        }
    })
}

/// Nothing runs while the upgrade is done.
fn stopped(case: Case) -> Case {
    changed(case, |case| {
        for workload in case.workloads() {
            if workload.name.kind != WorkloadKind::CronJob {
                workload.desired = Some(0);
            }
        }
    })
}

#[test]
fn pods_that_must_not_run_together_block_where_the_old_ones_serve_on() {
    Case::healthy().says("path-overlap", "pass", &["as far as is known"]);
    on(&overlap(false), &[]).says(
        "path-overlap",
        "warn",
        &["deployment/web", "totals go wrong", "safe-upgrade stops"],
    );
    serving(on(&overlap(false), &[])).says("path-overlap", "fail", &["deployment/web", "must not"]);
    serving(on(&overlap(true), &[("totals", Seen::Present(false))])).says("path-overlap", "pass", &[]);
    serving(on(&overlap(true), &[("totals", hidden())])).says(
        "path-overlap",
        "unknown",
        &["the right is missing"],
    );
    stopped(on(&overlap(false), &[])).says("path-overlap", "pass", &["no old pod"]);
    changed(on(&overlap(false), &[]), |case| case.seen.workloads = hidden()).says(
        "path-overlap",
        "unknown",
        &[],
    );
    Case::with(|case| case.target = None).says("path-overlap", "skip", &[]);
}

#[test]
fn an_overlap_that_is_certain_is_told_before_one_that_is_not_known() {
    let both = format!(
        "{}    - {{ id: schema, why: the old code fails, source: notes }}\n",
        overlap(true)
    );
    let case = serving(on(&both, &[("totals", hidden())]));
    case.says("path-overlap", "fail", &["the old code fails"]);
}

#[test]
fn the_row_and_the_report_on_the_way_judge_an_overlap_alike() {
    let asked = || on(&overlap(true), &[("totals", hidden())]);
    let denied = || on(&overlap(true), &[("totals", Seen::Present(false))]);
    let always = || on(&overlap(false), &[]);
    for (case, word, verdict) in [
        (always(), "warn", CheckVerdict::Warnings),
        (serving(always()), "fail", CheckVerdict::Blocked),
        (stopped(always()), "pass", CheckVerdict::Ready),
        (asked(), "warn", CheckVerdict::Warnings),
        (serving(asked()), "unknown", CheckVerdict::Incomplete),
        (stopped(asked()), "pass", CheckVerdict::Ready),
        (serving(denied()), "pass", CheckVerdict::Ready),
    ] {
        case.says("path-overlap", word, &[]);
        let report = checks::path::path_report(&case.seen, &case.profile, case.target.as_ref(), None);
        assert_eq!(report.verdict, verdict, "{word}: {report:?}");
    }
}

#[test]
fn pods_that_serve_on_are_the_users_to_stop() {
    let case = serving(on(&overlap(false), &[]));
    let report = checks::path::path_report(&case.seen, &case.profile, case.target.as_ref(), None);
    for remedy in [&case.row("path-overlap").remedy, &report.hops[0].meets[0].remedy] {
        assert!(
            remedy[0].text.contains("quiesce: required") && !remedy[0].text.contains("safe-upgrade"),
            "{remedy:?}"
        );
    }
}
