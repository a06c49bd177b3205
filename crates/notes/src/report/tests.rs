//! What sources told, and what is made of it.

use model::{ExitCode, HighlightKind, NotesDirection};

use super::*;
use crate::source::{Reach, SourceNotes};
use crate::way::Versions;

fn way(running: (&str, &str), target: (&str, &str)) -> Way {
    let versions = |(app, chart): (&str, &str)| Versions {
        app: Some(app.to_owned()),
        chart: Some(chart.to_owned()),
    };
    Way::between(&versions(running), &versions(target), VersionOf::App)
}

fn entry(version: &str, text: &str) -> Entry {
    Entry {
        version: version.into(),
        title: None,
        date: Some("2026-05-01".into()),
        prerelease: version.contains("-rc"),
        url: None,
        text: text.into(),
    }
}

fn source_of(name: &str, reach: Reach, entries: Vec<Entry>) -> Answered {
    Answered::now(name.into(), None, SourceNotes { reach, entries })
}

fn releases() -> Answered {
    source_of(
        "releases",
        Reach::Whole,
        vec![
            entry(
                "v1.2.0",
                "## Breaking changes\n- the port moves\n\n## Security\n- CVE-2026-10421",
            ),
            entry("v1.2.0-rc.1", "## Breaking changes\n- tried out"),
            entry("v1.1.0", "- migration 7 rewrites orders"),
            entry("v1.0.0", "- the first"),
        ],
    )
}

fn told(way: &Way, answers: &[Answered], prereleases: bool) -> NotesReport {
    report(&ReportRequest {
        release: "shop",
        way,
        answers,
        markers: &NotesMarkers::default(),
        links: Vec::new(),
        prereleases,
        now: Timestamp::from_second(10_000).unwrap(),
    })
}

fn versions(report: &NotesReport) -> Vec<&str> {
    report
        .versions
        .iter()
        .map(|notes| notes.version.as_str())
        .collect()
}

#[test]
fn what_is_coming_is_told_oldest_first() {
    let report = told(&way(("1.0.0", "1"), ("1.2.0", "1")), &[releases()], false);
    assert_eq!(versions(&report), ["1.1.0", "1.2.0"]);
    assert_eq!(report.direction, NotesDirection::Upgrade);
    assert_eq!(
        (report.verdict, report.exit_code(false)),
        (NotesVerdict::Known, ExitCode::Done)
    );
    let summary = report.summary;
    assert_eq!((summary.versions, summary.prereleases_left_out), (2, 1));
    assert_eq!(
        (summary.breaking, summary.migrations, summary.security),
        (1, 1, 1)
    );
    assert_eq!(report.versions[1].headline, "the port moves");
    assert_eq!(report.versions[0].highlights[0].kinds, [HighlightKind::Migration]);
}

#[test]
fn what_is_being_left_is_told_newest_first() {
    let report = told(&way(("1.2.0", "1"), ("1.0.0", "1")), &[releases()], false);
    assert_eq!(versions(&report), ["1.2.0", "1.1.0"]);
    assert_eq!(report.direction, NotesDirection::Rollback);
    assert_eq!(report.verdict, NotesVerdict::Known);
}

#[test]
fn prereleases_are_told_where_asked_for_or_gone_to() {
    let up = way(("1.0.0", "1"), ("1.2.0", "1"));
    assert_eq!(
        versions(&told(&up, &[releases()], true)),
        ["1.1.0", "1.2.0-rc.1", "1.2.0"]
    );
    let to_rc = way(("1.0.0", "1"), ("1.2.0-rc.1", "1"));
    assert_eq!(
        versions(&told(&to_rc, &[releases()], false)),
        ["1.1.0", "1.2.0-rc.1"]
    );
}

#[test]
fn a_prerelease_that_is_told_is_not_left_out_as_well() {
    let marked = source_of(
        "marked",
        Reach::Whole,
        vec![
            Entry {
                prerelease: true,
                ..entry("1.1.0", "- tried out")
            },
            entry("1.0.0", ""),
        ],
    );
    let report = told(&way(("1.0.0", "1"), ("1.2.0", "1")), &[releases(), marked], false);
    assert_eq!(versions(&report), ["1.1.0", "1.2.0"]);
    assert_eq!(report.summary.prereleases_left_out, 1, "the rc alone");
}

