//! What may leave: everything but secrets. Rather too much is hidden than one too little.

mod known;
mod patterns;
mod span;
#[cfg(test)]
mod tests;
mod view;

use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError};
use model::{HiddenCount, HidingRule};

pub(crate) use known::KnownValues;
use known::{Needle, Writing};
pub(crate) use span::Language;
use span::{Span, hide};
use view::{Reading, View, each_reading};

/// How often a text is gone through until nothing is found any more. Once is enough, unless what was hidden made
/// neighbours of two halves.
const ROUNDS: usize = 3;

/// Characters of base64 that stand for three bytes together.
const BASE64_GROUP: usize = 4;

/// Hides what is known to be secret, and what looks like it. Has no `Debug`: it holds every secret of the release.
pub(crate) struct Redactor {
    needles: Vec<Needle>,
    search: AhoCorasick,
    /// Whether words that look generated are hidden as well: there are secrets that are not known.
    guess: bool,
    values: usize,
    too_short: usize,
}

/// A text that may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redacted {
    pub(crate) text: String,
    /// What was hidden, by rule.
    pub(crate) hidden: Vec<HiddenCount>,
}

impl Redactor {
    /// A redactor that knows these values; `guess` where there are secrets that it cannot know.
    ///
    /// # Errors
    /// The values take more room than a search can have.
    pub(crate) fn new(known: &KnownValues, guess: bool) -> Result<Self, BuildError> {
        let needles = known.needles();
        Ok(Self {
            search: AhoCorasick::new(needles.iter().map(|needle| &needle.bytes))?,
            needles,
            guess,
            values: known.count(),
            too_short: known.too_short(),
        })
    }

    /// How many values it knows.
    pub(crate) fn values(&self) -> usize {
        self.values
    }

    /// How many of them are too short to be looked for.
    pub(crate) fn too_short(&self) -> usize {
        self.too_short
    }

    /// The text without secrets; `None` where something is still found in what was made of it.
    pub(crate) fn redact(&self, text: &str, language: Language) -> Option<Redacted> {
        let mut redacted = Redacted {
            text: text.to_owned(),
            hidden: Vec::new(),
        };
        for _ in 0..ROUNDS {
            let spans = self.spans(&redacted.text);
            let (shown, hidden) = hide(&redacted.text, language, spans);
            if hidden.is_empty() {
                return Some(redacted);
            }
            redacted.text = shown;
            add(&mut redacted.hidden, hidden);
        }
        let left = hide(&redacted.text, language, self.spans(&redacted.text)).1;
        left.is_empty().then_some(redacted)
    }

    fn spans(&self, text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        each_reading(text, |view, reading| {
            let known = self
                .search
                .find_overlapping_iter(&view.bytes)
                .filter_map(|found| {
                    let needle = &self.needles[found.pattern().as_usize()];
                    // What stands in one line was found in the reading that leaves lines alone.
                    let elsewhere = reading == Reading::Joined && !view.is_split(found.range());
                    let place = fits(needle, &view.bytes, found.range(), reading).filter(|_| !elsewhere)?;
                    Some((place, rule(needle.writing, reading)))
                });
            let places: Vec<(Range<usize>, HidingRule)> = match reading {
                Reading::Joined => known.collect(),
                Reading::Plain | Reading::Percent => {
                    known.chain(patterns::found(&view.bytes, self.guess)).collect()
                }
            };
            spans.extend(places.into_iter().map(|(place, rule)| span(view, place, rule)));
        });
        spans
    }
}

fn span(view: &View, place: Range<usize>, rule: HidingRule) -> Span {
    Span {
        range: view.source(place),
        rule,
    }
}

/// Where a needle that was found is hidden; `None` where it is a part of another word.
fn fits(needle: &Needle, bytes: &[u8], place: Range<usize>, reading: Reading) -> Option<Range<usize>> {
    // Behind a line's end begins another message.
    let longest = match reading {
        Reading::Joined => BASE64_GROUP,
        Reading::Plain | Reading::Percent => bytes.len(),
    };
    match needle.writing {
        Writing::Plain if needle.whole_word => {
            let is_word =
                |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
            let before = place.start.checked_sub(1).and_then(|before| bytes.get(before));
            let joins_before = is_word(before) && is_word(bytes.get(place.start));
            let joins_behind = is_word(bytes.get(place.end)) && is_word(bytes.get(place.end - 1));
            (!joins_before && !joins_behind).then_some(place)
        }
        Writing::Plain => Some(place),
        // What stands beside it in the same encoded text is a part of the same message.
        Writing::Base64 => Some(run(bytes, place, longest, |byte| {
            byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
        })),
        Writing::Hex => Some(run(bytes, place, longest, |byte| byte.is_ascii_hexdigit())),
    }
}

/// A place with the bytes of a kind beside it.
fn run(bytes: &[u8], place: Range<usize>, longest: usize, is_part: impl Fn(u8) -> bool) -> Range<usize> {
    let before = bytes[..place.start].iter().rev().take(longest);
    let before = before.take_while(|byte| is_part(**byte)).count();
    let behind = bytes[place.end..].iter().take(longest);
    let behind = behind.take_while(|byte| is_part(**byte)).count();
    place.start - before..place.end + behind
}

fn rule(writing: Writing, reading: Reading) -> HidingRule {
    match (writing, reading) {
        (_, Reading::Joined) => HidingRule::KnownValueOverLines,
        (Writing::Base64, Reading::Plain | Reading::Percent) => HidingRule::KnownValueBase64,
        (Writing::Hex, Reading::Plain | Reading::Percent) => HidingRule::KnownValueHex,
        (Writing::Plain, Reading::Percent) => HidingRule::KnownValueUrlEncoded,
        (Writing::Plain, Reading::Plain) => HidingRule::KnownValue,
    }
}

fn add(counts: &mut Vec<HiddenCount>, more: Vec<HiddenCount>) {
    for new in more {
        match counts.iter_mut().find(|count| count.rule == new.rule) {
            Some(count) => count.count += new.count,
            None => counts.push(new),
        }
    }
    counts.sort_by_key(|count| count.rule);
}
