//! A change log as versions: as kept by keep-a-changelog, and looser ones.

use std::collections::BTreeMap;

use model::Version;

use super::blocks::{Fence, hash_heading, underline};
use super::plain::without_links;
use crate::source::Entry;

/// Words that may stand before the version of a heading.
const MOST_WORDS_BEFORE: usize = 2;

/// Words after which a version is not the heading's own.
const NOT_ITS_OWN: [&str; 12] = [
    "to",
    "from",
    "since",
    "before",
    "after",
    "in",
    "until",
    "for",
    "with",
    "upgrade",
    "upgrading",
    "migrating",
];

/// A heading that begins a version, or several that were published together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heading {
    versions: Vec<String>,
    title: Option<String>,
    date: Option<String>,
    /// Whether words stand before the version.
    named: bool,
}

/// Bold and bare lines head what follows like the deepest heading.
const DEEPEST: usize = 7;

/// Reads the versions of a change log in the order in which they stand. A text without any version is none.
pub fn changelog(text: &str) -> Vec<Entry> {
    let links = reference_links(text);
    let mut entries: Vec<Entry> = Vec::new();
    let mut open: Option<(Heading, String)> = None;
    let mut in_fence: Option<Fence> = None;
    // The level at which versions begin.
    let mut top: Option<usize> = None;
    let mut after_blank = true;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let fenced = in_fence.is_some();
        if let Some(fence) = Fence::of(line) {
            in_fence = match in_fence {
                None => Some(fence),
                Some(begun) if fence.ends(begun) => None,
                Some(begun) => Some(begun),
            };
        }
        let underlined = lines.peek().filter(|_| !fenced).and_then(|next| underline(next));
        let begins = (!fenced)
            .then(|| section(line, underlined, after_blank))
            .flatten()
            .filter(|(level, section)| match section {
                // Below a version, "PostgreSQL 16.0" is one of something else.
                SectionOf::Version(heading) => !heading.named || top.is_none_or(|top| *level <= top),
                SectionOf::Unreleased => true,
            });
        match begins {
            Some((level, section)) => {
                top = Some(top.map_or(level, |top| top.min(level)));
                entries.extend(open.take().into_iter().flat_map(|open| of_section(open, &links)));
                open = match section {
                    SectionOf::Version(heading) => Some((heading, String::new())),
                    SectionOf::Unreleased => None,
                };
                if underlined.is_some() {
                    lines.next();
                }
            }
            None => {
                if let Some((_, body)) = open.as_mut().filter(|_| reference(line).is_none()) {
                    body.push_str(line);
                    body.push('\n');
                }
            }
        }
        after_blank = line.trim().is_empty();
    }
    entries.extend(open.into_iter().flat_map(|open| of_section(open, &links)));
    each_once(entries)
}

/// What stands in several sections of one version, in one.
fn each_once(entries: Vec<Entry>) -> Vec<Entry> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut told: Vec<Entry> = Vec::new();
    for entry in entries {
        match places.get(&entry.version).and_then(|place| told.get_mut(*place)) {
            Some(there) => {
                if !there.text.is_empty() && !entry.text.is_empty() {
                    there.text.push_str("\n\n");
                }
                there.text.push_str(&entry.text);
                there.title = there.title.take().or(entry.title);
                there.date = there.date.take().or(entry.date);
            }
            None => {
                places.insert(entry.version.clone(), told.len());
                told.push(entry);
            }
        }
    }
    told
}

/// What a heading begins.
enum SectionOf {
    Version(Heading),
    /// What no version has yet.
    Unreleased,
}

/// What a line begins, and at which level.
fn section(line: &str, underlined: Option<usize>, after_blank: bool) -> Option<(usize, SectionOf)> {
    let trimmed = line.trim();
    let marked = hash_heading(trimmed)
        .filter(|(level, _)| *level <= 4)
        .or(underlined.map(|level| (level, trimmed)));
    if let Some((level, text)) = marked {
        if text
            .to_lowercase()
            .trim_matches(['[', ']', ' '])
            .starts_with("unreleased")
        {
            return Some((level, SectionOf::Unreleased));
        }
        // A picture before the version is none of its words.
        let text = text.trim_start_matches(|first: char| !first.is_alphanumeric() && !"[(*`".contains(first));
        return heading(text).map(|heading| (level, SectionOf::Version(heading)));
    }
    // Bold and bare lines are headings only where they are nothing but a version, a bare one with its day.
    let is_bold = trimmed.starts_with("**");
    let alone = heading(trimmed).filter(|heading| {
        let at_its_begin = after_blank && line.trim_end() == trimmed;
        at_its_begin && heading.title.is_none() && (is_bold || heading.date.is_some())
    })?;
    Some((DEEPEST, SectionOf::Version(alone)))
}

