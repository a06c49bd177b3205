//! The words that mark what matters: the usual ones, and those of a profile.

use model::HighlightKind;
use model::profile::NotesMarkers;

/// Words of a heading whose whole section is of a kind, in small letters.
const HEADINGS: [(HighlightKind, &[&str]); 5] = [
    (
        HighlightKind::Breaking,
        &["breaking", "incompatib", "removed", "removals", "⚠"],
    ),
    (
        HighlightKind::Migration,
        &[
            "migration",
            "migrating",
            "upgrade note",
            "upgrade step",
            "upgrade instruction",
            "upgrade guide",
            "upgrading",
            "before you upgrade",
            "before upgrad",
            "action required",
            "schema change",
        ],
    ),
    (HighlightKind::Deprecation, &["deprecat"]),
    (HighlightKind::Security, &["security", "vulnerab", "cve-"]),
    (
        HighlightKind::KnownIssue,
        &["known issue", "known problem", "known bug", "known limitation"],
    ),
];

/// Words of a line that make it of a kind wherever it stands, in small letters.
const LINES: [(HighlightKind, &[&str]); 5] = [
    (
        HighlightKind::Breaking,
        &[
            "breaking change",
            "breaking:",
            "⚠",
            "backward-incompatible",
            "backwards-incompatible",
            "backward incompatible",
            "backwards incompatible",
            "not backward compatible",
            "not backwards compatible",
            "incompatible change",
        ],
    ),
    (
        HighlightKind::Migration,
        &[
            "migration",
            "schema change",
            "manual step",
            "action required",
            "before upgrading",
            "before you upgrade",
        ],
    ),
    (HighlightKind::Deprecation, &["deprecat"]),
    (
        HighlightKind::Security,
        &[
            "ghsa-",
            "security fix",
            "security patch",
            "security advisor",
            "security update",
            "vulnerabilit",
        ],
    ),
    (
        HighlightKind::KnownIssue,
        &["known issue", "known problem", "known bug"],
    ),
];

/// Words of a notice that is set apart because somebody should read it first.
const NOTICES: [&str; 4] = ["warning", "caution", "danger", "important"];

/// Kinds with what marked each.
pub(super) type Marks = Vec<(HighlightKind, String)>;

/// The kinds of a section by its heading.
pub(super) fn of_heading(title: &str, own: &NotesMarkers) -> Marks {
    let low = title.to_lowercase();
    marks(|kind| first(&low, usual(&HEADINGS, kind)).or_else(|| first_own(&low, own, kind)))
}

/// The kinds of a line by its words.
pub(super) fn of_line(text: &str, own: &NotesMarkers) -> Marks {
    let low = text.to_lowercase();
    marks(|kind| {
        first(&low, usual(&LINES, kind))
            .or_else(|| by_shape(text, kind))
            .or_else(|| first_own(&low, own, kind))
    })
}

/// Whether a notice of this word is one to read before anything is done.
pub(super) fn is_grave(notice: &str) -> bool {
    NOTICES.contains(&notice.to_lowercase().as_str())
}

fn marks(of: impl Fn(HighlightKind) -> Option<String>) -> Marks {
    HighlightKind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind, of(kind)?)))
        .collect()
}

fn usual(table: &[(HighlightKind, &'static [&'static str])], kind: HighlightKind) -> &'static [&'static str] {
    table
        .iter()
        .find(|(of, _)| *of == kind)
        .map(|(_, words)| *words)
        .unwrap_or_default()
}

fn first(low: &str, words: &[&str]) -> Option<String> {
    words
        .iter()
        .find(|word| {
            low.match_indices(**word)
                .any(|(place, _)| !is_denied(&low[..place]))
        })
        .map(|word| (*word).to_owned())
}

/// Whether the words before say that there is none of it: "no schema change", "no longer deprecated". What another sentence
/// or another part of it denies is something else: "No downtime. Migration 7 runs."
fn is_denied(before: &str) -> bool {
    before
        .split_whitespace()
        .rev()
        .take(2)
        .take_while(|word| !word.ends_with(['.', '!', '?', ';', ':', ',']))
        .any(|word| matches!(word, "no" | "without"))
}

fn first_own(low: &str, own: &NotesMarkers, kind: HighlightKind) -> Option<String> {
    let words = match kind {
        HighlightKind::Breaking => &own.breaking,
        HighlightKind::Migration => &own.migrations,
        HighlightKind::Deprecation => &own.deprecations,
        HighlightKind::Security => &own.security,
        HighlightKind::KnownIssue => &own.known_issues,
    };
    words
        .iter()
        .find(|word| !word.is_empty() && low.contains(&word.to_lowercase()))
        .cloned()
}

