//! A text as somebody else may have written it: a value that stands there with escapes, percent signs or a line end in it is
//! found in the reading without them, and hidden where it really stands.

use std::ops::Range;

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As it stands, or without the escapes of JSON, YAML and HTML.
    Plain,
    /// With `%XX` taken for the byte that it means.
    Percent,
    /// With the next line right behind the one before it.
    Joined,
}

/// Bytes, and where in the text each of them comes from.
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    begins: Vec<usize>,
    ends: Vec<usize>,
}

/// What stands in a view in place of some bytes.
struct Instead {
    taken: usize,
    bytes: [u8; 4],
    length: usize,
}

impl Instead {
    fn nothing(taken: usize) -> Self {
        Self {
            taken,
            bytes: [0; 4],
            length: 0,
        }
    }

    fn byte(taken: usize, byte: u8) -> Self {
        Self {
            taken,
            bytes: [byte, 0, 0, 0],
            length: 1,
        }
    }

    fn character(taken: usize, character: char) -> Self {
        let mut bytes = [0; 4];
        let length = character.encode_utf8(&mut bytes).len();
        Self { taken, bytes, length }
    }
}

impl View {
    fn of(text: &str) -> Self {
        Self {
            bytes: text.as_bytes().to_vec(),
            begins: (0..text.len()).collect(),
            ends: (1..=text.len()).collect(),
        }
    }

    /// Where a part of the view stands in the text. An empty part stands nowhere.
    pub(super) fn source(&self, part: Range<usize>) -> Range<usize> {
        let begin = self.begins.get(part.start).copied().unwrap_or_default();
        let end = part
            .end
            .checked_sub(1)
            .and_then(|last| self.ends.get(last).copied())
            .unwrap_or(begin);
        begin..end
    }

    /// Whether something was left out inside of a part.
    pub(super) fn is_split(&self, part: Range<usize>) -> bool {
        let begins = self.begins[part.clone()].iter().skip(1);
        begins.zip(&self.ends[part]).any(|(begin, end)| begin > end)
    }

    /// The view with something else in some places; `None` where there is no such place.
    fn rewritten(&self, instead: impl Fn(&[u8]) -> Option<Instead>) -> Option<Self> {
        let mut view = Self {
            bytes: Vec::with_capacity(self.bytes.len()),
            begins: Vec::with_capacity(self.bytes.len()),
            ends: Vec::with_capacity(self.bytes.len()),
        };
        let (mut place, mut changed) = (0, false);
        while place < self.bytes.len() {
            let found = instead(&self.bytes[place..]);
            changed |= found.is_some();
            let found = found.unwrap_or_else(|| Instead::byte(1, self.bytes[place]));
            let source = self.source(place..place + found.taken);
            for byte in &found.bytes[..found.length] {
                view.bytes.push(*byte);
                view.begins.push(source.start);
                view.ends.push(source.end);
            }
            place += found.taken;
        }
        changed.then_some(view)
    }

    fn without_percent(&self) -> Option<Self> {
        self.rewritten(|rest| match rest {
            [b'%', high, low, ..] => Some(Instead::byte(3, digit(*high)? * 16 + digit(*low)?)),
            _ => None,
        })
    }

    fn without_escapes(&self) -> Option<Self> {
        self.rewritten(|rest| match rest {
            [b'\\', ..] => backslash(rest),
            [b'&', ..] => entity(rest),
            // As YAML and SQL write a quote inside of quotes.
            [b'\'', b'\'', ..] => Some(Instead::byte(2, b'\'')),
            _ => None,
        })
    }

    fn joined(&self) -> Option<Self> {
        self.rewritten(|rest| {
            let behind = match rest {
                [b'\r', b'\n', ..] => 2,
                [b'\n', ..] => 1,
                _ => return None,
            };
            let stamped = behind + time_stamp(&rest[behind..]);
            let blanks = rest[stamped..]
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t'))
                .count();
            Some(Instead::nothing(stamped + blanks))
        })
    }
}

