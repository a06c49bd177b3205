//! Values that are known to be secret, and every spelling in which they are looked for.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::patterns::{is_telling, is_trivial, texts_in};

/// Bytes of the shortest value that is looked for everywhere: shorter ones stand in every second line by chance.
const SHORTEST: usize = 4;

/// Bytes from which on a value is looked for inside of words, too.
const INSIDE_WORDS: usize = 8;

/// Characters of base64 that are enough to know a value by.
const SHORTEST_BASE64: usize = 6;

/// Characters of base64 into which a longer value is taken apart: a line of 64 holds one of these pieces whole.
const BASE64_PIECE: usize = 32;

/// Pieces of one value that are looked for.
const BASE64_PIECES: usize = 512;

/// Parts of one value that are looked for in every spelling; more of them only as they are.
const PARTS_IN_EVERY_SPELLING: usize = 200;

/// Values that are known. Has no `Debug`.
#[derive(Default)]
pub(crate) struct KnownValues {
    /// By value, whether its name tells that it is a secret and whether every spelling is looked for.
    values: BTreeMap<Vec<u8>, Standing>,
    /// Names that stand in every report: a Secret may hold them too, beside its secrets.
    public: BTreeSet<String>,
    too_short: BTreeSet<Vec<u8>>,
}

#[derive(Clone, Copy, Default)]
struct Standing {
    telling: bool,
    every_spelling: bool,
}

/// In which writing a needle spells its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    Plain,
    Base64,
    Hex,
}

/// One spelling of one value.
pub(super) struct Needle {
    pub(super) bytes: Vec<u8>,
    pub(super) writing: Writing,
    /// Whether it counts only where it is no part of a word.
    pub(super) whole_word: bool,
}

impl KnownValues {
    /// Takes in a value by the name that it stands under, with the values inside of it: those of JSON, of lines, of addresses.
    pub(crate) fn add(&mut self, name: &str, value: &[u8]) {
        let Ok(text) = std::str::from_utf8(value) else {
            self.take(name, value, true);
            return;
        };
        self.take(name, text.trim().as_bytes(), true);
        let mut parts = Vec::new();
        match serde_json::from_str::<Value>(text) {
            Ok(structure @ (Value::Object(_) | Value::Array(_))) => leaves(name, &structure, &mut parts),
            Ok(_) | Err(_) => lines(text, &mut parts),
        }
        let every_spelling = parts.len() <= PARTS_IN_EVERY_SPELLING;
        for (name, part) in &parts {
            // A short part of a long value is a word of it: `true`, a number of seconds, the name of a cipher.
            if part.len() >= INSIDE_WORDS || is_telling(name) {
                self.take(name, part.as_bytes(), every_spelling);
            }
        }
        self.add_inside(text);
    }

    /// Takes in what a text shows to be a secret: passwords in addresses, values behind telling names, tokens.
    pub(crate) fn add_inside(&mut self, text: &str) {
        for found in texts_in(text) {
            let decoded = percent_decode_str(&found).decode_utf8_lossy().into_owned();
            self.take("password", found.as_bytes(), true);
            self.take("password", decoded.as_bytes(), true);
        }
    }

