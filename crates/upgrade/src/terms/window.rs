//! A maintenance window: every day from one time of day to another.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use model::WindowSpan;

use super::TermsError;
use super::moment::{in_zone, time_of_day, zone, zone_words};

/// A window of every day. One whose end is not after its begin ends on the next day.
#[derive(Debug, Clone)]
pub struct Window {
    from: Time,
    to: Time,
    zone: TimeZone,
}

impl Window {
    /// Reads `22:00-04:00`, in `local` unless an offset follows: `22:00-04:00+02:00`, `22:00-04:00Z`.
    ///
    /// # Errors
    /// When it is no window, or an empty one.
    pub fn parse(text: &str, local: &TimeZone) -> Result<Self, TermsError> {
        let wrong = || TermsError::Window(text.to_owned(), zone_words(local));
        let (from, rest) = text.split_once('-').ok_or_else(wrong)?;
        let (to, offset) = rest.split_at_checked(5).ok_or_else(wrong)?;
        let (from, to) = (time_of_day(from), time_of_day(to));
        let (from, to) = from.zip(to).filter(|(from, to)| from != to).ok_or_else(wrong)?;
        let zone = match offset {
            "" => local.clone(),
            offset => zone(Some(offset)).map_err(|_| wrong())?,
        };
        Ok(Self { from, to, zone })
    }

    /// The night that is open at a moment, else the next one.
    pub fn span(&self, at: Timestamp) -> Option<WindowSpan> {
        let today = self.zone.to_datetime(at).date();
        let days = [today.yesterday(), Ok(today), today.tomorrow()];
        days.into_iter()
            .filter_map(|day| self.of_day(day.ok()?))
            .find(|(_, closes)| *closes > at)
            .map(|(opens, closes)| WindowSpan {
                words: self.words(),
                opens: opens.to_string(),
                closes: closes.to_string(),
            })
    }

    /// The night that begins on a day.
    fn of_day(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let last = if self.to > self.from {
            day
        } else {
            day.tomorrow().ok()?
        };
        let opens = in_zone(day.to_datetime(self.from), &self.zone)?;
        Some((opens, in_zone(last.to_datetime(self.to), &self.zone)?))
    }

    fn words(&self) -> String {
        let time = |time: Time| time.strftime("%H:%M").to_string();
        format!("{}-{} {}", time(self.from), time(self.to), zone_words(&self.zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(window: &str, local: &TimeZone, at: &str) -> (String, String) {
        let window = Window::parse(window, local).unwrap();
        let span = window.span(at.parse().unwrap()).unwrap();
        (span.opens, span.closes)
    }

    fn pair(opens: &str, closes: &str) -> (String, String) {
        (opens.to_owned(), closes.to_owned())
    }

    #[test]
    fn a_window_over_midnight_is_that_of_the_evening_before() {
        let night = pair("2026-01-31T22:00:00Z", "2026-02-01T04:00:00Z");
        for at in [
            "2026-01-31T12:00:00Z",
            "2026-01-31T22:00:00Z",
            "2026-02-01T00:00:00Z",
            "2026-02-01T03:59:59Z",
        ] {
            assert_eq!(span("22:00-04:00", &TimeZone::UTC, at), night, "{at}");
        }
        let next = pair("2026-02-01T22:00:00Z", "2026-02-02T04:00:00Z");
        assert_eq!(span("22:00-04:00", &TimeZone::UTC, "2026-02-01T04:00:00Z"), next);
    }

    #[test]
    fn a_window_of_one_day_and_one_with_its_own_offset() {
        let noon = pair("2026-01-31T10:00:00Z", "2026-01-31T12:30:00Z");
        let at = "2026-01-31T11:00:00Z";
        assert_eq!(span("10:00-12:30", &TimeZone::UTC, at), noon);
        assert_eq!(span("12:00-14:30+02:00", &TimeZone::UTC, at), noon);
        let east = zone(Some("+02:00")).unwrap();
        assert_eq!(span("10:00-12:30Z", &east, at), noon);
        assert_eq!(span("12:00-14:30", &east, at), noon);
    }

    #[test]
    fn the_night_in_which_the_clocks_change_is_longer_or_shorter() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let spring = pair("2026-03-28T21:00:00Z", "2026-03-29T02:00:00Z");
        assert_eq!(span("22:00-04:00", &berlin, "2026-03-28T23:00:00Z"), spring);
        let autumn = pair("2026-10-24T20:00:00Z", "2026-10-25T03:00:00Z");
        assert_eq!(span("22:00-04:00", &berlin, "2026-10-24T23:00:00Z"), autumn);
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for wrong in [
            "",
            "22:00",
            "22-04",
            "22:00-22:00",
            "22:00-24:00",
            "22:00-04:0ä",
            "22:00-04:00 Mars/Olympus",
            "22:00-04:00-",
        ] {
            assert!(Window::parse(wrong, &TimeZone::UTC).is_err(), "{wrong}");
        }
    }
}
