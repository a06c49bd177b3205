//! The steps that every kind of run shares.

mod counts_left;
mod drain;
mod held;
mod quiesce;
mod resume;
mod roll_out;
mod stand_still;
mod suspend;
mod trouble;
mod unsuspend;
mod wait;
mod wait_idle;

use model::{PlannedStep, StepSpec};

use crate::Step;

pub use counts_left::CountsLeft;
pub use quiesce::OriginalCount;
pub use resume::count_after;
pub use trouble::first_trouble;

/// The shared step that the plan asks for; `None` for a kind that another room knows.
pub fn shared(planned: &PlannedStep) -> Option<Box<dyn Step>> {
    let planned = planned.clone();
    match planned.spec.clone() {
        StepSpec::WaitIdle(spec) => Some(Box::new(wait_idle::WaitIdleStep { planned, spec })),
        StepSpec::Suspend(spec) => Some(Box::new(suspend::SuspendStep { planned, spec })),
        StepSpec::Unsuspend(spec) => Some(Box::new(unsuspend::UnsuspendStep { planned, spec })),
        StepSpec::Quiesce(spec) => Some(Box::new(quiesce::QuiesceStep { planned, spec })),
        StepSpec::Drain(spec) => Some(Box::new(drain::DrainStep { planned, spec })),
        StepSpec::Resume(spec) => Some(Box::new(resume::ResumeStep { planned, spec })),
        StepSpec::StandStill(spec) => Some(Box::new(stand_still::StandStillStep { planned, spec })),
        StepSpec::RollOut(spec) => Some(Box::new(roll_out::RollOutStep { planned, spec })),
        StepSpec::TimeLimit(_)
        | StepSpec::SettleRevision(_)
        | StepSpec::EndSessions(_)
        | StepSpec::AnchorRelease(_)
        | StepSpec::BackUp(_)
        | StepSpec::AnchorDatabase(_)
        | StepSpec::HelmPass(_)
        | StepSpec::Gate(_)
        | StepSpec::OpenTraffic(_)
        | StepSpec::PostCheck(_)
        | StepSpec::RestoreDatabase(_)
        | StepSpec::HelmRollback(_)
        | StepSpec::ForgetRevision(_) => None,
    }
}
