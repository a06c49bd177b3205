//! Numbers as people read them, and other people's words as a terminal may show them.

use std::io;

use model::text::steers;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Seconds as `0.4 s`, `12 s`, `3 min 05 s` or `1 h 02 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round().max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rounded, not negative duration"
    )]
    let whole = whole as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Bytes as `912 B`, `4.1 kB`, `281 MB`, `1.2 GB`, by powers of a thousand.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// An age in seconds as `5 min`, `7 h` or `3 days`.
pub(crate) fn age(seconds: i64) -> String {
    match seconds {
        ..60 => "just now".into(),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Words of others on one line, without what a terminal would act on.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// A report in which every text is on one line: what a cluster or a server says stays in its cell and its paragraph.
///
/// # Errors
/// The report cannot be read as it was written.
pub(crate) fn in_lines<T: Serialize + DeserializeOwned>(report: &T) -> io::Result<T> {
    let mut report = serde_json::to_value(report).map_err(io::Error::other)?;
    each_on_one_line(&mut report);
    serde_json::from_value(report).map_err(io::Error::other)
}

fn each_on_one_line(value: &mut Value) {
    match value {
        Value::String(text) => *text = one_line(text),
        Value::Array(values) => values.iter_mut().for_each(each_on_one_line),
        Value::Object(entries) => entries.values_mut().for_each(each_on_one_line),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
