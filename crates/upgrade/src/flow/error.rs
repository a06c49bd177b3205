//! Why a command could not do what it was asked, with the code it ends with.

use engine::{JournalError, LeaseError, RunError};
use model::ExitCode;
use thiserror::Error;

use crate::ToolsError;
use crate::plan::PlanRefusal;
use crate::recover::Refused;
use crate::terms::TermsRefusal;

/// A failure before or around a run. Failures inside a run are in its report.
#[derive(Debug, Error)]
pub enum FlowError {
    /// Observing failed.
    #[error("failed to observe the release")]
    Observe(#[source] checks::ObserveError),
    /// The chart could not be had or does not render.
    #[error("failed to render the target")]
    Target(#[source] helm::HelmError),
    /// helm cannot render the target, because it may not read the running revision.
    #[error("helm cannot read the running revision: you may not {0}")]
    NotAllowed(String),
    /// No plan.
    #[error("failed to plan the upgrade")]
    Plan(#[source] PlanRefusal),
    /// Something that a plan needs was not readable.
    #[error("failed to plan the upgrade: {0}")]
    Unreadable(String),
    /// Nothing says which revision to go back to.
    #[error(
        "no upgrade of release {0} by this program is on record; name the revision to go back to (`helm history {0}`)"
    )]
    NoRevision(String),
    /// A revision that cannot be gone back to.
    #[error("revision {revision} {why}")]
    UnfitRevision {
        /// The revision.
        revision: u32,
        /// Why not.
        why: String,
    },
    /// No way back is known to be safe.
    #[error("refused to roll back")]
    NoWayBack(#[source] crate::plan::NoWayBack),
    /// An upgrade of somebody else's is neither finished nor turned back.
    #[error("refused to recover")]
    NotRecovered(#[source] Refused),
    /// Another chart than that of the upgrade which is to be finished.
    #[error(
        "revision {revision} is of chart {wanted}, not of {named}: recover finishes what was begun; helm safe-upgrade RELEASE CHART goes to another version"
    )]
    OtherChart {
        /// The revision.
        revision: u32,
        /// Its chart.
        wanted: String,
        /// The chart that was named.
        named: String,
    },
    /// There is nothing to carry on.
    #[error("release {release} in namespace {namespace} has no unfinished run")]
    NothingToCarryOn {
        /// The release.
        release: String,
        /// Its namespace.
        namespace: String,
    },
    /// The run that is unfinished is another one.
    #[error("the unfinished run of release {release} is {run}, which is not restore {wanted}")]
    OtherRun {
        /// The restore that was named.
        wanted: String,
        /// The unfinished run.
        run: String,
        /// The release.
        release: String,
    },
    /// The release is not stopped by a quiesce.
    #[error("release {release} in namespace {namespace} is not quiesced by its newest run")]
    NotQuiesced {
        /// The release.
        release: String,
        /// Its namespace.
        namespace: String,
    },
    /// A run could not be watched.
    #[error("failed to watch the run")]
    Wait(#[source] cluster::WaitError),
    /// The run needs helm.
    #[error("run {run} needs helm: helm safe-upgrade resume or abort carries it on")]
    NeedsHelm {
        /// The run.
        run: String,
    },
    /// The journal of a run cannot be understood.
    #[error("the journal of run {run} cannot be understood: {why}")]
    Damaged {
        /// The run.
        run: String,
        /// Why.
        why: String,
    },
    /// The journal speaks of a step that this version does not know.
    #[error(
        "step {step} of run {run} is not known to this version of the program; use the version that began the run"
    )]
    UnknownStep {
        /// The step.
        step: String,
        /// The run.
        run: String,
    },
    /// The helm at hand is of another line than the run's.
    #[error(
        "run {run} was begun with Helm {began}, this is Helm {found}; point HELM_BIN or --helm-bin to the other"
    )]
    OtherHelm {
        /// The run.
        run: String,
        /// The line that began it.
        began: u8,
        /// The line at hand.
        found: u8,
    },
    /// It is not the time.
    #[error("this is not the time to begin")]
    Terms(#[source] TermsRefusal),
    /// What was agreed to is not what would be done now.
    #[error("not begun, because something has changed since the plan was agreed to: {0}")]
    Moved(String),
    /// The lease.
    #[error("failed to take the lease")]
    Lease(#[source] LeaseError),
    /// The journal.
    #[error("failed to use the journal")]
    Journal(#[source] JournalError),
    /// Chart, values or helm's records.
    #[error("failed to prepare the run")]
    Tools(#[source] ToolsError),
    /// The run.
    #[error("failed to run")]
    Run(#[source] RunError),
}

impl FlowError {
    /// The code the program ends with: a lease held by another and a run that is not over are findings, all else means
    /// that nothing could begin.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Lease(LeaseError::Held { .. })
            | Self::Journal(JournalError::Unfinished { .. })
            | Self::NoWayBack(_)
            | Self::NotAllowed(_)
            | Self::NotRecovered(
                Refused::Blocked { .. }
                | Refused::Nothing { .. }
                | Refused::Unfinished { .. }
                | Refused::Sessions(_),
            )
            | Self::OtherChart { .. }
            | Self::UnfitRevision { .. }
            | Self::Terms(_)
            | Self::Moved(_)
            | Self::Plan(_) => ExitCode::Blocked,
            Self::Run(RunError::Priced { .. }) => ExitCode::Blocked,
            Self::NotRecovered(Refused::Unknown { .. }) => ExitCode::CannotTell,
            Self::Observe(_)
            | Self::Target(_)
            | Self::Unreadable(_)
            | Self::NoRevision(_)
            | Self::NothingToCarryOn { .. }
            | Self::Damaged { .. }
            | Self::UnknownStep { .. }
            | Self::OtherHelm { .. }
            | Self::OtherRun { .. }
            | Self::NeedsHelm { .. }
            | Self::NotQuiesced { .. }
            | Self::Wait(_)
            | Self::Lease(LeaseError::Store { .. })
            | Self::Journal(_)
            | Self::Tools(_)
            | Self::Run(RunError::Journal { .. } | RunError::Finished { .. } | RunError::WrongSteps { .. }) => {
                ExitCode::CouldNotBegin
            }
        }
    }
}
