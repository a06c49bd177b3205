//! What a person asked for about time.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{OnSlow, RunTerms};

use super::moment::{moment, zone};
use super::{TermsError, Window};

/// The words as they stand on the command line.
#[derive(Debug, Clone, Default)]
pub struct TermsWords {
    /// `--window`.
    pub window: Option<String>,
    /// `--time-zone`.
    pub time_zone: Option<String>,
    /// `--not-before`.
    pub not_before: Option<String>,
    /// `--deadline`.
    pub deadline: Option<String>,
    /// `--on-slow`.
    pub on_slow: OnSlow,
}

/// Until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// A moment.
    At(Timestamp),
    /// So long from the begin on.
    After(Duration),
}

/// What a person asked for.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    window: Option<Window>,
    not_before: Option<Timestamp>,
    deadline: Option<Until>,
    on_slow: OnSlow,
}

/// Where the terms of a run come from.
#[derive(Debug, Clone)]
pub enum Terms {
    /// A person asks for them now.
    Wished(Wishes),
    /// They stand in a plan that was saved, in absolute time.
    Saved(Option<RunTerms>),
}

impl Terms {
    /// The terms of a run that is planned at a moment, which no plan that was saved is a second time.
    pub fn at(&self, now: Timestamp) -> Option<RunTerms> {
        match self {
            Self::Wished(wishes) => wishes.terms(now),
            Self::Saved(terms) => terms.clone(),
        }
    }
}

impl Wishes {
    /// Reads the words at a moment. The machine's zone is only looked for where a word needs one.
    ///
    /// # Errors
    /// When one of them is not what it should be.
    pub fn parse(words: &TermsWords, now: Timestamp) -> Result<Self, TermsError> {
        let wants_zone = words.window.is_some() || words.not_before.is_some() || words.deadline.is_some();
        let local = match wants_zone {
            true => zone(words.time_zone.as_deref())?,
            false => TimeZone::UTC,
        };
        let window = words.window.as_ref();
        let not_before = words.not_before.as_ref();
        let deadline = words.deadline.as_ref();
        Ok(Self {
            window: window.map(|text| Window::parse(text, &local)).transpose()?,
            not_before: not_before
                .map(|text| moment(text, &local, now).ok_or_else(|| TermsError::Moment(text.clone())))
                .transpose()?,
            deadline: deadline.map(|text| until(text, &local, now)).transpose()?,
            on_slow: words.on_slow,
        })
    }

    /// The terms of a run that is planned at a moment; `None` where nothing was asked for. The end of the window is the
    /// deadline, unless another is said.
    pub fn terms(&self, now: Timestamp) -> Option<RunTerms> {
        let begin = self.not_before.unwrap_or(now).max(now);
        let window = self.window.as_ref().and_then(|window| window.span(begin));
        let deadline = match self.deadline {
            Some(Until::At(moment)) => Some(moment.to_string()),
            Some(Until::After(time)) => {
                let moment = begin.saturating_add(time).unwrap_or(Timestamp::MAX);
                Some(moment.to_string())
            }
            None => window.as_ref().map(|window| window.closes.clone()),
        };
        let terms = RunTerms {
            not_before: self.not_before.map(|moment| moment.to_string()),
            window,
            deadline,
            expected: None,
            on_slow: self.on_slow,
        };
        (terms != RunTerms::default()).then_some(terms)
    }
}

fn until(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Until, TermsError> {
    if let Some(time) = helm::parse_duration(text).filter(|time| !time.is_zero()) {
        return Ok(Until::After(time));
    }
    moment(text, zone, now)
        .map(Until::At)
        .ok_or_else(|| TermsError::Deadline(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "2026-01-31T12:00:00Z";

    fn terms(words: TermsWords) -> Option<RunTerms> {
        let now: Timestamp = NOON.parse().unwrap();
        let words = TermsWords {
            time_zone: Some("UTC".into()),
            ..words
        };
        Wishes::parse(&words, now).unwrap().terms(now)
    }

    #[test]
    fn who_asks_for_nothing_has_no_terms() {
        assert_eq!(terms(TermsWords::default()), None);
        let slow = TermsWords {
            on_slow: OnSlow::Abort,
            ..TermsWords::default()
        };
        assert_eq!(terms(slow).unwrap().on_slow, OnSlow::Abort);
    }

    #[test]
    fn the_deadline_is_the_windows_end_unless_another_is_said() {
        let words = |deadline: Option<&str>, not_before: Option<&str>| TermsWords {
            window: Some("22:00-04:00".into()),
            deadline: deadline.map(str::to_owned),
            not_before: not_before.map(str::to_owned),
            ..TermsWords::default()
        };
        let deadline = |words| terms(words).unwrap().deadline.unwrap();
        assert_eq!(deadline(words(None, None)), "2026-02-01T04:00:00Z");
        assert_eq!(deadline(words(Some("02:30"), None)), "2026-02-01T02:30:00Z");
        assert_eq!(deadline(words(Some("90m"), None)), "2026-01-31T13:30:00Z");
        assert_eq!(
            deadline(words(Some("90m"), Some("23:00"))),
            "2026-02-01T00:30:00Z",
            "a duration begins with the run"
        );
        let waits = terms(words(None, Some("2026-02-03T23:00Z"))).unwrap();
        assert_eq!(waits.window.unwrap().opens, "2026-02-03T22:00:00Z");
    }

    #[test]
    fn the_terms_of_a_saved_plan_do_not_move_with_the_clock() {
        let words = TermsWords {
            deadline: Some("90m".into()),
            ..TermsWords::default()
        };
        let wishes = Wishes::parse(
            &TermsWords {
                time_zone: Some("UTC".into()),
                ..words
            },
            NOON.parse().unwrap(),
        );
        let wished = Terms::Wished(wishes.unwrap());
        let (noon, later): (Timestamp, Timestamp) =
            (NOON.parse().unwrap(), "2026-01-31T13:00:00Z".parse().unwrap());
        let saved = Terms::Saved(wished.at(noon));
        assert_eq!(saved.at(later), wished.at(noon));
        assert_ne!(saved.at(later), wished.at(later));
    }

    #[test]
    fn what_is_no_deadline_is_refused() {
        for wrong in ["0", "soon", "-5m", "5"] {
            let words = TermsWords {
                deadline: Some(wrong.into()),
                time_zone: Some("UTC".into()),
                ..TermsWords::default()
            };
            let read = Wishes::parse(&words, NOON.parse().unwrap());
            assert!(matches!(read, Err(TermsError::Deadline(_))), "{wrong}");
        }
    }
}
