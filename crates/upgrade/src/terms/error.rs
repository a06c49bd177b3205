//! What is wrong with terms: as they are written, and at the time that it is.

use thiserror::Error;

/// Why words are no terms.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TermsError {
    /// No window.
    #[error(
        "{0:?} is no window; write 22:00-04:00, with an offset where it is not the time of {1}: 22:00-04:00+02:00"
    )]
    Window(String, String),
    /// No zone.
    #[error("{zone:?} is no time zone that this machine knows ({why}); write Europe/Berlin, UTC or +02:00")]
    Zone {
        /// What was written.
        zone: String,
        /// Why not.
        why: String,
    },
    /// The machine does not say where it is.
    #[error("the time zone of this machine cannot be told ({0}); name one with --time-zone")]
    NoLocalZone(String),
    /// No moment.
    #[error("{0:?} is no time; write 22:00, 2026-01-31T22:00 or 2026-01-31T22:00:00Z")]
    Moment(String),
    /// No deadline.
    #[error(
        "{0:?} is no deadline; write a time (04:00, 2026-01-31T04:00Z) or how long from the begin on (90m, 2h)"
    )]
    Deadline(String),
}

/// Why a run may not begin now. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TermsRefusal {
    /// The window is not open yet.
    #[error(
        "the window {window} is not open yet; a plan made with --not-before {opens} is agreed to before and waits for it"
    )]
    NotYetOpen {
        /// The window.
        window: String,
        /// When it opens.
        opens: String,
    },
    /// The window has closed.
    #[error("the window {0} has closed")]
    Closed(String),
    /// The deadline has come.
    #[error("the deadline {0} has come before anything was begun")]
    Passed(String),
    /// There is not the time that it takes.
    #[error(
        "it takes about {} ({source_words}), and until {deadline} there are {}; a later --deadline lets it run longer",
        minutes(*.seconds), minutes(*.left)
    )]
    TooLong {
        /// How long it takes, in seconds.
        seconds: u64,
        /// Where the figure is from.
        source_words: String,
        /// How long there is, in seconds.
        left: u64,
        /// Until when.
        deadline: String,
    },
}

impl TermsRefusal {
    /// Whether the same plan may begin later.
    pub fn is_early(&self) -> bool {
        match self {
            Self::NotYetOpen { .. } => true,
            Self::Closed(_) | Self::Passed(_) | Self::TooLong { .. } => false,
        }
    }
}

/// A duration for people.
fn minutes(seconds: u64) -> String {
    match seconds {
        0..600 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}
