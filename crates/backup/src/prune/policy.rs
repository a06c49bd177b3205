//! What is to be kept.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use thiserror::Error;

/// How many backups to keep per series, as a union: what one rule keeps is kept. A rule keeps the newest backup of each of
/// its newest hours, days, … that have one; hours and days are those of UTC.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The newest ones.
    pub last: u32,
    /// One for each of so many hours.
    pub hourly: u32,
    /// One for each of so many days.
    pub daily: u32,
    /// One for each of so many weeks, which begin on Monday.
    pub weekly: u32,
    /// One for each of so many months.
    pub monthly: u32,
    /// One for each of so many years.
    pub yearly: u32,
    /// All that are not older than this.
    pub within: Option<Span>,
}

/// Why a policy cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// It says nothing, so everything would go.
    #[error("nothing says what to keep: use --keep 30d, --keep-last 10, --keep-daily 7 or the like")]
    Empty,
    /// The time reaches back further than time is counted, or forward.
    #[error("{0} is no time to look back by")]
    Within(String),
}

impl Policy {
    /// The moment since which everything is kept, if there is one.
    ///
    /// # Errors
    /// When the policy keeps nothing, or its time cannot be counted back.
    pub(super) fn since(&self, now: Timestamp) -> Result<Option<Timestamp>, PolicyError> {
        let Self {
            last,
            hourly,
            daily,
            weekly,
            monthly,
            yearly,
            within,
        } = self;
        let counts = [last, hourly, daily, weekly, monthly, yearly];
        let Some(within) = within else {
            return match counts.iter().any(|count| **count > 0) {
                true => Ok(None),
                false => Err(PolicyError::Empty),
            };
        };
        let wrong = || PolicyError::Within(format!("{within:#}"));
        if !within.is_positive() {
            return Err(wrong());
        }
        let since = now.to_zoned(TimeZone::UTC).checked_sub(*within);
        since.map(|since| Some(since.timestamp())).map_err(|_| wrong())
    }
}
