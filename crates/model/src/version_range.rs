//! Ranges of versions: `>=2.26.0 <2.26.6`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Version;

/// A range of versions: bounds apart from each other by spaces or commas, all of which must hold. `>=2.26.0 <2.26.6`;
/// `2.30.0` alone is that version, `*` is every version.
///
/// A prerelease holds what its release will hold, so it lies in `>=` of its release as well as in `<` of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct VersionRange {
    text: String,
    bounds: Vec<Bound>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Bound {
    Below(Version),
    AtMost(Version),
    Exactly(Version),
    AtLeast(Version),
    Above(Version),
}

impl VersionRange {
    /// Every version.
    pub fn any() -> Self {
        Self {
            text: "*".into(),
            bounds: Vec::new(),
        }
    }

    /// Every version before this one.
    pub fn below(version: &Version) -> Self {
        Self {
            text: format!("<{version}"),
            bounds: vec![Bound::Below(version.clone())],
        }
    }

    /// Every version after this one.
    pub fn above(version: &Version) -> Self {
        Self {
            text: format!(">{version}"),
            bounds: vec![Bound::Above(version.clone())],
        }
    }

    /// Reads a range, `None` where the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" {
            return Some(Self::any());
        }
        // A sign may stand apart from its version.
        let spaced = text.replace(',', " ");
        let mut words = spaced.split_whitespace();
        let mut bounds = Vec::new();
        while let Some(word) = words.next() {
            let (sign, version) = match word.trim_start_matches(['<', '>', '=']) {
                "" => (word, words.next()?),
                version => (&word[..word.len() - version.len()], version),
            };
            bounds.push(Bound::of(sign, Version::parse(version)?)?);
        }
        (!bounds.is_empty()).then(|| Self {
            text: text.to_owned(),
            bounds,
        })
    }

    /// Whether a version lies in it.
    pub fn contains(&self, version: &Version) -> bool {
        self.bounds.iter().all(|bound| bound.holds(version))
    }
}

impl Bound {
    fn of(sign: &str, version: Version) -> Option<Self> {
        match sign {
            "<" => Some(Self::Below(version)),
            "<=" => Some(Self::AtMost(version)),
            "" | "=" | "==" => Some(Self::Exactly(version)),
            ">=" => Some(Self::AtLeast(version)),
            ">" => Some(Self::Above(version)),
            _ => None,
        }
    }

    fn holds(&self, version: &Version) -> bool {
        match self {
            Self::Below(bound) => version < bound,
            Self::AtMost(bound) => version <= bound,
            Self::Exactly(bound) => version == bound,
            Self::AtLeast(bound) => version >= bound || version.is_prerelease_of(bound),
            Self::Above(bound) => version > bound,
        }
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Default for VersionRange {
    fn default() -> Self {
        Self::any()
    }
}

impl<'de> Deserialize<'de> for VersionRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            Error::invalid_value(
                Unexpected::Str(&text),
                &"a range such as `>=1.2.0 <1.4.0`, or `*` for all versions",
            )
        })
    }
}

impl JsonSchema for VersionRange {
    fn schema_name() -> Cow<'static, str> {
        "VersionRange".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

impl From<VersionRange> for String {
    fn from(range: VersionRange) -> Self {
        range.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(range: &str, version: &str) -> bool {
        VersionRange::parse(range)
            .unwrap_or_else(|| panic!("{range} is a range"))
            .contains(&Version::parse(version).unwrap())
    }

    #[test]
    fn bounds_are_kept_to_the_version() {
        for (range, within, outside) in [
            (">=2.26.0 <2.26.6", "v2.26.0", "2.26.6"),
            (">=2.26.0, <2.26.6", "2.26.5", "2.25.9"),
            ("<= 2.26.6", "2.26.6", "2.26.7"),
            ("> 2026.1.27", "2026-01-28", "2026-01-27"),
            ("2.30.0", "2.30", "2.30.1"),
            ("=2.30", "2.30.0", "2.31"),
        ] {
            assert!(inside(range, within), "{within} in {range}");
            assert!(!inside(range, outside), "{outside} not in {range}");
        }
        assert!(inside("*", "0.0.1"));
    }

    #[test]
    fn a_prerelease_lies_on_both_sides_of_its_release() {
        assert!(inside(">=2.39.0", "2.39.0-rc.1"));
        assert!(inside("<2.39.0", "2.39.0-rc.1"));
        assert!(!inside(">2.39.0", "2.39.0-rc.1"));
        assert!(!inside(">=2.39.0", "2.38.9"));
    }

    #[test]
    fn what_is_no_range_is_none() {
        for text in ["", "newest", ">=", "~>1.2", "=>1.2", ">=1.2 edge", "<>1.2"] {
            assert_eq!(VersionRange::parse(text), None, "{text}");
        }
    }
}
