//! Runs a plan: the steps and the loop around them, turning back, the journal in the cluster, the lease, fault points.
//!
//! The loop writes a journal record before and after each act and puts out nothing but events. A process that dies
//! anywhere leaves a journal from which any other machine carries on, forward or back.

mod answer;
mod asking;
mod clock;
mod context;
mod database;
mod end;
mod events;
pub mod facts;
mod faults;
mod holder;
pub mod journal;
mod labels;
pub mod lease;
mod run;
mod step;
pub mod steps;
mod transition;

pub use asking::{Asked, Asking, Questions};
pub use clock::Clock;
pub use context::{RunInfo, StepContext};
pub use end::{RunEnd, RunError};
pub use events::{EventReceiver, Events};
pub use faults::{FaultTextError, Faults};
pub use holder::Holder;
pub use journal::{Journal, JournalError, JournalStore, NewRun, RunDocument, RunHead, runs, unfinished};
pub use lease::{Lease, LeaseError, LeaseStore};
pub use run::{AbortConsent, Act, abort, leave, resume, run};
pub use step::{Exposure, Outcome, Step, StepFailure, StepKind};
pub use transition::{IllegalTransition, next_state};
