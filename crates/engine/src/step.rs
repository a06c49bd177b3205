//! What a step is.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use model::{PlannedStep, StepSpec};
use serde::{Deserialize, Serialize};

use crate::StepContext;

/// One act of a run and the way back from it.
///
/// Both directions must be idempotent: a process may die between the act and its record, and the next one does it
/// again. What `undo` needs to know must be recorded with [`StepContext::record`] before the cluster is changed. A
/// future may be dropped at any await (lease lost, user's interrupt), so whatever it started must end with it.
#[async_trait]
pub trait Step: Send + Sync {
    /// The plan's words for this step.
    fn planned(&self) -> &PlannedStep;

    /// Does it.
    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure>;

    /// Takes it back; called for every step that was begun, also where `apply` never ended or never did anything.
    /// Not called for [`model::Reversal::NotNeeded`]. For [`model::Reversal::Impossible`] it must find out whether
    /// anything has changed, and fail only then.
    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure>;

    /// Whether anybody may have used what this step brought about, so that turning back would lose what they wrote.
    ///
    /// Only asked of begun steps from the plan's `priced_from` on and of those that are taken back on consent. The
    /// answer must come from the journal and the cluster, because another process may ask; what cannot be told counts
    /// as use. A step that brings nothing about of its own leaves the answer to the others.
    async fn exposure(&self, _context: &StepContext) -> Result<Exposure, StepFailure> {
        Ok(Exposure::Possible(None))
    }

    /// Ends what holds something up for this run alone and whose end nobody can mistake, when a person wants the run
    /// left as it stands: `None` where there is no such thing. Idempotent.
    async fn let_go(&self, _context: &StepContext) -> Result<Option<String>, StepFailure> {
        Ok(None)
    }
}

/// Whether what a step brought about may have been used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// Nobody can have used it.
    Nobody,
    /// Somebody may have; what turning back would cost, where the step can tell.
    Possible(Option<String>),
}

/// How a step ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What came out, in one sentence, if there is something to say.
    pub detail: Option<String>,
    /// Whether a person should look at it. A post-check that warns makes the run end as upgraded with failures.
    pub warning: bool,
}

impl Outcome {
    /// Nothing to say.
    pub fn quiet() -> Self {
        Self::default()
    }

    /// Ended well, with a word on what came out.
    pub fn told(detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            warning: false,
        }
    }

    /// Ended, but a person should look at it.
    pub fn warned(detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            warning: true,
        }
    }
}

/// Why a step failed. Made from any error with `?`, or from words.
pub struct StepFailure {
    /// The error with its chain.
    pub error: Box<dyn Error + Send + Sync>,
}

impl StepFailure {
    /// A failure in words.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            error: message.into().into(),
        }
    }

    /// The whole chain as one line.
    pub fn text(&self) -> String {
        model::causes(self.error.as_ref())
    }
}

// Not an `Error` itself, so that `?` may take any error into it.
impl<E: Error + Send + Sync + 'static> From<E> for StepFailure {
    fn from(error: E) -> Self {
        Self {
            error: Box::new(error),
        }
    }
}

impl fmt::Debug for StepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepFailure({})", self.text())
    }
}

impl fmt::Display for StepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// The kinds of step, to look up what a step of another kind recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// [`model::WaitIdle`].
    WaitIdle,
    /// [`model::Suspend`].
    Suspend,
    /// [`model::Quiesce`].
    Quiesce,
    /// [`model::Drain`].
    Drain,
    /// [`model::SettleRevision`].
    SettleRevision,
    /// [`model::EndSessions`].
    EndSessions,
    /// [`model::TimeLimit`].
    TimeLimit,
    /// [`model::StandStill`].
    StandStill,
    /// [`model::AnchorRelease`].
    AnchorRelease,
    /// [`model::BackUp`].
    BackUp,
    /// [`model::AnchorDatabase`].
    AnchorDatabase,
    /// [`model::HelmPass`].
    HelmPass,
    /// [`model::Gate`].
    Gate,
    /// [`model::OpenTraffic`].
    OpenTraffic,
    /// [`model::Resume`].
    Resume,
    /// [`model::RollOut`].
    RollOut,
    /// [`model::RestoreDatabase`].
    RestoreDatabase,
    /// [`model::HelmRollback`].
    HelmRollback,
    /// The end of the holds of [`model::Suspend`].
    Unsuspend,
    /// [`model::PostCheck`].
    PostCheck,
    /// [`model::ForgetRevision`].
    ForgetRevision,
}

impl StepKind {
    /// The kind of a planned step.
    pub fn of(step: &PlannedStep) -> Self {
        match &step.spec {
            StepSpec::WaitIdle(_) => Self::WaitIdle,
            StepSpec::Suspend(_) => Self::Suspend,
            StepSpec::Quiesce(_) => Self::Quiesce,
            StepSpec::Drain(_) => Self::Drain,
            StepSpec::SettleRevision(_) => Self::SettleRevision,
            StepSpec::EndSessions(_) => Self::EndSessions,
            StepSpec::TimeLimit(_) => Self::TimeLimit,
            StepSpec::StandStill(_) => Self::StandStill,
            StepSpec::AnchorRelease(_) => Self::AnchorRelease,
            StepSpec::BackUp(_) => Self::BackUp,
            StepSpec::AnchorDatabase(_) => Self::AnchorDatabase,
            StepSpec::HelmPass(_) => Self::HelmPass,
            StepSpec::Gate(_) => Self::Gate,
            StepSpec::OpenTraffic(_) => Self::OpenTraffic,
            StepSpec::Resume(_) => Self::Resume,
            StepSpec::RollOut(_) => Self::RollOut,
            StepSpec::RestoreDatabase(_) => Self::RestoreDatabase,
            StepSpec::HelmRollback(_) => Self::HelmRollback,
            StepSpec::Unsuspend(_) => Self::Unsuspend,
            StepSpec::PostCheck(_) => Self::PostCheck,
            StepSpec::ForgetRevision(_) => Self::ForgetRevision,
        }
    }
}
