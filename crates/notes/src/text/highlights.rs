//! What in a note matters to an upgrade: sections under a telling heading, and lines with a telling word.

use std::collections::BTreeSet;

use model::profile::NotesMarkers;
use model::{Highlight, HighlightKind};

use super::blocks::{Block, BlockKind, blocks};
use super::markers::{Marks, is_grave, of_heading, of_line};
use super::nothing::says_nothing;
use super::plain::plain;

/// Words that a heading is made of which says nothing by itself.
const BARE: &[&str] = &[
    "a",
    "action",
    "and",
    "api",
    "before",
    "breaking",
    "bug",
    "bugs",
    "change",
    "changes",
    "chart",
    "database",
    "deprecated",
    "deprecation",
    "deprecations",
    "fix",
    "fixes",
    "for",
    "from",
    "guide",
    "helm",
    "important",
    "in",
    "incompatibilities",
    "incompatible",
    "instructions",
    "issue",
    "issues",
    "known",
    "limitations",
    "migrating",
    "migration",
    "migrations",
    "note",
    "notes",
    "notable",
    "notice",
    "problems",
    "removals",
    "removed",
    "required",
    "schema",
    "security",
    "steps",
    "the",
    "this",
    "to",
    "update",
    "updates",
    "upgrade",
    "upgrading",
    "version",
    "vulnerabilities",
    "warning",
    "you",
];

/// Items head what is indented below them; they stand deeper than every heading.
const ITEM_LEVEL: usize = 10;

/// A section that is open while a text is gone through.
struct Section {
    /// That of a heading, or [`ITEM_LEVEL`] and the indentation of an item.
    level: usize,
    title: String,
    marks: Marks,
}

/// Pulls out what matters. `own` are the profile's markers; the usual ones always count.
pub fn highlights(text: &str, own: &NotesMarkers) -> Vec<Highlight> {
    let mut sections: Vec<Section> = Vec::new();
    let mut found: Vec<Highlight> = Vec::new();
    let mut told: BTreeSet<(Vec<HighlightKind>, String)> = BTreeSet::new();
    let mut blocks = blocks(text).into_iter().peekable();
    while let Some(block) = blocks.next() {
        let words = plain(&block.text);
        let (level, marks) = match block.kind {
            BlockKind::Heading(level) => (level, of_heading(&words, own)),
            BlockKind::Item => (ITEM_LEVEL + block.indent, of_line(&words, own)),
            BlockKind::Paragraph => (ITEM_LEVEL, of_line(&words, own)),
        };
        while sections.last().is_some_and(|section| section.level >= level) {
            sections.pop();
        }
        // "Breaking changes" alone is no piece, but heads some; "BREAKING: keys moved" is one.
        let is_bare = is_bare(&words);
        let heads = match block.kind {
            BlockKind::Heading(_) => true,
            BlockKind::Item => {
                let has_more = |next: &Block<'_>| next.kind == BlockKind::Item && next.indent > block.indent;
                is_bare && !marks.is_empty() && blocks.peek().is_some_and(has_more)
            }
            BlockKind::Paragraph => false,
        };
        let section = heads.then(|| Section {
            level,
            title: words.clone(),
            marks: marks.clone(),
        });
        let marks = if heads && is_bare {
            Vec::new()
        } else {
            with_notice(with_section(marks, &sections), &block)
        };
        sections.extend(section);
        if !marks.is_empty() && !words.is_empty() && !says_nothing(&words) {
            let highlight = highlight(words, marks);
            if told.insert((highlight.kinds.clone(), highlight.text.clone())) {
                found.push(highlight);
            }
        }
    }
    found
}

/// One line that says what a note is about: its gravest piece, else its first words.
pub(crate) fn headline(text: &str, highlights: &[Highlight]) -> String {
    let gravest = highlights
        .iter()
        .min_by_key(|highlight| highlight.kinds.first().copied());
    if let Some(gravest) = gravest {
        return gravest.text.clone();
    }
    blocks(text)
        .into_iter()
        .filter(|block| !matches!(block.kind, BlockKind::Heading(_)))
        .map(|block| plain(&block.text))
        .find(|words| !words.is_empty())
        .unwrap_or_default()
}

