//! The upgrade itself: the plan, the steps around helm, the watch over the migration, the gate, and the commands that
//! carry a run on or take it back.

pub mod flow;
pub mod plan;
mod report;
mod standing;
mod steps;
mod tools;
pub mod unlock;
mod watch;

pub use report::upgrade_report;
pub use tools::{Tools, ToolsError};
