//! When a run may begin, until when it may begin anything, and what happens where a migration takes longer than usual.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What happens where a run takes longer than it should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnSlow {
    /// It is said, and the run goes on.
    #[default]
    Continue,
    /// A person is asked; where nobody is there, the run goes on.
    Ask,
    /// The run turns back, or stops where turning back has a price.
    Abort,
}

impl OnSlow {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Ask => "ask",
            Self::Abort => "abort",
        }
    }
}

/// One night of a maintenance window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowSpan {
    /// The window as it was written, with its zone: `22:00-04:00 Europe/Berlin`.
    pub words: String,
    /// When it opens (RFC 3339).
    pub opens: String,
    /// When it closes (RFC 3339).
    pub closes: String,
}

impl fmt::Display for WindowSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (from {} to {})", self.words, self.opens, self.closes)
    }
}

/// How long a run takes, by what was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpectedTime {
    /// In seconds.
    pub seconds: u64,
    /// Where the figure is from, in words.
    pub source: String,
}

/// The terms of a run, all in absolute time, so that every machine that carries it on keeps to the same ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunTerms {
    /// Nothing begins before this time (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// Writers are only stopped in this window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowSpan>,
    /// Nothing new begins after this time (RFC 3339): the window's end, unless a person said another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// How long it takes; `None` where nobody has measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<ExpectedTime>,
    /// What happens past the usual time of a migration, and past the deadline where turning back has a price.
    #[serde(default)]
    pub on_slow: OnSlow,
}

/// Under how much load writers may be stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadLimit {
    /// The most sessions that may be at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_active: Option<u64>,
    /// The most transactions in a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tps: Option<u64>,
    /// What must be true, in words, and the statement whose only row begins with true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quiet: Vec<(String, String)>,
}

impl LoadLimit {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for LoadLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = |count: Option<u64>, what: &str| count.map(|count| format!("at most {count} {what}"));
        let limits = [
            most(self.max_active, "sessions at work"),
            most(self.max_tps, "transactions a second"),
        ];
        let quiet = self.quiet.iter().map(|(what, _)| what.clone());
        let words: Vec<String> = limits.into_iter().flatten().chain(quiet).collect();
        f.write_str(&words.join(", "))
    }
}