/// Reads `[1.2.3] - 2026-05-01`, `v1.2.3 (2026-05-01)`, `Release 1.2: The big one`, `[2026-08-20]` and the like.
fn heading(text: &str) -> Option<Heading> {
    let text = without_links(text).replace("**", "").replace('`', "");
    let mut before = 0;
    let mut rest = text.as_str();
    loop {
        rest = rest.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let core = core(word);
        if let Some(version) = Version::parse(core) {
            let is_said = version.numbers().len() > 1 || core.starts_with(['v', 'V']) || before > 0;
            return is_said.then(|| rest_of(word, after, before)).flatten();
        }
        // `shop - 1.2.3`: a name and a line between.
        let is_line = before > 0 && !core.is_empty() && core.chars().all(|sign| "-–—".contains(sign));
        if is_line {
            rest = after;
            continue;
        }
        let is_word =
            core.chars().any(char::is_alphabetic) && !core.bytes().any(|byte| byte.is_ascii_digit());
        let is_own = !NOT_ITS_OWN.contains(&core.to_lowercase().as_str());
        before += 1;
        if !is_word || !is_own || before > MOST_WORDS_BEFORE {
            return None;
        }
        rest = after;
    }
}

/// A word without the signs around it.
fn core(word: &str) -> &str {
    word.trim_matches(|character: char| "[](),:;*".contains(character))
}

/// What a heading says from its version on: further versions after commas, then a day, a title after a separator, or
/// nothing.
fn rest_of(word: &str, after: &str, before: usize) -> Option<Heading> {
    let mut versions = vec![core(word).to_owned()];
    let (mut last, mut after) = (word, after.trim());
    while last.ends_with(',') {
        let (next, rest) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
        if Version::parse(core(next)).is_none() || day(next).is_some() {
            break;
        }
        versions.push(core(next).to_owned());
        (last, after) = (next, rest.trim());
    }
    let date = versions
        .iter()
        .find_map(|version| day(version))
        .or_else(|| after.split_whitespace().find_map(day));
    let separated =
        last.ends_with([':', ',', ']', ')']) || after.starts_with(|first: char| "-–—:/|(\"“".contains(first));
    let first = after.split_whitespace().next().unwrap_or_default();
    let told = separated || after.is_empty() || day(first).is_some() || first == "released";
    let title: Vec<&str> = after
        .split_whitespace()
        .filter(|word| day(word).is_none() && *word != "released")
        .collect();
    let title = title.join(" ");
    let title = title.trim_matches(|character: char| " -–—:/|()\"“”".contains(character));
    // "Database 1.2 is needed" is prose, not the heading of a version.
    if !told || (before > 1 && !title.is_empty()) {
        return None;
    }
    Some(Heading {
        versions,
        title: (!title.is_empty()).then(|| title.to_owned()),
        date,
        named: before > 0,
    })
}

/// A day as `2026-05-01`, however its parts are separated.
fn day(word: &str) -> Option<String> {
    let word = word.trim_matches(|character: char| !character.is_ascii_digit());
    let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
    let is_day = parts.iter().map(|part| part.len()).eq([4, 2, 2])
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && parts[0].starts_with(['1', '2']);
    is_day.then(|| parts.join("-"))
}

fn of_section((heading, body): (Heading, String), links: &BTreeMap<String, String>) -> Vec<Entry> {
    let Heading {
        versions,
        title,
        date,
        named: _,
    } = heading;
    versions
        .into_iter()
        .map(|version| Entry {
            url: links.get(&version.to_lowercase()).cloned(),
            prerelease: Version::parse(&version).is_some_and(|version| version.is_prerelease()),
            version,
            title: title.clone(),
            date: date.clone(),
            text: body.trim().to_owned(),
        })
        .collect()
}

/// `[1.2.3]: https://…`, where a log keeps the addresses of its versions.
fn reference(line: &str) -> Option<(&str, &str)> {
    let (name, address) = line.trim().strip_prefix('[')?.split_once("]:")?;
    let address = address.trim();
    (address.starts_with("https://") || address.starts_with("http://")).then_some((name, address))
}