#[test]
fn what_nobody_tells_is_unknown_and_never_good() {
    let up = way(("1.0.0", "1"), ("1.3.0", "1"));
    let unreadable = Answered::unreadable("releases".into(), None, "x does not answer".into());
    for (answers, remark, reason) in [
        (vec![], "no source of notes is known", None),
        (
            vec![unreadable],
            "no source could be read",
            Some("x does not answer"),
        ),
        (
            vec![releases()],
            "no source tells every version",
            Some("tells nothing of 1.3.0"),
        ),
    ] {
        let report = told(&up, &answers, false);
        assert_eq!(
            (report.verdict, report.exit_code(false)),
            (NotesVerdict::Unknown, ExitCode::CannotTell)
        );
        assert!(report.remarks[0].starts_with(remark), "{:?}", report.remarks);
        let told = report.sources.first().and_then(|source| source.reason.as_deref());
        assert_eq!(told, reason);
    }
}

#[test]
fn the_application_decides_and_a_chart_without_notes_is_told() {
    let both = way(("1.0.0", "0.4.0"), ("1.2.0", "0.5.0"));
    let own = Answered {
        of: Some(VersionOf::Chart),
        ..source_of(
            "annotations",
            Reach::Own,
            vec![entry("0.5.0", "### Changed\n- a label")],
        )
    };
    let report = told(&both, &[releases(), own.clone()], false);
    assert_eq!(report.verdict, NotesVerdict::Partly);
    assert_eq!(report.exit_code(false), ExitCode::Done);
    assert_eq!(versions(&report), ["1.1.0", "1.2.0", "0.5.0"]);
    assert_eq!(report.versions[2].of, VersionOf::Chart);
    assert_eq!(
        report.sources[1].reason.as_deref(),
        Some("tells of its own version alone")
    );
    assert_eq!(told(&both, &[own], false).verdict, NotesVerdict::Unknown);
}

#[test]
fn two_sources_on_one_version_are_one_note() {
    let log = source_of(
        "log",
        Reach::Whole,
        vec![
            Entry {
                url: Some("https://x.example/1.2.0".into()),
                ..entry("1.2.0", "### Removed\n- The port moves!\n- the old key")
            },
            entry("1.0.0", ""),
        ],
    );
    let report = told(&way(("1.0.0", "1"), ("1.2.0", "1")), &[releases(), log], false);
    let notes = &report.versions[1];
    assert_eq!(notes.sources, ["releases", "log"]);
    assert_eq!(notes.url.as_deref(), Some("https://x.example/1.2.0"));
    let pieces: Vec<&str> = notes.highlights.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(pieces, ["the port moves", "CVE-2026-10421", "the old key"]);
}

#[test]
fn an_answer_of_earlier_is_told_with_its_age() {
    let cached = Answered {
        state: NotesState::Cached,
        at: Some(Timestamp::from_second(9_000).unwrap()),
        reason: Some("x does not answer".into()),
        ..releases()
    };
    let report = told(&way(("1.0.0", "1"), ("1.2.0", "1")), &[cached], false);
    let source = &report.sources[0];
    assert_eq!(
        (source.state, source.age_seconds),
        (NotesState::Cached, Some(1000))
    );
    assert_eq!(source.reason.as_deref(), Some("x does not answer"));
    assert_eq!(report.verdict, NotesVerdict::Known);
}

#[test]
fn the_same_version_needs_no_notes_and_one_without_order_is_unknown() {
    let same = told(&way(("1.0.0", "1"), ("v1.0.0", "1")), &[], false);
    assert_eq!(
        (same.direction, same.verdict),
        (NotesDirection::Same, NotesVerdict::Known)
    );
    let lost = told(&way(("latest", "1"), ("1.0.0", "2")), &[releases()], false);
    assert_eq!(lost.verdict, NotesVerdict::Unknown);
    assert!(lost.remarks[0].contains("\"latest\""), "{:?}", lost.remarks);
    for (running, target) in [
        (("latest", "1"), ("latest", "1")),
        (("", "0.4.0"), ("2.0", "")),
        (("1.0.0", ""), ("", "0.5.0")),
    ] {
        let lost = told(&way(running, target), &[releases()], false);
        assert_eq!(
            (lost.verdict, lost.exit_code(false)),
            (NotesVerdict::Unknown, ExitCode::CannotTell),
            "{running:?} {target:?}"
        );
    }
}

#[test]
fn a_chart_does_not_answer_for_an_application_that_is_known_at_one_end() {
    let answers = [Answered {
        of: Some(VersionOf::Chart),
        ..source_of(
            "log",
            Reach::Whole,
            vec![entry("0.5.0", "- a"), entry("0.4.0", "- b")],
        )
    }];
    let half = told(&way(("1.0.0", "0.4.0"), ("", "0.5.0")), &answers, false);
    assert_eq!(half.verdict, NotesVerdict::Unknown);
    assert!(
        half.remarks[0].contains("--running VERSION"),
        "{:?}",
        half.remarks
    );
    let none = told(&way(("", "0.4.0"), ("", "0.5.0")), &answers, false);
    assert_eq!(none.verdict, NotesVerdict::Known);
}
