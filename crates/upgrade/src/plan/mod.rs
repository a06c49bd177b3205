//! The plan: a pure function from what was seen to what will be done.

mod adopt;
mod after;
mod build;
mod choose_gate;
mod gate_steps;
mod input;
mod moved;
mod pause;
mod quiesce;
mod refusal;
mod restore;
mod rollback;

pub use adopt::{Adopted, counts_to_give};
pub use after::AfterWishes;
pub use build::plan;
pub use choose_gate::{GateChoice, choose_gate};
pub(crate) use gate_steps::schema_of;
pub use input::PlanInput;
pub use moved::{Ground, moved, outlived, uprooted};
pub(crate) use moved::{is_same_way_back, way_back};
pub use quiesce::{LimitKeeper, QuiesceInput, QuiesceLimit, quiesce_plan};
pub use refusal::PlanRefusal;
pub use restore::{RestoreInput, restore_plan};
pub use rollback::{
    KnownBackup, KnownRevision, NoWayBack, RollbackInput, WayBack, choose_way, rollback_plan,
};

#[cfg(test)]
mod after_tests;
#[cfg(test)]
mod rest_tests;
#[cfg(test)]
pub(crate) mod tests;
