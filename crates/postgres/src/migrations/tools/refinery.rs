//! refinery. Each row is committed with its migration, or all at once where the application asks for that.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Refinery,
    usual: "refinery_schema_history",
    history: Shape {
        needed: &[
            ("version", Holds::Number),
            ("name", Holds::Text),
            ("applied_on", Holds::Text),
            ("checksum", Holds::Text),
        ],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    entries: "select version, 'applied', applied_on, null, checksum, version from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    file: |path| {
        let (stem, _) = files::base(path).rsplit_once('.')?;
        let (number, rest) = files::number(stem.strip_prefix(['V', 'U'])?)?;
        rest.starts_with("__").then_some(number)
    },
};
