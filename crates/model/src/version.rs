//! Versions of applications, however they are written, in their order.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use crate::text::harmless;

/// Words after a version that name a build of it and not an earlier state: `1.2.3-alpine` is 1.2.3.
const FLAVOURS: [&str; 12] = [
    "alpine",
    "bookworm",
    "bullseye",
    "ce",
    "debian",
    "distroless",
    "ee",
    "fips",
    "slim",
    "trixie",
    "ubi",
    "ubuntu",
];

/// A version of an application: `1.2.3`, `v1.8`, `app-v1.2.3-rc.1`, `2026.05.01`, `2026-01-27`.
///
/// It is shown as it was written, without a tag's prefix and `v`. Two are equal where they are the same version, however
/// written: `v1.2` is `1.2.0`. The order is that of semantic versions, for any count of numbers; `rc10` comes after `rc9`.
#[derive(Debug, Clone, Serialize)]
#[serde(into = "String")]
pub struct Version {
    prefix: String,
    text: String,
    numbers: Vec<u64>,
    /// Empty for a release.
    before: Vec<Part>,
}

/// One piece of what stands after the dash of a prerelease. Numbers come before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Version {
    /// Reads a version, `None` where the text is none or where its order cannot be told.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // It is shown as it is written.
        if harmless(text) != text {
            return None;
        }
        let read: Vec<Self> = (0..text.len())
            .filter(|at| begins_at(text, *at))
            .filter_map(|at| Self::at(text, at))
            .collect();
        // Of `app-2-1.2.3` the version is what has points in it.
        let dotted = read.iter().find(|version| version.numbers.len() > 1);
        dotted.or(read.first()).cloned()
    }

    /// The version that begins at a place and ends with the text.
    fn at(text: &str, begins: usize) -> Option<Self> {
        let (prefix, text) = text.split_at(begins);
        let (core, rest) = take_apart(text)?;
        Some(Self {
            prefix: prefix.strip_suffix(['v', 'V']).unwrap_or(prefix).to_owned(),
            text: text.to_owned(),
            numbers: core
                .split(['.', '-'])
                .map(|number| number.parse().ok())
                .collect::<Option<Vec<u64>>>()?,
            before: prerelease(rest)?,
        })
    }

    /// What stands before it in a tag: `app-` of `app-v1.2.3`, nothing for `v1.2.3`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Its numbers, as many as are written: three for a semantic version or a date.
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// The number at a place counted from 0; 0 where none is written.
    pub fn number(&self, place: usize) -> u64 {
        self.numbers.get(place).copied().unwrap_or(0)
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.number(0)
    }

    /// The second number.
    pub fn minor(&self) -> u64 {
        self.number(1)
    }

    /// Whether it comes before a release of the same numbers: `1.2.0-rc.1`.
    pub fn is_prerelease(&self) -> bool {
        !self.before.is_empty()
    }

    /// Whether it is a prerelease of this release.
    pub fn is_prerelease_of(&self, release: &Self) -> bool {
        self.is_prerelease()
            && !release.is_prerelease()
            && compare_numbers(&self.numbers, &release.numbers) == Ordering::Equal
    }
}

/// The numbers that a text begins with, and what stands after them.
fn take_apart(text: &str) -> Option<(&str, &str)> {
    let core_ends = date_ends(text).unwrap_or_else(|| {
        text.find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len())
    });
    let (core, rest) = text.split_at(core_ends);
    match core.strip_suffix('.') {
        // `1.2.dev3`: the point belongs to what follows.
        Some(core) if !rest.is_empty() => Some((core, rest)),
        Some(_) => None,
        None => Some((core, rest)),
    }
}

/// Whether a version's first number may begin here: a digit at the start, after a separator, or after a lone `v`.
fn begins_at(text: &str, at: usize) -> bool {
    let ends_word = |before: &str| before.is_empty() || before.ends_with(['-', '_', '/', '@']);
    let Some(before) = text.get(..at) else {
        return false;
    };
    let is_prefix = |c: char| c.is_ascii_alphanumeric() || "-_./@".contains(c);
    text[at..].starts_with(|c: char| c.is_ascii_digit())
        && before.chars().all(is_prefix)
        && (ends_word(before) || before.strip_suffix(['v', 'V']).is_some_and(ends_word))
}

/// Where a date ends that the text begins with, as in `2026-01-27`.
fn date_ends(text: &str) -> Option<usize> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = 0;
    for (place, lengths) in [4..=4, 1..=2, 1..=2].into_iter().enumerate() {
        if place > 0 {
            if !text[end..].starts_with('-') {
                return None;
            }
            end += 1;
        }
        let length = digits(&text[end..]);
        if !lengths.contains(&length) {
            return None;
        }
        end += length;
    }
    Some(end)
}

/// What stands after the numbers as a prerelease; empty where it is none, `None` where it means nothing known.
fn prerelease(rest: &str) -> Option<Vec<Part>> {
    // Build metadata has no order; a label of Kubernetes has `_` for its `+`.
    let rest = rest.split(['+', '_']).next().unwrap_or_default();
    if rest.is_empty() {
        return Some(Vec::new());
    }
    let parts = parts(rest);
    let is_flavour = match parts.first() {
        Some(Part::Word(word)) => FLAVOURS.contains(&word.as_str()),
        Some(Part::Number(_)) | None => false,
    };
    if is_flavour {
        return Some(Vec::new());
    }
    // `1.2rc1` is written without a dash; other letters right behind a number are no version.
    let is_joined = match parts.as_slice() {
        [Part::Word(word)] | [Part::Word(word), Part::Number(_)] => {
            ["a", "alpha", "b", "beta", "dev", "pre", "rc"].contains(&word.as_str())
        }
        _ => false,
    };
    (rest.starts_with('-') || is_joined)
        .then_some(parts)
        .filter(|parts| !parts.is_empty())
}

