//! The upgrade itself: the plan, the steps around helm, the watch over the migration, the gate, and the commands that
//! carry a run on or take it back; and the rehearsal, which tries a migration on a restored copy.

mod error_lines;
pub mod flow;
#[cfg(test)]
mod killed;
pub mod notify;
pub mod plan;
pub mod recover;
pub mod rehearsal;
mod report;
mod shell;
mod standing;
mod steps;
pub mod terms;
mod tools;
pub mod unlock;
mod watch;

pub use report::{journal_report, upgrade_report};
pub use tools::{Tools, ToolsError};
