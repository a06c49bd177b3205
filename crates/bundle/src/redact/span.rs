//! Parts of a text that are hidden: brought together, and widened where half of something would be left.

use std::collections::BTreeMap;
use std::ops::Range;

use model::{HiddenCount, HidingRule};

/// What stands in place of what was hidden.
const HIDDEN: &str = "***";

/// A part that is hidden, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) range: Range<usize>,
    pub(super) rule: HidingRule,
}

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Words, logs, YAML.
    Text,
    /// JSON: what is hidden outside of a string becomes one.
    Json,
    /// A page: tags stay.
    Html,
}

/// Hides the parts; tells how many by which rule.
pub(super) fn hide(text: &str, language: Language, spans: Vec<Span>) -> (String, Vec<HiddenCount>) {
    let strings = match language {
        Language::Json => strings(text),
        Language::Text | Language::Html => Vec::new(),
    };
    let fitted = spans.into_iter().flat_map(|Span { range, rule }| {
        let ranges = match language {
            Language::Text => vec![range],
            Language::Json => in_json(text, &strings, range),
            Language::Html => vec![before_a_tag(text, range)],
        };
        ranges.into_iter().map(move |range| Span {
            range: whole(text, range),
            rule,
        })
    });
    let mut shown = String::with_capacity(text.len());
    let mut counts: BTreeMap<HidingRule, usize> = BTreeMap::new();
    let mut place = 0;
    for Span { range, rule } in merged(text, fitted) {
        shown.push_str(&text[place..range.start]);
        let bare = language == Language::Json && !is_inside(&strings, range.start);
        let quote = if bare { "\"" } else { "" };
        shown.extend([quote, HIDDEN, quote]);
        place = range.end;
        *counts.entry(rule).or_insert(0) += 1;
    }
    shown.push_str(&text[place..]);
    let counts = counts
        .into_iter()
        .map(|(rule, count)| HiddenCount { rule, count });
    (shown, counts.collect())
}

/// The parts of a range that are inside of strings, and the numbers that it touches outside of them: marks of JSON stay.
fn in_json(text: &str, strings: &[Range<usize>], range: Range<usize>) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let is_scalar = |place: &usize| {
        let byte = bytes[*place];
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-')
    };
    let mut parts = Vec::new();
    let mut place = range.start;
    let mut next = strings.partition_point(|string| string.end <= range.start);
    while place < range.end {
        match strings.get(next).filter(|string| string.start <= place) {
            Some(string) => {
                parts.push(place..string.end.min(range.end));
                place = string.end.max(place + 1);
                next += 1;
            }
            None if is_scalar(&place) => {
                let begin = place - (0..place).rev().take_while(is_scalar).count();
                let end = place + (place..text.len()).take_while(is_scalar).count();
                if !matches!(&text[begin..end], "true" | "false" | "null") {
                    parts.push(begin..end);
                }
                place = end;
            }
            None => place += 1,
        }
    }
    parts
}

/// The part of a range that stands before the next tag.
fn before_a_tag(text: &str, range: Range<usize>) -> Range<usize> {
    let tag = text.as_bytes()[range.clone()]
        .iter()
        .position(|byte| *byte == b'<');
    range.start..tag.map_or(range.end, |tag| range.start + tag)
}

/// A range that leaves no half of a character and no half of an escape.
fn whole(text: &str, range: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = range;
    if start == end {
        return range;
    }
    if cuts_an_escape(text.as_bytes(), start) {
        start -= 1;
    }
    if cuts_an_escape(text.as_bytes(), end) {
        end += 1;
    }
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// Whether a backslash before a place belongs to what follows it.
fn cuts_an_escape(bytes: &[u8], place: usize) -> bool {
    let backslashes = bytes[..place]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\')
        .count();
    place < bytes.len() && backslashes % 2 == 1
}

/// Spans in order, those that overlap or touch as one, which is told by the rule that explains it best.
fn merged(text: &str, spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans
        .filter(|span| text.get(span.range.clone()).is_some_and(|said| said != HIDDEN))
        .collect();
    spans.sort_by_key(|span| (span.range.start, span.range.end));
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged
            .last_mut()
            .filter(|last| span.range.start <= last.range.end)
        {
            Some(last) => {
                last.range.end = last.range.end.max(span.range.end);
                last.rule = last.rule.min(span.rule);
            }
            None => merged.push(span),
        }
    }
    merged
}

/// The strings of a JSON text, without their quotes.
fn strings(text: &str) -> Vec<Range<usize>> {
    let mut strings = Vec::new();
    let (mut begin, mut escaped) = (None, false);
    for (place, byte) in text.bytes().enumerate() {
        match (begin, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(start), b'"') => {
                strings.push(start..place);
                begin = None;
            }
            (None, b'"') => begin = Some(place + 1),
            (_, _) => {}
        }
    }
    strings
}

fn is_inside(strings: &[Range<usize>], place: usize) -> bool {
    let next = strings.partition_point(|string| string.end <= place);
    strings.get(next).is_some_and(|string| string.contains(&place))
}
