//! The commands: options in, report out. Nothing here prints or ends the process.

mod before;
mod begin;
mod carry_on;
mod described;
mod error;
mod judge;
mod quiesce;
mod recover;
mod remember;
mod restore;
mod rollback;
mod saved;
mod saved_error;
mod status;
mod turn;
mod way_back;

pub use begin::{RunOptions, begin};
pub use carry_on::{CarryOn, Direction, carry_on};
pub use error::FlowError;
pub use judge::{Judged, UpgradeRequest, judge, judge_again};
pub use quiesce::{
    QuiesceJudged, QuiesceRequest, UnquiesceRequest, begin_quiesce, over_before, plan_quiesce, quiesced,
    unquiesce,
};
pub use recover::{RecoverJudged, RecoverPlanned, RecoverRequest, begin_recover, plan_recover};
pub use restore::{
    RestoreEnd, RestorePlanRequest, begin_restore, carry_on_restore, plan_restore, unfinished_restore,
};
pub use rollback::{RollbackRequest, begin_rollback, plan_rollback};
pub use saved::{Proposal, hold, load_plan, propose, save_plan, trust};
pub use saved_error::SavedPlanError;
pub use status::{RunLine, status};
pub use turn::take_turn;
pub use way_back::no_way_back;
