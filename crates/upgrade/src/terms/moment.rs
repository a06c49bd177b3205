//! Moments and zones as a person writes them.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;

use super::TermsError;

/// The zone that a person names; the machine's own where nothing is named.
pub(super) fn zone(named: Option<&str>) -> Result<TimeZone, TermsError> {
    match named {
        None => TimeZone::try_system().map_err(|error| TermsError::NoLocalZone(error.to_string())),
        Some("Z" | "z" | "UTC" | "utc") => Ok(TimeZone::UTC),
        Some(name) => DateTimeParser::new()
            .parse_time_zone(name)
            .map_err(|error| TermsError::Zone {
                zone: name.to_owned(),
                why: error.to_string(),
            }),
    }
}

/// A zone for people.
pub(super) fn zone_words(zone: &TimeZone) -> String {
    match (zone.iana_name(), zone.to_fixed_offset()) {
        (Some(name), _) => name.to_owned(),
        (None, Ok(offset)) => offset.to_string(),
        (None, Err(_)) => "local time".to_owned(),
    }
}

/// A time of day.
pub(super) fn time_of_day(text: &str) -> Option<Time> {
    // `%H:%M` alone would take `9:5` as well.
    let is_whole = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
    Time::strptime("%H:%M", text).ok().filter(|_| is_whole)
}

/// A moment: with its offset; without one in `zone`; as a time of day the next such moment after `now`.
pub(super) fn moment(text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    if let Some(time) = time_of_day(text) {
        let today = zone.to_datetime(now).date();
        return [Some(today), today.tomorrow().ok()]
            .into_iter()
            .flatten()
            .filter_map(|day| in_zone(day.to_datetime(time), zone))
            .find(|moment| *moment > now);
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    in_zone(text.parse::<DateTime>().ok()?, zone)
}

/// A time of a calendar as a moment. What a change of the clocks leaves out comes after it, what it repeats is the first.
pub(super) fn in_zone(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(time).compatible().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-31T20:30:00Z";

    fn read(text: &str, zone_name: &str) -> Option<String> {
        let zone = zone(Some(zone_name)).unwrap();
        moment(text, &zone, NOW.parse().unwrap()).map(|moment| moment.to_string())
    }

    #[test]
    fn an_offset_goes_before_the_zone_and_a_time_of_day_is_the_next_one() {
        for (text, zone, wanted) in [
            ("2026-02-01T04:00:00Z", "+02:00", "2026-02-01T04:00:00Z"),
            ("2026-02-01T04:00", "+02:00", "2026-02-01T02:00:00Z"),
            ("2026-02-01 04:00", "UTC", "2026-02-01T04:00:00Z"),
            ("2026-02-01T04:00-05:00", "UTC", "2026-02-01T09:00:00Z"),
            ("23:00", "+02:00", "2026-01-31T21:00:00Z"),
            ("22:30", "+02:00", "2026-02-01T20:30:00Z"),
            ("04:00", "UTC", "2026-02-01T04:00:00Z"),
        ] {
            assert_eq!(read(text, zone).as_deref(), Some(wanted), "{text} in {zone}");
        }
        for wrong in ["", "4:00", "25:00", "tomorrow", "90m", "2026-13-01T00:00"] {
            assert_eq!(read(wrong, "UTC"), None, "{wrong}");
        }
    }

    #[test]
    fn a_zone_that_is_not_known_is_refused() {
        assert!(matches!(zone(Some("Mars/Olympus")), Err(TermsError::Zone { .. })));
        assert_eq!(zone_words(&zone(Some("+02:00")).unwrap()), "+02");
        assert_eq!(zone_words(&TimeZone::UTC), "UTC");
    }
}