/// What is known by more than a word.
fn by_shape(text: &str, kind: HighlightKind) -> Option<String> {
    match kind {
        HighlightKind::Breaking if has_word(text, "BREAKING") => Some("BREAKING".into()),
        HighlightKind::Breaking => commit_mark(text),
        HighlightKind::Security => cve(text),
        HighlightKind::Migration | HighlightKind::Deprecation | HighlightKind::KnownIssue => None,
    }
}

/// A word in capitals, as such; it is too common a word in small letters.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|character: char| !character.is_ascii_alphanumeric())
        .any(|part| part == word)
}

/// `feat!:` and `fix(api)!:`, the mark of conventional commits.
fn commit_mark(text: &str) -> Option<String> {
    let text = text.trim_start_matches(['*', '`', ' ']);
    let (head, _) = text.split_once("!:")?;
    let (word, scope) = match head.split_once('(') {
        Some((word, scope)) => (word, Some(scope)),
        None => (head, None),
    };
    let is_commit = !word.is_empty()
        && word.len() <= 12
        && word.bytes().all(|byte| byte.is_ascii_lowercase())
        && scope.is_none_or(|scope| scope.ends_with(')') && !scope.contains(' '));
    is_commit.then(|| format!("{head}!:"))
}

/// `CVE-2026-12345`.
fn cve(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let begin = upper.find("CVE-")?;
    let id: String = upper[begin..]
        .chars()
        .take_while(|character| character.is_ascii_alphanumeric() || *character == '-')
        .collect();
    let mut parts = id.split('-').skip(1);
    let digits = |part: Option<&str>| {
        part.is_some_and(|part| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    (digits(parts.next()) && digits(parts.next())).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(marks: &Marks) -> Vec<HighlightKind> {
        marks.iter().map(|(kind, _)| *kind).collect()
    }

    #[test]
    fn lines_are_marked_by_their_words() {
        use model::HighlightKind::{Breaking, Deprecation, KnownIssue, Migration, Security};
        for (line, expected) in [
            ("BREAKING: the old key is refused", vec![Breaking]),
            ("feat(api)!: answers are paged", vec![Breaking]),
            ("fix!: no default any more", vec![Breaking]),
            ("⚠️ the volume is claimed anew", vec![Breaking]),
            (
                "Breaking change: migration 00043 rewrites orders",
                vec![Breaking, Migration],
            ),
            ("the flag --old is deprecated", vec![Deprecation]),
            ("updates libfoo (CVE-2026-10421)", vec![Security]),
            ("Known issue: the log grows", vec![KnownIssue]),
            ("record-breaking speed", vec![]),
            ("see the rules of CVE-IDs", vec![]),
            ("hello world!: it is here", vec![]),
            ("faster lists", vec![]),
            ("one line more, and no schema change", vec![]),
            ("the flag is no longer deprecated", vec![]),
            ("There is no downtime. Migration 7 runs.", vec![Migration]),
            ("no downtime; deprecated: the flag", vec![Deprecation]),
            ("No downtime, migration 7 runs beside it", vec![Migration]),
            ("a zero downtime migration of orders", vec![Migration]),
            ("no schema change, yet a migration of the files", vec![Migration]),
        ] {
            assert_eq!(
                kinds(&of_line(line, &NotesMarkers::default())),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn a_profile_adds_words_of_its_own() {
        let own = NotesMarkers {
            breaking: vec!["Heads up".into()],
            known_issues: vec!["gotcha".into()],
            ..NotesMarkers::default()
        };
        assert_eq!(
            of_line("HEADS UP, a gotcha", &own),
            [
                (HighlightKind::Breaking, "Heads up".to_owned()),
                (HighlightKind::KnownIssue, "gotcha".to_owned())
            ]
        );
        assert_eq!(kinds(&of_heading("Gotchas", &own)), [HighlightKind::KnownIssue]);
        assert!(of_heading("Gotchas", &NotesMarkers::default()).is_empty());
    }

    #[test]
    fn headings_of_every_manner_make_sections() {
        use model::HighlightKind::{Breaking, Deprecation, KnownIssue, Migration, Security};
        for (title, expected) in [
            ("⚠ BREAKING CHANGES", vec![Breaking]),
            ("Important breaking changes", vec![Breaking]),
            ("Removed", vec![Breaking]),
            ("Before upgrading", vec![Migration]),
            ("Schema migrations", vec![Migration]),
            ("Upgrade notes", vec![Migration]),
            ("Deprecated", vec![Deprecation]),
            ("Security fixes", vec![Security]),
            ("Known issues", vec![KnownIssue]),
            ("What's Changed", vec![]),
            ("Bug Fixes", vec![]),
        ] {
            assert_eq!(
                kinds(&of_heading(title, &NotesMarkers::default())),
                expected,
                "{title}"
            );
        }
    }
}
