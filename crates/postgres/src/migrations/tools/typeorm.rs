//! TypeORM. Three common columns are a weak sign: the name says it, or names that end in their own timestamp.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::TypeOrm,
    usual: "migrations",
    history: Shape {
        needed: &[
            ("id", Holds::Number),
            ("timestamp", Holds::Number),
            ("name", Holds::Text),
        ],
        possible: &[],
    },
    proof: Proof::NameOrRows(
        |table| table.contains("migrations"),
        "count(*) > 0 and bool_and(name like '%' || timestamp)",
    ),
    keeps: Keeps::Every,
    entries: "select name, 'applied', null::timestamptz, null, id, id from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    // `1700000000000-CreateUsers.ts` holds the class CreateUsers1700000000000.
    file: |path| {
        let file = files::script(path)?;
        let (stem, _) = file.rsplit_once('.')?;
        let (time, rest) = files::number(stem)?;
        rest.strip_prefix('-').map(|words| format!("{words}{time}"))
    },
};
