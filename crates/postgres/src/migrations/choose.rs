//! The one state that an upgrade compares before and after.

use model::{MigrationFacts, MigrationState, MigrationTool, Seen};

use super::migrations;
use crate::Database;

/// The state of the tool that the profile names, else of the first table that was read. `Unreadable` where none was
/// read and one that may be it could not be; `Absent` where no table has the columns of a known tool.
pub(crate) fn chosen(facts: &Seen<MigrationFacts>, tool: Option<MigrationTool>) -> Seen<MigrationState> {
    let facts = match facts {
        Seen::Present(facts) => facts,
        Seen::Absent => return Seen::Absent,
        Seen::Unreadable(why) => return Seen::Unreadable(why.clone()),
    };
    let wanted = |found: MigrationTool| tool.is_none_or(|tool| tool == found);
    let read = facts.histories.iter().find(|history| wanted(history.state.tool));
    if let Some(history) = read {
        return Seen::Present(history.state.clone());
    }
    match facts.unreadable.iter().find(|table| wanted(table.tool)) {
        Some(table) => Seen::Unreadable(format!("{} of {}: {}", table.table, table.tool, table.why)),
        None => Seen::Absent,
    }
}

/// What the migration tool recorded; `tool` narrows the choice where several are there. See [`chosen`].
pub async fn migration_state(database: &Database, tool: Option<MigrationTool>) -> Seen<MigrationState> {
    chosen(&migrations(database).await, tool)
}
