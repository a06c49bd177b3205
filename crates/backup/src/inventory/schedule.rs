//! Cron expressions: when a backup should have run.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use thiserror::Error;

/// How long after its time a run may begin before it counts as missed: controllers look every ten seconds to minutes,
/// and a run waits for the one before it and for room on a node.
const GRACE_SECONDS: i64 = 15 * 60;

/// How a cron expression is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fields {
    /// minute, hour, day, month, weekday.
    Five,
    /// With seconds before them, as CloudNativePG's `ScheduledBackup` needs.
    Six,
}

/// A cron expression in its time zone.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

/// A text that is no schedule.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum ScheduleError {
    /// It does not parse.
    #[error("{text:?} is no schedule of {fields} fields")]
    Text {
        /// The text.
        text: String,
        /// How many fields there should be.
        fields: u8,
    },
    /// Nobody here knows the zone.
    #[error("time zone {0:?} is not known on this machine")]
    Zone(String),
}

impl Schedule {
    /// Reads an expression; without a zone it is in UTC, as controllers run.
    pub(super) fn parse(text: &str, fields: Fields, zone: Option<&str>) -> Result<Self, ScheduleError> {
        // An older way to name the zone, which Kubernetes refuses today but operators take.
        let (zone, text) = match text.trim().split_once(char::is_whitespace) {
            Some((first, rest)) if first.starts_with("TZ=") || first.starts_with("CRON_TZ=") => {
                (first.split_once('=').map(|(_, zone)| zone), rest.trim())
            }
            Some(_) | None => (zone, text.trim()),
        };
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| ScheduleError::Zone(name.to_owned()))?,
        };
        let seconds = match fields {
            Fields::Five => Seconds::Disallowed,
            Fields::Six => Seconds::Required,
        };
        let parser = CronParser::builder()
            .seconds(seconds)
            .year(Year::Disallowed)
            .sloppy_ranges(true)
            .build();
        let cron = parser.parse(text).map_err(|_| ScheduleError::Text {
            text: text.to_owned(),
            fields: match fields {
                Fields::Five => 5,
                Fields::Six => 6,
            },
        })?;
        Ok(Self { cron, zone })
    }

    /// The first time after a moment.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp())
    }

    /// The time at which a run should have begun and has not: the first after the last run (or after the schedule was
    /// made) that is longer ago than the grace.
    pub(super) fn missed(&self, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let due = self.next(last)?;
        (now.as_second() - due.as_second() > GRACE_SECONDS).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn next(text: &str, fields: Fields, zone: Option<&str>) -> String {
        let schedule = Schedule::parse(text, fields, zone).unwrap();
        schedule.next(at("2026-11-20T12:00:00Z")).unwrap().to_string()
    }

    #[test]
    fn five_fields_begin_with_minutes_and_six_with_seconds() {
        assert_eq!(next("0 3 * * *", Fields::Five, None), "2026-11-21T03:00:00Z");
        assert_eq!(next("0 0 3 * * *", Fields::Six, None), "2026-11-21T03:00:00Z");
        // Read with five fields this would be "at 00:00 on every day 3"; as six it runs every hour at minute 0.
        assert_eq!(next("0 0 * * * *", Fields::Six, None), "2026-11-20T13:00:00Z");
    }

    #[test]
    fn the_wrong_number_of_fields_is_no_schedule() {
        for (text, fields) in [
            ("0 3 * * *", Fields::Six),
            ("0 0 3 * * *", Fields::Five),
            ("", Fields::Five),
            ("nightly", Fields::Five),
            ("61 3 * * *", Fields::Five),
        ] {
            assert!(
                matches!(
                    Schedule::parse(text, fields, None),
                    Err(ScheduleError::Text { .. })
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn names_and_zones_are_understood() {
        assert_eq!(next("@daily", Fields::Five, None), "2026-11-21T00:00:00Z");
        assert_eq!(next("0 3 * * MON", Fields::Five, None), "2026-11-23T03:00:00Z");
        assert_eq!(
            next("0 3 * * *", Fields::Five, Some("Asia/Tokyo")),
            "2026-11-20T18:00:00Z"
        );
        assert_eq!(
            next("TZ=Asia/Tokyo 0 3 * * *", Fields::Five, None),
            "2026-11-20T18:00:00Z"
        );
        assert_eq!(
            Schedule::parse("0 3 * * *", Fields::Five, Some("Atlantis/Main")).unwrap_err(),
            ScheduleError::Zone("Atlantis/Main".into())
        );
    }

    #[test]
    fn a_run_is_missed_once_its_grace_is_over_and_not_before() {
        let schedule = Schedule::parse("0 3 * * *", Fields::Five, None).unwrap();
        let last = at("2026-11-19T03:00:00Z");
        assert_eq!(schedule.missed(last, at("2026-11-20T02:59:00Z")), None);
        assert_eq!(schedule.missed(last, at("2026-11-20T03:10:00Z")), None);
        assert_eq!(
            schedule.missed(last, at("2026-11-20T03:20:00Z")),
            Some(at("2026-11-20T03:00:00Z"))
        );
    }
}
