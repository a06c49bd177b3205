//! diesel. Each row is committed with its migration.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Diesel,
    usual: "__diesel_schema_migrations",
    history: Shape {
        needed: &[("version", Holds::Text), ("run_on", Holds::Time)],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    entries: "select version, 'applied', run_on, null, '', row_number() over (order by version collate \"C\") from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    // The folder's name up to its first `_`, without dashes.
    file: |path| {
        let (version, _) = files::folder(path)?.split_once('_')?;
        let version = version.replace('-', "");
        let is_version = version.chars().all(|c| c.is_ascii_digit()) && !version.is_empty();
        (is_version && files::base(path) == "up.sql").then_some(version)
    },
};
