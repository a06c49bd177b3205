//! What the user is told about a way. These structs are stable machine output.

use serde::{Deserialize, Serialize};

use crate::{API_VERSION, CheckVerdict, Confidence, ExitCode, NextStep, ReleaseIdentity, Remedy, Severity};

/// The way of a release to a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `PathReport`.
    pub kind: String,
    /// Which release.
    pub release: ReleaseIdentity,
    /// The path by which it was judged; none where no path knows the application.
    pub path: Option<String>,
    /// The running version, where it is known.
    pub from: Option<String>,
    /// The version to go to.
    pub to: String,
    /// What kind of way it is.
    pub state: PathState,
    /// The verdict on the first hop.
    pub verdict: CheckVerdict,
    /// Every upgrade of the way, in order.
    pub hops: Vec<Hop>,
    /// What could not be told, and why.
    pub unknown: Vec<String>,
    /// What else is to be known.
    pub notes: Vec<String>,
    /// What to type next.
    pub next: Vec<NextStep>,
}

/// What kind of way it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PathState {
    /// The version runs already.
    NothingToDo,
    /// One upgrade.
    Direct,
    /// Several upgrades.
    Stops,
    /// To an older version, which no path leads to.
    Downgrade,
    /// It cannot be told.
    Unknown,
}

/// One upgrade of the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    /// The version it leaves.
    pub from: String,
    /// The version it goes to.
    pub to: String,
    /// The day that version came out, where it is known.
    pub released: Option<String>,
    /// The version of the chart that brings it, where it is known.
    pub chart_version: Option<String>,
    /// Why it ends there.
    pub because: Vec<String>,
    /// Whether it was judged.
    pub judged: HopJudged,
    /// What it meets.
    pub meets: Vec<Meeting>,
}

/// Whether a hop was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HopJudged {
    /// By the database as it is.
    Now,
    /// It is to be judged again when the hop before it is done.
    Later,
}

/// Something that a hop meets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meeting {
    /// Its name in the path.
    pub id: String,
    /// What kind of thing it is.
    pub kind: MeetingKind,
    /// What it means where it applies.
    pub severity: Severity,
    /// What happens.
    pub what: String,
    /// Whether it applies.
    pub state: MeetingState,
    /// The database's answer, or why there is none.
    pub evidence: Option<String>,
    /// What can be done.
    pub remedy: Vec<Remedy>,
    /// Where it is known from.
    pub source: String,
    /// How sure the source is.
    pub confidence: Confidence,
}

/// What kind of thing a hop meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MeetingKind {
    /// A hazard.
    Hazard,
    /// Old and new pods must not run together.
    Overlap,
}

/// Whether a thing applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MeetingState {
    /// It does.
    Applies,
    /// The database says that it does not.
    DoesNotApply,
    /// It could not be told.
    Unknown,
    /// It is to be told when its hop is the next one.
    Later,
}

impl PathReport {
    /// A report without any hop yet.
    pub fn new(release: ReleaseIdentity, path: Option<String>, from: Option<String>, to: String) -> Self {
        Self {
            api_version: API_VERSION.into(),
            kind: "PathReport".into(),
            release,
            path,
            from,
            to,
            state: PathState::Unknown,
            verdict: CheckVerdict::Incomplete,
            hops: Vec::new(),
            unknown: Vec::new(),
            notes: Vec::new(),
            next: Vec::new(),
        }
    }

    /// How the program ends with this report; `fail_on_warn` is the user's `--fail-on warn`.
    pub fn exit_code(&self, fail_on_warn: bool) -> ExitCode {
        match self.verdict {
            CheckVerdict::Ready => ExitCode::Done,
            CheckVerdict::Warnings if fail_on_warn => ExitCode::Blocked,
            CheckVerdict::Warnings => ExitCode::Done,
            CheckVerdict::Blocked => ExitCode::Blocked,
            CheckVerdict::Incomplete => ExitCode::CannotTell,
        }
    }
}

impl Meeting {
    /// Whether it keeps its hop from beginning.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Block && self.state == MeetingState::Applies
    }

    /// Whether something is to be told.
    pub fn is_finding(&self) -> bool {
        self.severity != Severity::Info
            && match self.state {
                MeetingState::Applies | MeetingState::Unknown => true,
                MeetingState::DoesNotApply | MeetingState::Later => false,
            }
    }
}
