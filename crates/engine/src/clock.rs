//! The one place where the time of day is read. Durations are measured with `tokio::time`, which tests can hold.

use jiff::Timestamp;

/// The time of day, in UTC, to the millisecond: enough for a person and for a journal.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// Seconds between two times as the journal holds them; `None` if one cannot be read.
pub(crate) fn seconds_between(start: &str, end: &str) -> Option<f64> {
    let start: Timestamp = start.parse().ok()?;
    let end: Timestamp = end.parse().ok()?;
    Some(end.duration_since(start).as_secs_f64())
}
