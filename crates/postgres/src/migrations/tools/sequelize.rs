//! Sequelize with Umzug. One column is a weak sign: the name says it, or names that are all scripts.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Sequelize,
    usual: "SequelizeMeta",
    history: Shape {
        needed: &[("name", Holds::Text)],
        possible: &[("createdAt", Holds::Time), ("updatedAt", Holds::Time)],
    },
    proof: Proof::NameOrRows(
        |table| table.eq_ignore_ascii_case("SequelizeMeta"),
        "count(*) > 0 and bool_and(name ~ '^[0-9].*[.]([cm]?[jt]s|sql)$')",
    ),
    keeps: Keeps::Every,
    entries: "select name, 'applied', null::timestamptz, null, '', row_number() over (order by name collate \"C\") \
              from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    file: files::script,
};