/// Shows every reading of a text, one after the other.
pub(super) fn each_reading(text: &str, mut look: impl FnMut(&View, Reading)) {
    let mut with_joined = |view: &View, reading: Reading| {
        look(view, reading);
        if let Some(joined) = view.joined() {
            look(&joined, Reading::Joined);
        }
    };
    let plain = View::of(text);
    with_joined(&plain, Reading::Plain);
    if let Some(once) = plain.without_percent() {
        with_joined(&once, Reading::Percent);
        if let Some(twice) = once.without_percent() {
            with_joined(&twice, Reading::Percent);
        }
    }
    if let Some(once) = plain.without_escapes() {
        with_joined(&once, Reading::Plain);
        if let Some(decoded) = once.without_percent() {
            with_joined(&decoded, Reading::Percent);
        }
        // A line of JSON inside of JSON, or JSON on a page.
        if let Some(twice) = once.without_escapes() {
            with_joined(&twice, Reading::Plain);
        }
    }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// What a backslash and what follows it mean.
fn backslash(rest: &[u8]) -> Option<Instead> {
    let byte = match rest.get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'"' => b'"',
        b'\'' => b'\'',
        b'/' => b'/',
        b'\\' => b'\\',
        b'u' => {
            let code = code(rest.get(2..6)?, 16)?;
            return match char::from_u32(code) {
                Some(character) => Some(Instead::character(6, character)),
                None => surrogates(rest, code),
            };
        }
        b'x' => {
            return Some(Instead::byte(
                4,
                digit(*rest.get(2)?)? * 16 + digit(*rest.get(3)?)?,
            ));
        }
        _ => return None,
    };
    Some(Instead::byte(2, byte))
}

/// A character that JSON writes as two halves.
fn surrogates(rest: &[u8], high: u32) -> Option<Instead> {
    let low = match rest.get(6..12)? {
        [b'\\', b'u', digits @ ..] => code(digits, 16)?,
        _ => return None,
    };
    let (high, low) = (high.checked_sub(0xd800)?, low.checked_sub(0xdc00)?);
    let character = char::from_u32(0x10000 + (high << 10) + low)?;
    Some(Instead::character(12, character))
}

/// What an entity of HTML means.
fn entity(rest: &[u8]) -> Option<Instead> {
    /// The longest one: `&#x10ffff;`.
    const LONGEST: usize = 10;
    let end = rest.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let character = match &rest[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(code(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(code(digits, 10)?)?,
        _ => return None,
    };
    Some(Instead::character(end + 1, character))
}

fn code(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// The length of the time that the API server writes before every line of a log, with the blank behind it.
fn time_stamp(line: &[u8]) -> usize {
    const SHORTEST: usize = "2026-01-01T00:00:00Z".len();
    let length = line
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || b"-:.TZ+".contains(byte))
        .count();
    let is_time =
        length >= SHORTEST && line[4] == b'-' && line[10] == b'T' && line.get(length) == Some(&b' ');
    if is_time { length + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In which reading a text holds the words, and what of the text they are.
    fn found(text: &str, words: &str) -> Vec<(Reading, String)> {
        let mut found = Vec::new();
        each_reading(text, |view, reading| {
            let place = view
                .bytes
                .windows(words.len())
                .position(|window| window == words.as_bytes());
            if let Some(place) = place {
                found.push((reading, text[view.source(place..place + words.len())].to_owned()));
            }
        });
        found
    }

    #[test]
    fn words_are_found_in_every_spelling_and_told_where_they_stand() {
        for (text, spelled, reading) in [
            (r#"{"a":"p\"q\\r"}"#, r#"p\"q\\r"#, Reading::Plain),
            (
                r#"{"a":"{\"b\":\"p\\\"q\\\\r\"}"}"#,
                r#"p\\\"q\\\\r"#,
                Reading::Plain,
            ),
            (r"<td>p&quot;q&#92;r</td>", r"p&quot;q&#92;r", Reading::Plain),
            (r"x p%22q%5cr y", r"p%22q%5cr", Reading::Percent),
            (r"x p%2522q%255Cr y", r"p%2522q%255Cr", Reading::Percent),
            ("x p\"q\n  \\r y", "p\"q\n  \\r", Reading::Joined),
        ] {
            let told = found(text, "p\"q\\r");
            assert_eq!(told, [(reading, spelled.to_owned())], "{text}");
        }
    }

    #[test]
    fn the_time_before_a_line_is_no_part_of_what_goes_on_in_it() {
        let text = "2026-11-30T01:02:03.456Z hunter\n2026-11-30T01:02:03.457Z twelve";
        let told = found(text, "huntertwelve");
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, Reading::Joined);
        assert_eq!(found("hunter\n2026 twelve", "huntertwelve"), []);
    }

    #[test]
    fn characters_beyond_ascii_are_read_from_their_escapes() {
        assert_eq!(found(r#""gr\u00fcn""#, "grün").len(), 1);
        assert_eq!(found(r#""a\ud83d\ude00b""#, "a😀b").len(), 1);
        assert_eq!(found("gr%C3%BCn", "grün").len(), 1);
    }
}
