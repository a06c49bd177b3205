//! The upgrade itself: the plan, the steps around helm, the watch over the migration, the gate, and the commands that
//! carry a run on or take it back.

pub mod plan;
