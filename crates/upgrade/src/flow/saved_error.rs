//! Why a plan in a file is of no use.

use std::io;
use std::path::PathBuf;

use cluster::ApiError;
use helm::{HelmError, StorageError};
use model::text::minutes;
use model::{ExitCode, Moved};
use thiserror::Error;

/// Why a plan file cannot be written, read or run.
#[derive(Debug, Error)]
pub enum SavedPlanError {
    /// The file cannot be written.
    #[error("failed to write the plan to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("failed to read the plan in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no plan.
    #[error("{} is no plan of this version{}: {message}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, where known.
        line: Option<u64>,
        /// What is wrong.
        message: String,
    },
    /// What a plan rests on cannot be told.
    #[error("failed to tell what the plan rests on")]
    Basis(#[source] HelmError),
    /// What a plan rests on cannot be told without helm's record.
    #[error("failed to tell what the plan rests on: the running revision's record could not be read")]
    NoRecord,
    /// The record that a file is judged by cannot be read.
    #[error("failed to judge the plan")]
    Record(#[source] StorageError),
    /// The cluster does not answer.
    #[error("failed to judge the plan")]
    Cluster(#[source] ApiError),
    /// The release is not there.
    #[error("there is no release {release} in namespace {namespace}, which the plan is for")]
    NoRelease {
        /// The release.
        release: String,
        /// Its namespace.
        namespace: String,
    },
    /// A lifetime that no clock has.
    #[error("the plan cannot be good for so long")]
    Lifetime,
    /// It would be too old before its window opens.
    #[error(
        "the plan would be good until {}, and its window opens at {}: a longer --plan-lifetime reaches it, and a plan with --not-before is agreed to before and waits",
        minutes(until),
        minutes(opens)
    )]
    TooShort {
        /// The end of its life.
        until: String,
        /// When the window opens.
        opens: String,
    },
    /// The plan is too old.
    #[error(
        "the plan of {} was good until {}, and it is {}",
        minutes(made),
        minutes(until),
        minutes(now)
    )]
    Expired {
        /// When it was made.
        made: String,
        /// The end of its life.
        until: String,
        /// Now.
        now: String,
    },
    /// The cluster, the chart or the values are not what the plan was made for.
    #[error("the plan of {} by {by} no longer holds: {}", minutes(made), told(moved))]
    Moved {
        /// When it was made.
        made: String,
        /// Who made it.
        by: String,
        /// What moved.
        moved: Vec<Moved>,
    },
    /// The file is not as it was written.
    #[error(
        "the plan of {} by {by} was changed after it was written, and nothing of it was used: make it anew",
        minutes(made)
    )]
    Changed {
        /// When it was made.
        made: String,
        /// Who made it.
        by: String,
    },
}

/// One thing by itself; of several their count, since each is told on a line of its own.
fn told(moved: &[Moved]) -> String {
    match moved {
        [only] => only.to_string(),
        several => format!("{} things have moved", several.len()),
    }
}

impl SavedPlanError {
    /// The code the program ends with: a plan that no longer holds is a finding.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Expired { .. } | Self::Moved { .. } | Self::Changed { .. } => ExitCode::Blocked,
            Self::Write { .. }
            | Self::Read { .. }
            | Self::Wrong { .. }
            | Self::Basis(_)
            | Self::NoRecord
            | Self::Record(_)
            | Self::Cluster(_)
            | Self::NoRelease { .. }
            | Self::Lifetime
            | Self::TooShort { .. } => ExitCode::CouldNotBegin,
        }
    }

    /// What has moved, where that is why.
    pub fn moved(&self) -> &[Moved] {
        match self {
            Self::Moved { moved, .. } => moved,
            Self::Write { .. }
            | Self::Read { .. }
            | Self::Wrong { .. }
            | Self::Basis(_)
            | Self::NoRecord
            | Self::Record(_)
            | Self::Cluster(_)
            | Self::NoRelease { .. }
            | Self::Lifetime
            | Self::TooShort { .. }
            | Self::Expired { .. }
            | Self::Changed { .. } => &[],
        }
    }

    /// Whether making the plan anew from its own words is the way on. Words that somebody changed are never proposed.
    pub fn is_made_anew(&self) -> bool {
        matches!(self, Self::Expired { .. } | Self::Moved { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(count: usize) -> SavedPlanError {
        let what = Moved {
            what: "the values".into(),
            from: "a1".into(),
            to: "b2".into(),
        };
        SavedPlanError::Moved {
            made: "today".into(),
            by: "ann@desk".into(),
            moved: vec![what; count],
        }
    }

    #[test]
    fn one_thing_is_told_and_several_are_counted() {
        let told = "the plan of today by ann@desk no longer holds: ";
        assert_eq!(
            moved(1).to_string(),
            format!("{told}the values went from a1 to b2")
        );
        assert_eq!(moved(3).to_string(), format!("{told}3 things have moved"));
        assert_eq!(moved(3).moved().len(), 3);
    }

    #[test]
    fn times_are_told_to_the_minute() {
        let expired = SavedPlanError::Expired {
            made: "2026-01-02T03:04:05.494304653Z".into(),
            until: "2026-01-03T03:04:05.494304653Z".into(),
            now: "2026-01-04T00:00:00.1Z".into(),
        };
        assert_eq!(
            expired.to_string(),
            "the plan of 2026-01-02 03:04Z was good until 2026-01-03 03:04Z, and it is 2026-01-04 00:00Z"
        );
    }

    #[test]
    fn words_that_somebody_changed_are_not_proposed() {
        let (made, by) = ("today".to_owned(), "ann@desk".to_owned());
        let changed = SavedPlanError::Changed { made, by };
        assert!(!changed.is_made_anew() && moved(1).is_made_anew());
        assert_eq!(changed.exit_code(), ExitCode::Blocked);
        assert_eq!(SavedPlanError::NoRecord.exit_code(), ExitCode::CouldNotBegin);
    }
}
