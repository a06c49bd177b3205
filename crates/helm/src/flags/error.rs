//! What can be wrong with a command line of `helm upgrade`.

use thiserror::Error;

/// A command line that cannot be used. Each names the flag and what to do.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlagError {
    /// A flag that this Helm does not have.
    #[error("unknown flag {flag}{}", nearest.as_ref().map(|near| format!(": did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// As typed.
        flag: String,
        /// The closest flag there is.
        nearest: Option<String>,
    },
    /// A flag of the other Helm line.
    #[error("flag {flag} does not exist in this helm: {remedy}")]
    OtherLine {
        /// The flag.
        flag: String,
        /// What to type instead.
        remedy: String,
    },
    /// A flag without its value.
    #[error("flag {flag} needs a value")]
    MissingValue {
        /// The flag.
        flag: String,
    },
    /// A value that the flag does not take.
    #[error("flag {flag} does not take {value:?}: {expected}")]
    BadValue {
        /// The flag.
        flag: String,
        /// The value.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// A flag that would break the run's promises.
    #[error("flag {flag} is refused: {reason}; {remedy}")]
    Refused {
        /// The flag.
        flag: String,
        /// Why.
        reason: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// No release name.
    #[error("no release named: the first word is the release, the second the chart")]
    MissingRelease,
    /// No chart.
    #[error("no chart named: the first word is the release, the second the chart")]
    MissingChart,
    /// More than two words.
    #[error("one word too many: {word:?} (the first word is the release, the second the chart)")]
    TooManyWords {
        /// The third.
        word: String,
    },
}