    /// Takes in what stands under telling names in a structure, as values of charts and environments of containers have them.
    pub(crate) fn add_fields(&mut self, structure: &Value) {
        match structure {
            Value::Object(fields) => {
                let text = |field: &str| fields.get(field).and_then(Value::as_str);
                if let (Some(name), Some(value)) = (text("name"), text("value"))
                    && is_telling(name)
                {
                    self.add(name, value.as_bytes());
                }
                for (name, value) in fields {
                    match scalar(value).filter(|_| is_telling(name)) {
                        Some(value) => self.add(name, value.as_bytes()),
                        None => self.add_fields(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.add_fields(item)),
            Value::String(text) => self.add_inside(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Says that a name stands in the open.
    pub(crate) fn add_public(&mut self, name: &str) {
        self.public.insert(name.to_owned());
    }

    fn take(&mut self, name: &str, value: &[u8], every_spelling: bool) {
        let value = value.trim_ascii();
        let trivial = std::str::from_utf8(value).is_ok_and(is_trivial);
        let frame = value.starts_with(b"-----") && !value.contains(&b'\n');
        if trivial || frame {
            return;
        }
        if value.len() < SHORTEST {
            self.too_short.insert(value.to_vec());
            return;
        }
        let standing = self.values.entry(value.to_vec()).or_default();
        standing.telling |= is_telling(name);
        standing.every_spelling |= every_spelling;
    }

    /// How many values are too short to be looked for.
    pub(super) fn too_short(&self) -> usize {
        self.too_short.len()
    }

    /// The values that are looked for.
    fn wanted(&self) -> impl Iterator<Item = (&[u8], Standing)> {
        let open = |value: &[u8]| std::str::from_utf8(value).is_ok_and(|text| self.public.contains(text));
        self.values
            .iter()
            .filter(move |(value, standing)| standing.telling || !open(value))
            .map(|(value, standing)| (value.as_slice(), *standing))
    }

    /// How many values are looked for.
    pub(super) fn count(&self) -> usize {
        self.wanted().count()
    }

    /// Every spelling of every value.
    pub(super) fn needles(&self) -> Vec<Needle> {
        let mut needles = Vec::new();
        for (value, standing) in self.wanted() {
            let long = value.len() >= INSIDE_WORDS;
            needles.push(Needle {
                bytes: value.to_vec(),
                writing: Writing::Plain,
                whole_word: !long,
            });
            if !standing.every_spelling {
                continue;
            }
            // As forms write a blank.
            if value.contains(&b' ') {
                needles.push(Needle {
                    bytes: value
                        .iter()
                        .map(|byte| if *byte == b' ' { b'+' } else { *byte })
                        .collect(),
                    writing: Writing::Plain,
                    whole_word: !long,
                });
            }
            needles.extend(base64(value));
            if long {
                needles.extend(hexadecimal(value));
            }
        }
        needles
    }
}

/// The text of a value that is no structure.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn leaves(name: &str, structure: &Value, parts: &mut Vec<(String, String)>) {
    match structure {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| leaves(name, value, parts)),
        Value::Array(items) => items.iter().for_each(|item| leaves(name, item, parts)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            parts.extend(scalar(structure).map(|text| (name.to_owned(), text)));
        }
    }
}

/// The lines of a text that has several, and what stands behind the names in them.
fn lines(text: &str, parts: &mut Vec<(String, String)>) {
    if text.trim().lines().nth(1).is_none() {
        return;
    }
    for line in text.lines().map(str::trim) {
        parts.push((String::new(), line.to_owned()));
        if let Some((name, value)) = line.split_once(['=', ':']) {
            let value = value.trim().trim_matches(['"', '\'']);
            parts.push((name.trim().to_owned(), value.to_owned()));
        }
    }
}

/// A value in base64, wherever in an encoded text it begins: at each of the three places it looks otherwise, and its first
/// and last character hang on what stands beside it.
fn base64(value: &[u8]) -> Vec<Needle> {
    let mut cores: BTreeSet<String> = BTreeSet::new();
    if value.len() < INSIDE_WORDS {
        cores.insert(STANDARD_NO_PAD.encode(value));
    }
    for (before, unsure) in [(0, 0), (1, 2), (2, 3)] {
        let shifted: Vec<u8> = std::iter::repeat_n(0, before)
            .chain(value.iter().copied())
            .collect();
        let sure = shifted.len() * 8 / 6;
        let encoded = STANDARD_NO_PAD.encode(&shifted);
        let core = encoded.get(unsure..sure).unwrap_or_default();
        if core.len() >= 2 * BASE64_PIECE {
            let last = core.len() - BASE64_PIECE;
            let places = (0..last).step_by(BASE64_PIECE).take(BASE64_PIECES).chain([last]);
            cores.extend(places.map(|place| core[place..place + BASE64_PIECE].to_owned()));
        } else if core.len() >= SHORTEST_BASE64 {
            cores.insert(core.to_owned());
        }
    }
    let other_alphabet: Vec<String> = cores
        .iter()
        .map(|core| core.replace('+', "-").replace('/', "_"))
        .collect();
    cores.extend(other_alphabet);
    cores
        .into_iter()
        .map(|core| Needle {
            bytes: core.into_bytes(),
            writing: Writing::Base64,
            whole_word: false,
        })
        .collect()
}

fn hexadecimal(value: &[u8]) -> [Needle; 2] {
    let lower: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    [lower.to_ascii_uppercase(), lower].map(|digits| Needle {
        bytes: digits.into_bytes(),
        writing: Writing::Hex,
        whole_word: false,
    })
}
