//! Entity Framework Core. Since version 9 it locks its table in a transaction of its own while it migrates.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::EfCore,
    usual: "__EFMigrationsHistory",
    history: Shape {
        needed: &[("MigrationId", Holds::Text), ("ProductVersion", Holds::Text)],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    entries: "select \"MigrationId\", 'applied', null::timestamptz, null, \"ProductVersion\", \
                     row_number() over (order by \"MigrationId\" collate \"C\") \
              from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    file: |path| {
        let stem = files::base(path).strip_suffix(".cs")?;
        let (_, rest) = files::number(stem)?;
        (rest.starts_with('_') && !stem.contains('.')).then(|| stem.to_owned())
    },
};
