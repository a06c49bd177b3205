//! The commands: options in, report out. Nothing here prints or ends the process.

mod before;
mod begin;
mod carry_on;
mod described;
mod error;
mod judge;
mod quiesce;
mod remember;
mod restore;
mod rollback;
mod status;
mod way_back;

pub use begin::{RunOptions, begin};
pub use carry_on::{CarryOn, Direction, carry_on};
pub use error::FlowError;
pub use judge::{Judged, UpgradeRequest, judge, judge_again};
pub use quiesce::{
    QuiesceJudged, QuiesceRequest, UnquiesceRequest, begin_quiesce, over_before, plan_quiesce, quiesced,
    unquiesce,
};
pub use restore::{
    RestoreEnd, RestorePlanRequest, begin_restore, carry_on_restore, plan_restore, unfinished_restore,
};
pub use rollback::{RollbackRequest, begin_rollback, plan_rollback};
pub use status::{RunLine, status};
pub use way_back::no_way_back;
