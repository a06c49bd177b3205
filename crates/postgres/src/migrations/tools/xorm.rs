//! xorm's migrate package. Any text may be an id, so the name of the table must be the tool's.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Xorm,
    usual: "migrations",
    history: Shape {
        needed: &[("id", Holds::Text)],
        possible: &[("description", Holds::Text)],
    },
    proof: Proof::Name(|table| table.contains("migration")),
    keeps: Keeps::Every,
    entries: "select id, 'applied', null::timestamptz, null, '', row_number() over (order by id collate \"C\") from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    file: files::none,
};