/// Cuts at separators and between letters and digits, so that `rc10` is a word and a number.
fn parts(text: &str) -> Vec<Part> {
    let mut pieces: Vec<String> = Vec::new();
    let mut last = None;
    for character in text.chars() {
        let is_digit = character.is_ascii_digit();
        if !character.is_ascii_alphanumeric() {
            last = None;
            continue;
        }
        match pieces.last_mut() {
            Some(piece) if last == Some(is_digit) => piece.push(character.to_ascii_lowercase()),
            Some(_) | None => pieces.push(character.to_ascii_lowercase().to_string()),
        }
        last = Some(is_digit);
    }
    pieces
        .into_iter()
        .map(|piece| piece.parse().map_or(Part::Word(piece), Part::Number))
        .collect()
}

/// Numbers that are not written are 0.
fn compare_numbers(one: &[u64], other: &[u64]) -> Ordering {
    let number = |numbers: &[u64], place: usize| numbers.get(place).copied().unwrap_or(0);
    (0..one.len().max(other.len()))
        .map(|place| number(one, place).cmp(&number(other, place)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_numbers(&self.numbers, &other.numbers).then_with(|| {
            match (self.before.is_empty(), other.before.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => self.before.cmp(&other.before),
            }
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            Error::invalid_value(Unexpected::Str(&text), &"a version such as 1.2.3 or 2026.05.01")
        })
    }
}

impl JsonSchema for Version {
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap_or_else(|| panic!("{text} is a version"))
    }

    #[test]
    fn the_same_version_is_equal_however_it_is_written() {
        for (one, other) in [
            ("1.2.3", "v1.2.3"),
            ("1.2", "1.2.0"),
            ("1", "v1.0.0"),
            ("app-1.2.3", "1.2.3"),
            ("app/v1.2.3", "1.2.3"),
            ("@scope/app@1.2.3", "V1.2.3"),
            ("app-2-1.2.3", "1.2.3"),
            ("release-v1.2.3", "1.2.3"),
            ("k8s-1.30", "1.30.0"),
            ("1.2.3+build.7", "1.2.3"),
            ("1.2.3_build.7", "1.2.3"),
            ("1.2.3-alpine3.20", "1.2.3"),
            ("17.2.0-debian-12-r3", "17.2.0"),
            ("16.3.0-ee", "16.3.0"),
            ("2026.05.01", "2026.5.1"),
            ("2026-01-27", "2026.1.27"),
            ("1.2.0-rc.1", "1.2.0rc1"),
            ("1.2.dev3", "1.2-dev.3"),
        ] {
            assert_eq!(version(one), version(other), "{one} and {other}");
        }
    }

    #[test]
    fn versions_stand_in_their_order() {
        let order = [
            "0.9.30",
            "0.10.0",
            "1.2.0-1",
            "1.2.0-alpha",
            "1.2.0-alpha.1",
            "1.2.0-beta.2",
            "1.2.0-rc.9",
            "v1.2.0-rc10",
            "1.2",
            "1.2.0.1",
            "1.2.1",
            "v10.0.0",
            "2025.11.12",
            "2026-01-27",
            "2026.05.01",
            "2026.12",
        ];
        for pair in order.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in [
            "",
            "stable",
            "v",
            "edge-",
            "pg16",
            "3f2a1b9",
            "sha-1a2b3c",
            "1..2",
            "1.2.",
            "2.0-",
            "1.2x",
            "1.2.x",
            "1.2 and more",
            "12:30",
            "1.2.3-\u{1b}[2Jrc",
            "99999999999999999999",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn it_is_shown_as_it_was_written_without_its_tags_prefix() {
        for (text, prefix, shown) in [
            (" v1.20.0 ", "", "1.20.0"),
            ("app-v1.2.3-rc.1", "app-", "1.2.3-rc.1"),
            ("k8s-1.30", "k8s-", "1.30"),
            ("app-2-1.2.3", "app-2-", "1.2.3"),
            ("release-15", "release-", "15"),
            ("chart-2026.05.01", "chart-", "2026.05.01"),
        ] {
            let read = version(text);
            assert_eq!(
                (read.prefix(), read.to_string().as_str()),
                (prefix, shown),
                "{text}"
            );
        }
        assert_eq!(serde_json::to_string(&version("2.30")).unwrap(), r#""2.30""#);
        assert_eq!(
            serde_json::from_str::<Version>(r#""v2.30""#).unwrap(),
            version("2.30")
        );
        assert!(serde_json::from_str::<Version>(r#""newest""#).is_err());
    }

    #[test]
    fn numbers_that_are_not_written_are_0() {
        let two = version("v2");
        assert_eq!((two.major(), two.minor(), two.number(7)), (2, 0, 0));
    }

    #[test]
    fn a_prerelease_belongs_to_its_release_only() {
        assert!(version("2.39.0-rc.1").is_prerelease_of(&version("2.39")));
        assert!(!version("2.39.0-rc.1").is_prerelease_of(&version("2.39.1")));
        assert!(!version("2.39.0").is_prerelease_of(&version("2.39.0")));
    }
}
