//! Ecto. While it migrates it holds a lock on its table.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Ecto,
    usual: "schema_migrations",
    history: Shape {
        needed: &[("version", Holds::Number), ("inserted_at", Holds::Time)],
        possible: &[],
    },
    proof: Proof::NameOrRows(
        |table| table.contains("migrations"),
        "count(*) > 0 and bool_and(version between 19700101000000 and 99991231235959)",
    ),
    keeps: Keeps::Every,
    entries: "select version, 'applied', inserted_at, null, '', version from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    file: |path| files::numbered(path, &["exs"]),
};