fn reference_links(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(reference)
        .map(|(name, address)| (name.to_lowercase(), address.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Version, day and title of every entry.
    fn read(text: &str) -> Vec<(String, Option<String>, Option<String>)> {
        changelog(text)
            .into_iter()
            .map(|entry| (entry.version, entry.date, entry.title))
            .collect()
    }

    fn line(
        version: &str,
        date: Option<&str>,
        title: Option<&str>,
    ) -> (String, Option<String>, Option<String>) {
        (
            version.to_owned(),
            date.map(str::to_owned),
            title.map(str::to_owned),
        )
    }

    #[test]
    fn a_kept_changelog_is_read_without_what_is_unreleased() {
        let text = "# Changelog\n\nAll of it.\n\n## [Unreleased]\n- soon\n\n## [1.1.0] - 2026-05-01\n### Added\n- a\n\n```\n## \
                    9.9.9\n```\n\n## [1.0.0] - 2026-01-02 [YANKED]\n- b\n\n[1.1.0]: https://x.example/compare/1.0.0...1.1.0\n";
        let entries = changelog(text);
        assert_eq!(
            read(text),
            [
                line("1.1.0", Some("2026-05-01"), None),
                line("1.0.0", Some("2026-01-02"), Some("[YANKED]")),
            ]
        );
        assert_eq!(entries[0].text, "### Added\n- a\n\n```\n## 9.9.9\n```");
        assert_eq!(
            entries[0].url.as_deref(),
            Some("https://x.example/compare/1.0.0...1.1.0")
        );
        assert_eq!(entries[1].text, "- b");
    }

    #[test]
    fn looser_headings_are_read_too() {
        for (heading, expected) in [
            (
                "## v0.33.0 — 2026-03-04",
                line("v0.33.0", Some("2026-03-04"), None),
            ),
            (
                "# [1.2.0](https://x.example/a...b) (2026-03-04)",
                line("1.2.0", Some("2026-03-04"), None),
            ),
            ("### 1.1.1 (2026/03/04)", line("1.1.1", Some("2026-03-04"), None)),
            ("## [2026-08-20]", line("2026-08-20", Some("2026-08-20"), None)),
            (
                "## Version 2.0: The big one",
                line("2.0", None, Some("The big one")),
            ),
            ("## Release 15", line("15", None, None)),
            ("## Shop chart 1.4.0", line("1.4.0", None, None)),
            (
                "1.4.0 / 2026-03-04\n==================",
                line("1.4.0", Some("2026-03-04"), None),
            ),
            ("**1.4.0** (2026-03-04)", line("1.4.0", Some("2026-03-04"), None)),
            ("1.4.0 - 2026-03-04", line("1.4.0", Some("2026-03-04"), None)),
            ("## app-1.4.0", line("app-1.4.0", None, None)),
            (
                "## `shop` - [1.4.0](https://x.example/a...b) - 2026-03-04",
                line("1.4.0", Some("2026-03-04"), None),
            ),
        ] {
            assert_eq!(read(&format!("{heading}\n\n- text\n")), [expected], "{heading}");
        }
    }

    #[test]
    fn what_is_no_heading_of_a_version_begins_none() {
        for text in [
            "## Upgrading to 2.0.0",
            "## Migration from 1.x",
            "## 3 reasons",
            "Text with 1.2.3 in it",
            "### Fixed in 1.2.3",
            "## Postgres 15.2 is needed now",
            "- 1.2.3 - 2026-03-04",
        ] {
            let found = read(&format!("{text}\n\n- text\n"));
            assert!(found.is_empty(), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_is_unreleased_belongs_to_no_version() {
        let entries = changelog("## 1.1.0\n- a\n\n## Unreleased\n- soon\n\n## 1.0.0\n- b\n");
        let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(texts, ["- a", "- b"]);
    }

    #[test]
    fn versions_that_were_published_together_are_told_each() {
        assert_eq!(
            read("## [1.3.5, 1.4.1] - 2026-03-04\n- mended\n"),
            [
                line("1.3.5", Some("2026-03-04"), None),
                line("1.4.1", Some("2026-03-04"), None)
            ]
        );
        assert_eq!(
            read("## 1.4.0, 2026-03-04\n- text\n"),
            [line("1.4.0", Some("2026-03-04"), None)]
        );
    }

    #[test]
    fn a_version_that_stands_twice_is_told_once_and_whole() {
        assert_eq!(
            changelog("## 1.0.0\nfirst\n## 0.9.0\n- old\n## 1.0.0\n### Removed\n- the port\n")
                .iter()
                .map(|entry| entry.text.as_str())
                .collect::<Vec<_>>(),
            ["first\n\n### Removed\n- the port", "- old"]
        );
    }

    #[test]
    fn what_a_version_needs_is_no_version_of_its_own() {
        for heading in [
            "### PostgreSQL 16.0",
            "#### Chart 2.0: needs it",
            "\n**PostgreSQL 16.0**",
        ] {
            let text = format!("## 1.2.0\n- a\n\n{heading}\n- b\n\n## 1.1.0\n- c\n");
            let entries = changelog(&text);
            let versions: Vec<&str> = entries.iter().map(|entry| entry.version.as_str()).collect();
            assert_eq!(versions, ["1.2.0", "1.1.0"], "{heading}");
            assert!(entries[0].text.ends_with("- b"), "{heading}: {entries:?}");
        }
        // Deeper headings of nothing but a version are how some logs tell small releases from large ones.
        let texts = read("# [1.2.0](https://x.example/a...b)\n\n### [1.1.1](https://x.example/c...d)\n- a\n");
        assert_eq!(texts, [line("1.2.0", None, None), line("1.1.1", None, None)]);
        assert!(read("## Unreleased\n### PostgreSQL 16.0\n- b\n").is_empty());
    }

    #[test]
    fn a_line_of_code_does_not_hide_the_versions_after_it() {
        let text = "## 1.1.0\n```helm get values```\n\n## 1.0.0\n- a\n";
        assert_eq!(read(text), [line("1.1.0", None, None), line("1.0.0", None, None)]);
    }
}
