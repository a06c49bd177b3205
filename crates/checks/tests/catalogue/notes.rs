//! What the release notes mark.

use model::{
    Highlight, HighlightKind, NotesDirection, NotesReport, NotesSourceReport, NotesState, NotesSummary,
    NotesVerdict, VersionNotes, VersionOf,
};

use crate::fixture::Case;

const ROW: &str = "release-notes";

fn case(verdict: NotesVerdict, pieces: &[(HighlightKind, &str)]) -> Case {
    let versions = vec![VersionNotes {
        of: VersionOf::App,
        version: "1.1.0".into(),
        headline: String::new(),
        date: None,
        prerelease: false,
        url: None,
        sources: vec!["log".into()],
        highlights: pieces
            .iter()
            .map(|(kind, text)| Highlight {
                kinds: vec![*kind],
                text: (*text).into(),
                by: "a heading".into(),
            })
            .collect(),
        text: String::new(),
    }];
    Case::with(|case| {
        case.target().notes = Some(NotesReport {
            direction: NotesDirection::Upgrade,
            verdict,
            summary: NotesSummary::of(&versions, 0),
            sources: vec![NotesSourceReport {
                source: "log".into(),
                state: NotesState::Read,
                age_seconds: None,
                versions: 1,
                reason: None,
            }],
            versions,
            ..NotesReport::new("shop")
        });
    })
}

#[test]
fn notes_without_anything_breaking_pass_and_count_the_rest() {
    case(
        NotesVerdict::Known,
        &[(HighlightKind::Migration, "7 rewrites orders")],
    )
    .says(ROW, "pass", &["0 breaking changes", "1 migration in 1 version"]);
}

#[test]
fn what_breaks_is_told_with_its_version_known_or_not() {
    for verdict in [NotesVerdict::Known, NotesVerdict::Partly, NotesVerdict::Unknown] {
        let case = case(verdict, &[(HighlightKind::Breaking, "the port moves")]);
        case.says(ROW, "warn", &["1.1.0: the port moves"]);
        let command = case.row(ROW).remedy[0].command.clone();
        assert_eq!(
            command.as_deref(),
            Some("kubectl upgrade-check notes shop ./ledger -n shop")
        );
    }
}

#[test]
fn the_command_names_the_version_where_a_name_may_mean_several() {
    for (reference, words) in [
        ("repo/ledger", "repo/ledger --version 3.0.0"),
        ("oci://x.example/ledger", "oci://x.example/ledger --version 3.0.0"),
        ("./ledger", "./ledger"),
        ("ledger-3.0.0.tgz", "ledger-3.0.0.tgz"),
    ] {
        let mut case = case(NotesVerdict::Unknown, &[]);
        let target = case.target();
        reference.clone_into(&mut target.reference);
        target.chart.version = "3.0.0".into();
        assert_eq!(
            case.row(ROW).remedy[0].command,
            Some(format!("kubectl upgrade-check notes shop {words} -n shop"))
        );
    }
}

#[test]
fn what_nobody_tells_is_unknown_and_where_nobody_is_named_it_is_skipped() {
    case(NotesVerdict::Unknown, &[]).says(ROW, "unknown", &["does not tell every version"]);
    let migration = [(HighlightKind::Migration, "7 rewrites orders")];
    case(NotesVerdict::Partly, &migration).says(ROW, "unknown", &["every version of the chart"]);
    Case::with(|case| case.target().notes = Some(NotesReport::new("shop"))).says(
        ROW,
        "skip",
        &["names a source of notes"],
    );
    Case::healthy().says(ROW, "skip", &["no notes were looked for"]);
}

#[test]
fn the_same_version_has_nothing_to_read() {
    Case::with(|case| {
        case.target().notes = Some(NotesReport {
            verdict: NotesVerdict::Known,
            ..NotesReport::new("shop")
        });
    })
    .says(ROW, "pass", &["no version changes"]);
}