/// The kinds of the nearest section that has some, and those of the line itself.
fn with_section(mut marks: Marks, sections: &[Section]) -> Marks {
    let section = sections.iter().rev().find(|section| !section.marks.is_empty());
    if let Some(section) = section {
        for (kind, _) in &section.marks {
            marks.retain(|(marked, _)| marked != kind);
            marks.push((*kind, format!("under \"{}\"", section.title)));
        }
    }
    marks
}

/// A notice that is set apart matters, whatever it is about.
fn with_notice(mut marks: Marks, block: &Block<'_>) -> Marks {
    if let Some(word) = block.notice.filter(|word| is_grave(word) && marks.is_empty()) {
        marks.push((
            HighlightKind::Breaking,
            format!("set apart as {}", word.to_lowercase()),
        ));
    }
    marks
}

fn highlight(text: String, mut marks: Marks) -> Highlight {
    marks.sort_by_key(|(kind, _)| *kind);
    let by: BTreeSet<String> = marks.iter().map(|(_, by)| by.clone()).collect();
    Highlight {
        kinds: marks.into_iter().map(|(kind, _)| kind).collect(),
        text,
        by: by.into_iter().collect::<Vec<_>>().join(", "),
    }
}

/// Whether a heading only names a kind.
fn is_bare(title: &str) -> bool {
    title
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .all(|word| {
            word.bytes().all(|byte| byte.is_ascii_digit()) || BARE.contains(&word.to_lowercase().as_str())
        })
}

#[cfg(test)]
mod tests {
    use model::HighlightKind::{Breaking, Deprecation, KnownIssue, Migration, Security};

    use super::*;

    /// Kinds and text of what is pulled out.
    fn pulled(text: &str) -> Vec<(Vec<HighlightKind>, String)> {
        highlights(text, &NotesMarkers::default())
            .into_iter()
            .map(|highlight| (highlight.kinds, highlight.text))
            .collect()
    }

    fn piece(kinds: &[HighlightKind], text: &str) -> (Vec<HighlightKind>, String) {
        (kinds.to_vec(), text.to_owned())
    }

    #[test]
    fn a_kept_changelog_is_told_by_its_sections() {
        let text = "### Added\n- Lists can be sorted.\n\n### Deprecated\n- The flag `--wide`.\n\n### Removed\n- The key \
                    `server.port`; set `http.port`.\n\n### Security\n- Sessions end with the password.\n";
        assert_eq!(
            pulled(text),
            [
                piece(&[Deprecation], "The flag --wide."),
                piece(&[Breaking], "The key server.port; set http.port."),
                piece(&[Security], "Sessions end with the password."),
            ]
        );
    }

    #[test]
    fn generated_notes_are_told_by_the_marks_of_commits() {
        let text = "## What's Changed\n* feat(api)!: page all answers by @ann in https://x.example/pull/4\n* chore: bump \
                    libfoo to mend CVE-2026-10421 by @bot in https://x.example/pull/5\n* docs: typo by @bob in \
                    https://x.example/pull/6\n\n## New Contributors\n* @bob made a first contribution\n\n**Full Changelog**: \
                    https://x.example/compare/v1...v2";
        assert_eq!(
            pulled(text),
            [
                piece(&[Breaking], "feat(api)!: page all answers"),
                piece(&[Security], "chore: bump libfoo to mend CVE-2026-10421"),
            ]
        );
    }

    #[test]
    fn conventional_notes_are_told_by_their_warning_section() {
        let text = "### ⚠ BREAKING CHANGES\n\n* **core:** the table orders gets a new key\n\n### Bug Fixes\n\n* **ui:** \
                    colours ([#12](https://x.example/12))\n\n### Reverts\n\n* nothing else";
        assert_eq!(
            pulled(text),
            [piece(&[Breaking], "core: the table orders gets a new key")]
        );
    }

