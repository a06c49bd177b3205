//! Gitea and Forgejo. One row with a number that counts up with each migration. It is written after the migration, so one that
//! broke off runs again.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Gitea,
    usual: "version",
    history: Shape {
        needed: &[("id", Holds::Number), ("version", Holds::Number)],
        possible: &[],
    },
    proof: Proof::NameAndRows(|table| table.ends_with("version"), "count(*) = 1 and min(id) = 1"),
    keeps: Keeps::Cursor,
    entries: "select version, 'applied', null::timestamptz, null, '', version from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    file: files::none,
};
