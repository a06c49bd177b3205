//! The way to a version.

use model::{Confidence, NextStep, Remedy, Severity};

use super::{release, shown};
use crate::Style;

/// A way on which everything stands that can stand there.
fn way() -> model::path::PathReport {
    use model::path::{Hop, HopJudged, Meeting, MeetingKind, MeetingState, PathReport, PathState};
    let meeting = |id: &str, severity: Severity, state: MeetingState, evidence: Option<&str>| Meeting {
        id: id.into(),
        kind: if id.starts_with("pods") {
            MeetingKind::Overlap
        } else {
            MeetingKind::Hazard
        },
        severity,
        what: "orders are rewritten".into(),
        state,
        evidence: evidence.map(str::to_owned),
        remedy: vec![Remedy {
            text: "archive orders".into(),
            command: (id == "grave").then(|| "shop archive".into()),
        }],
        source: "notes of 2.0".into(),
        confidence: if id == "mild" {
            Confidence::Inferred
        } else {
            Confidence::Reported
        },
    };
    let hop = |from: &str, to: &str, judged: HopJudged, because: &[&str], meets: Vec<Meeting>| Hop {
        from: from.into(),
        to: to.into(),
        released: (to == "2.0.0").then(|| "2026-02-03".into()),
        chart_version: None,
        because: because.iter().map(|why| (*why).to_owned()).collect(),
        judged,
        meets,
    };
    let mut report = PathReport::new(
        release(),
        Some("path shop, built in".into()),
        Some("1.4.0".into()),
        "3.0.0".into(),
    );
    report.state = PathState::Stops;
    report.verdict = model::CheckVerdict::Blocked;
    report.hops = vec![
        hop(
            "1.4.0",
            "2.0.0",
            HopJudged::Now,
            &["2.0 moves the orders (notes of 2.0)"],
            vec![
                meeting(
                    "grave",
                    Severity::Block,
                    MeetingState::Applies,
                    Some("true, orders = 41"),
                ),
                meeting("mild", Severity::Warn, MeetingState::Applies, None),
                meeting(
                    "untold",
                    Severity::Block,
                    MeetingState::Unknown,
                    Some("permission denied for table orders"),
                ),
                meeting(
                    "elsewhere",
                    Severity::Block,
                    MeetingState::DoesNotApply,
                    Some("false"),
                ),
                meeting(
                    "pods-together",
                    Severity::Warn,
                    MeetingState::Applies,
                    Some("deployment/web would overlap"),
                ),
            ],
        ),
        hop(
            "2.0.0",
            "2.5.0",
            HopJudged::Later,
            &["every fifth must be visited (notes)"],
            vec![meeting("grave", Severity::Block, MeetingState::Later, None)],
        ),
        hop("2.5.0", "3.0.0", HopJudged::Later, &[], Vec::new()),
    ];
    report.unknown = vec!["the list of versions does not reach".into()];
    report.notes = vec!["the path was looked at up to 2.5.0".into()];
    report.next = vec![NextStep {
        text: "go to 2.0.0 first; judge that upgrade".into(),
        command: Some("kubectl upgrade-check shop repo/shop --version 2.0.0 -n prod".into()),
    }];
    report
}

#[test]
fn a_way_tells_every_upgrade_and_what_it_meets() {
    insta::assert_snapshot!(shown(|out| crate::path_report(
        out,
        Style::plain(),
        &way(),
        false
    )));
    insta::assert_snapshot!("way_ticket", shown(|out| crate::path_markdown(out, &way())));
}

#[test]
fn a_way_that_is_none_says_so_in_a_line() {
    use model::path::{PathReport, PathState};
    let told = |state: PathState| {
        let mut report = PathReport::new(release(), None, None, "3.0.0".into());
        report.state = state;
        shown(|out| crate::path_report(out, Style::plain(), &report, false))
    };
    assert!(told(PathState::NothingToDo).contains("it runs already"));
    assert!(told(PathState::Downgrade).contains("no way leads to an older version"));
    let unknown = told(PathState::Unknown);
    assert!(
        unknown.contains("unknown version -> 3.0.0") && unknown.contains("cannot tell (exit code 3)"),
        "{unknown}"
    );
}
