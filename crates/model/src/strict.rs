//! Strict reading of YAML that people write: one error that names the place and the remedy.

use serde::de::DeserializeOwned;

use crate::text::harmless;

/// Why a text is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrictError {
    /// Line, counted from 1, where known.
    pub line: Option<u64>,
    /// Column, counted from 1, where known.
    pub column: Option<u64>,
    /// What is wrong there.
    pub message: String,
    /// The nearest known key, when a key is unknown.
    pub suggestion: Option<String>,
}

/// Reads a text into a type that denies unknown keys.
///
/// # Errors
/// On anything that is not exactly that: wrong YAML, unknown or missing keys.
pub fn read_strict<T: DeserializeOwned>(text: &str) -> Result<T, StrictError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let (message, suggestion) = match error {
            serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => {
                (format!("unknown key `{field}`"), nearest(field, expected))
            }
            other => (first_line(&other.to_string()), None),
        };
        StrictError {
            line: error.location().map(|place| place.line()),
            column: error.location().map(|place| place.column()),
            message: harmless(&message),
            suggestion,
        }
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The known key that is most like `key`, if any is like it at all.
fn nearest(key: &str, known: &[&str]) -> Option<String> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(key, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| (*candidate).to_owned())
}