    #[test]
    fn headings_that_say_something_are_pieces_and_bare_ones_are_not() {
        let text = "#### **BREAKING — agents are a StatefulSet now**\nDelete the Deployment first.\n\n**Migration:** 00043 adds \
                    an index.\n\n### Schema migrations\n- 00044\n";
        assert_eq!(
            pulled(text),
            [
                piece(&[Breaking], "BREAKING — agents are a StatefulSet now"),
                piece(&[Breaking], "Delete the Deployment first."),
                piece(&[Breaking, Migration], "Migration: 00043 adds an index."),
                piece(&[Migration], "00044"),
            ]
        );
    }

    #[test]
    fn dated_notes_with_parts_set_apart_are_told() {
        let text = "### Before upgrading\n\nStop the workers.\n\n### Important breaking changes\n\n#### The vault moved\n\nIts \
                    pods are replaced one by one.\n\n### Known issues\n\nNone.\n\n### Improvements\n\n:::warning[Room]\nThe \
                    volume must hold twice the data.\n:::\n";
        assert_eq!(
            pulled(text),
            [
                piece(&[Migration], "Stop the workers."),
                piece(&[Breaking], "The vault moved"),
                piece(&[Breaking], "Its pods are replaced one by one."),
                piece(&[Breaking], "Room"),
                piece(&[Breaking], "The volume must hold twice the data."),
            ]
        );
    }

    #[test]
    fn an_item_that_only_names_a_kind_heads_what_is_below_it() {
        let text = "### Changed\n- **Breaking changes**\n  - The port moves.\n  - The key is `http.port`.\n- Colours.\n\n### \
                    Important breaking changes {#2026-05-21-important-breaking-changes}\n- Set the token first.\n  - It \
                    relates to CVE-2026-10421.\n";
        assert_eq!(
            pulled(text),
            [
                piece(&[Breaking], "The port moves."),
                piece(&[Breaking], "The key is http.port."),
                piece(&[Breaking], "Set the token first."),
                piece(&[Breaking, Security], "It relates to CVE-2026-10421."),
            ]
        );
    }

    #[test]
    fn an_item_that_only_names_a_kind_is_a_piece_where_nothing_is_below_it() {
        assert_eq!(
            pulled("- Security fixes\n- Colours\n"),
            [piece(&[Security], "Security fixes")]
        );
    }

    #[test]
    fn what_says_that_there_is_nothing_is_no_piece() {
        let text = "## Breaking changes\n\nNone\n\n### Known issues\n- _None in v1.2.0_\n- **N/A**.\n\nThere are no database \
                    migrations in this version.\n";
        assert!(pulled(text).is_empty(), "{:?}", pulled(text));
        assert_eq!(
            pulled("## Breaking changes\n- No breaking changes. Rename `a` to `b`\n"),
            [piece(&[Breaking], "No breaking changes. Rename a to b")]
        );
    }

    #[test]
    fn everything_that_is_marked_is_told_however_much_it_is() {
        let keys: String = (0..300).map(|number| format!("- key {number}\n")).collect();
        assert_eq!(pulled(&format!("## Removed\n{keys}{keys}")).len(), 300);
    }

    #[test]
    fn prose_is_told_by_its_words_and_what_marked_it_is_said() {
        let text = "This release runs a long migration on `orders`.\n\nUsers of the old API: it is deprecated.\n\nA known issue: \
                    lists may be stale.";
        let found = highlights(text, &NotesMarkers::default());
        let kinds: Vec<_> = found.iter().map(|highlight| highlight.kinds.clone()).collect();
        assert_eq!(kinds, [vec![Migration], vec![Deprecation], vec![KnownIssue]]);
        assert_eq!(found[0].by, "migration");
        let under = highlights("## Security\n- a fix", &NotesMarkers::default());
        assert_eq!(under[0].by, "under \"Security\"");
    }

    #[test]
    fn the_headline_is_the_gravest_piece_or_the_first_words() {
        let line = |text: &str| headline(text, &highlights(text, &NotesMarkers::default()));
        assert_eq!(line("## Fixed\n- colours\n\n## Removed\n- the port"), "the port");
        assert_eq!(line("## Fixed\n- colours\n- sizes"), "colours");
        assert_eq!(line("## Fixed\n"), "");
    }
}
