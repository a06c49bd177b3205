//! Why a backup stays or goes, in words.

use std::fmt;

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};

use crate::BackupId;

use super::Pin;

/// A rule that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The newest ones.
    Last,
    /// One an hour.
    Hourly,
    /// One a day.
    Daily,
    /// One a week.
    Weekly,
    /// One a month.
    Monthly,
    /// One a year.
    Yearly,
}

/// The hour, day, … that a backup stands for. Backups of the same period are equal here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Period {
    Moment,
    Hour(Date, i8),
    Day(Date),
    Week(i16, i8),
    Month(i16, i8),
    Year(i16),
}

impl Rule {
    pub(super) const ALL: [Self; 6] = [
        Self::Last,
        Self::Hourly,
        Self::Daily,
        Self::Weekly,
        Self::Monthly,
        Self::Yearly,
    ];

    /// The period of this rule that a moment of UTC lies in; `None` where each backup stands for itself.
    pub(super) fn period(self, at: &Zoned) -> Period {
        match self {
            Self::Last => Period::Moment,
            Self::Hourly => Period::Hour(at.date(), at.hour()),
            Self::Daily => Period::Day(at.date()),
            Self::Weekly => {
                let week = at.date().iso_week_date();
                Period::Week(week.year(), week.week())
            }
            Self::Monthly => Period::Month(at.year(), at.month()),
            Self::Yearly => Period::Year(at.year()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Last => "last",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        })
    }
}

/// Why a backup stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeepReason {
    /// A rule that counts keeps it.
    Rule {
        /// The rule.
        rule: Rule,
        /// Which one of that rule, counted from the newest, beginning with 1.
        place: u32,
    },
    /// It is not older than the policy's time.
    Within {
        /// The moment since which everything is kept.
        since: Timestamp,
    },
    /// It is the newest of its series that can be used.
    Newest,
    /// It is the newest of its series that a restore test found equal.
    NewestProven,
    /// Something holds it.
    Pinned(Pin),
    /// A kept backup cannot be restored without it.
    ChainOf(BackupId),
    /// The newest attempt to back this database up made no backup, so nothing of the series goes.
    NewestAttemptFailed,
    /// Nothing better that is newer is kept.
    NothingBetter,
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { rule, place } => write!(f, "{rule} {place}"),
            Self::Within { since } => write!(f, "younger than {}", since.strftime("%Y-%m-%d %H:%M UTC")),
            Self::Newest => f.write_str("newest of its database"),
            Self::NewestProven => f.write_str("newest of its database that a restore test proved"),
            Self::Pinned(pin) => write!(f, "{pin}"),
            Self::ChainOf(id) => write!(f, "needed by {id}"),
            Self::NewestAttemptFailed => f.write_str("the newest attempt to back this database up failed"),
            Self::NothingBetter => f.write_str("no newer one of its database can be used"),
        }
    }
}

/// Why a backup goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoveReason {
    /// No rule keeps it.
    NoRule,
    /// Its newest restore test found differences, and a newer backup can be used.
    FoundDifferent,
    /// A backup that it builds on is not there, so it cannot be restored, and a newer backup can be used.
    ChainBroken(BackupId),
}

impl fmt::Display for RemoveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRule => f.write_str("no rule keeps it"),
            Self::FoundDifferent => {
                f.write_str("its restore test found differences, and a newer backup can be used")
            }
            Self::ChainBroken(id) => {
                write!(
                    f,
                    "it builds on {id}, which is not there, and a newer backup can be used"
                )
            }
        }
    }
}
