//! A command line of `helm upgrade`, sorted by what becomes of each flag.

use std::time::Duration;

use super::FlagError;
use crate::HelmMajor;

/// How values of the running revision are kept, by helm's own precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// `--reset-values`, or values given and no flag: the running revision's values are dropped.
    Reset,
    /// `--reuse-values`: the running revision's values and its chart's defaults are kept.
    Reuse,
    /// `--reset-then-reuse-values`, or no values given and no flag: the running revision's values over the new defaults.
    ResetThenReuse,
}

impl Reuse {
    /// The flag of `helm upgrade` that says so.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Reset => "--reset-values",
            Self::Reuse => "--reuse-values",
            Self::ResetThenReuse => "--reset-then-reuse-values",
        }
    }
}

/// The post-renderer that the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPostRenderer {
    /// Helm 3: an executable, absolute where it was found. Helm 4: a plugin's name.
    pub name: String,
    /// `--post-renderer-args`.
    pub args: Vec<String>,
}

/// A command line of `helm upgrade`. Has no `Debug`: values on it may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct UpgradeLine {
    /// The release.
    pub release: String,
    /// The chart as the user named it; see [`UpgradeLine::chart`].
    pub chart: Option<String>,
    /// Values flags as typed. May hold secrets: for [`crate::Helm::render`] only.
    pub(crate) values: Vec<String>,
    /// Flags that say where the chart is. May hold a repository's password.
    pub(crate) location: Vec<String>,
    /// Flags of every pass, the user's post-renderer included. Hold no values: for the plan and the journal.
    pub passed: Vec<String>,
    /// Connection flags (`--kube-context …`), long name and value.
    pub connection: Vec<(String, String)>,
    /// How values are kept.
    pub reuse: Reuse,
    /// `--dry-run` in any form but `none`/`false`.
    pub dry_run: bool,
    /// `-o`.
    pub output: Option<String>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
    /// `--no-hooks`.
    pub no_hooks: bool,
    /// What the run does otherwise than the flag says, such as `--wait`; for the user.
    pub notices: Vec<String>,
}

impl UpgradeLine {
    /// Sorts the words after `helm upgrade`: a release, perhaps a chart, and flags in any order.
    ///
    /// # Errors
    /// A flag that is unknown, of the other Helm line, refused, or without its value; no release; too many words.
    pub fn parse(_args: &[String], _major: HelmMajor) -> Result<Self, FlagError> {
        todo!()
    }

    /// The chart.
    ///
    /// # Errors
    /// None was named.
    pub fn chart(&self) -> Result<&str, FlagError> {
        self.chart.as_deref().ok_or(FlagError::MissingChart)
    }

    /// The user's post-renderer, if any.
    pub fn post_renderer(&self) -> Option<UserPostRenderer> {
        todo!()
    }
}
