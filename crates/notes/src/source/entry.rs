//! What a source tells about versions, before anybody judges it.

use model::Version;
use serde::{Deserialize, Serialize};

use crate::text::{harmless, line};
use crate::way::Span;

/// The longest note of one version that is kept, in bytes. The longest that GitHub takes is 125,000 characters.
const LONGEST: usize = 128 << 10;

/// What a source tells about one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The version as the source writes it: a tag, the word of a heading.
    pub version: String,
    /// What it is called, where it has a name besides the version.
    pub title: Option<String>,
    /// The day it was published (`2026-05-01`).
    pub date: Option<String>,
    /// Whether it is a prerelease by the source's word or by its version.
    pub prerelease: bool,
    /// Where to read it.
    pub url: Option<String>,
    /// The note as Markdown.
    pub text: String,
}

impl Entry {
    /// Its version, where it is one.
    pub(crate) fn parsed(&self) -> Option<Version> {
        Version::parse(&self.version)
    }

    /// The entry with nothing in it that steers a terminal, and no longer than is kept.
    pub(crate) fn harmless(self) -> Self {
        let mut text = harmless(&self.text);
        if text.len() > LONGEST {
            let end = (0..=LONGEST)
                .rev()
                .find(|index| text.is_char_boundary(*index))
                .unwrap_or_default();
            text.truncate(end);
            text.push_str("\n\n(cut: read the rest at its source)");
        }
        Self {
            version: line(&self.version),
            title: self.title.as_deref().map(line).filter(|title| !title.is_empty()),
            date: self.date.as_deref().map(line),
            prerelease: self.prerelease,
            url: self.url.as_deref().map(line),
            text,
        }
    }
}

/// How far back a source's answer goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "goes", content = "down")]
pub enum Reach {
    /// All that it has.
    Whole,
    /// Every version above this one, of the tags with the same prefix.
    Above(String),
    /// Its own version alone.
    Own,
    /// Not to the end: there was more than is read.
    Cut,
}

/// All that a source told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceNotes {
    /// How far back it goes.
    pub reach: Reach,
    /// Its versions, in its order.
    pub entries: Vec<Entry>,
}

impl SourceNotes {
    /// Whether it holds every version of a span that the source has; all of them where no span is known.
    pub(crate) fn reaches(&self, span: Option<Span<'_>>) -> bool {
        match &self.reach {
            Reach::Whole => true,
            Reach::Above(above) => span.zip(Version::parse(above)).is_some_and(|(span, above)| {
                *span.low >= above && span.counts(above.prefix(), &self.entries)
            }),
            Reach::Own | Reach::Cut => false,
        }
    }
}
