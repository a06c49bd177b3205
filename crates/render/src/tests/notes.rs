//! Release notes, for people and as a ticket.

use model::{
    Highlight, HighlightKind, NotesDirection, NotesLink, NotesReport, NotesSourceReport, NotesState,
    NotesSummary, NotesVerdict, VersionChange, VersionNotes, VersionOf,
};

use super::shown;
use crate::Style;

/// Notes in which every kind of piece, source and state stands.
fn told() -> NotesReport {
    let notes =
        |of: VersionOf, version: &str, headline: &str, pieces: &[(&[HighlightKind], &str)]| VersionNotes {
            of,
            version: version.into(),
            headline: headline.into(),
            date: Some("2026-05-01".into()),
            prerelease: version.contains("rc"),
            url: (of == VersionOf::App).then(|| format!("https://x.example/v{version}")),
            sources: vec!["GitHub releases of shop/web".into()],
            highlights: pieces
                .iter()
                .map(|(kinds, text)| Highlight {
                    kinds: kinds.to_vec(),
                    text: (*text).into(),
                    by: "under \"x\"".into(),
                })
                .collect(),
            text: "## Removed\n- the port <b>\n".into(),
        };
    let source = |name: &str, state, age_seconds, versions, reason: Option<&str>| NotesSourceReport {
        source: name.into(),
        state,
        age_seconds,
        versions,
        reason: reason.map(str::to_owned),
    };
    use HighlightKind::{Breaking, Deprecation, KnownIssue, Migration, Security};
    let versions = vec![
        notes(
            VersionOf::App,
            "1.1.0",
            "The big one",
            &[
                (&[Migration], "migration 7 rewrites orders"),
                (&[Deprecation], "the flag --wide"),
            ],
        ),
        notes(VersionOf::App, "1.2.0-rc.1", "", &[]),
        notes(
            VersionOf::App,
            "1.2.0",
            "the port moves",
            &[
                (&[Breaking, Migration], "the port moves"),
                (&[Security], "CVE-2026-10421"),
                (&[KnownIssue], "lists may be *stale*"),
            ],
        ),
        notes(VersionOf::Chart, "0.5.0", "a label", &[]),
    ];
    let change = |of, from: &str, to: &str, covered| VersionChange {
        of,
        from: from.into(),
        to: to.into(),
        covered,
    };
    NotesReport {
        direction: NotesDirection::Upgrade,
        changes: vec![
            change(VersionOf::App, "1.0.0", "1.2.0", true),
            change(VersionOf::Chart, "0.4.0", "0.5.0", false),
        ],
        verdict: NotesVerdict::Partly,
        summary: NotesSummary::of(&versions, 2),
        sources: vec![
            source("GitHub releases of shop/web", NotesState::Read, None, 3, None),
            source(
                "https://x.example/CHANGELOG.md",
                NotesState::Cached,
                Some(260_000),
                2,
                Some("x.example does not answer"),
            ),
            source(
                "annotations of the target's chart",
                NotesState::Saved,
                Some(10),
                1,
                Some("tells of its own version alone"),
            ),
            source(
                "CHANGELOG.md",
                NotesState::Unreadable,
                None,
                0,
                Some("it is a web page"),
            ),
        ],
        links: vec![NotesLink {
            name: "Notes".into(),
            url: "https://x.example/notes".into(),
        }],
        remarks: vec!["no source tells every version of the chart on the way".into()],
        versions,
        ..NotesReport::new("shop")
    }
}

#[test]
fn notes_are_told_by_version_and_for_a_ticket_by_kind() {
    let form = crate::NotesForm::default();
    insta::assert_snapshot!(
        "notes",
        shown(|out| crate::notes_report(out, Style::plain(), &told(), form))
    );
    insta::assert_snapshot!(
        "notes_ticket",
        shown(|out| crate::notes_markdown(out, &told(), true))
    );
}

#[test]
fn notes_that_nobody_tells_are_not_known() {
    let mut report = NotesReport::new("shop");
    report.direction = NotesDirection::Rollback;
    report.remarks = vec!["no source of notes is known".into()];
    let text = shown(|out| crate::notes_report(out, Style::plain(), &report, crate::NotesForm::default()));
    assert!(
        text.contains("cannot tell") && text.contains("(exit code 3)"),
        "{text}"
    );
    assert!(
        text.contains("it is not known which version changes") && !text.contains("no version changes"),
        "{text}"
    );
}
