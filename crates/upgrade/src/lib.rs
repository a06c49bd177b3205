//! The upgrade itself: the plan, the steps around helm, the watch over the migration, the gate, and the commands that
//! carry a run on or take it back; and the rehearsal, which tries a migration on a restored copy.

pub mod flow;
#[cfg(test)]
mod killed;
pub mod plan;
pub mod recover;
pub mod rehearsal;
mod report;
mod standing;
mod steps;
mod tools;
pub mod unlock;
mod watch;

pub use report::{journal_report, upgrade_report};
pub use tools::{Tools, ToolsError};
