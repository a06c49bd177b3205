//! Rails Active Record. One column is a weak sign: the name says it, or versions that are all times.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Rails,
    usual: "schema_migrations",
    history: Shape {
        needed: &[("version", Holds::Text)],
        possible: &[],
    },
    proof: Proof::NameOrRows(
        |table| table.contains("schema_migrations"),
        "count(*) > 0 and bool_and(version ~ '^[0-9]{14}$')",
    ),
    keeps: Keeps::Every,
    // Versions are numbers of any length: the longer one is the later one.
    entries: "select version, 'applied', null::timestamptz, null, '', \
                     row_number() over (order by length(version), version collate \"C\") \
              from {table}",
    mend: None,
    row_lock: None,
    // Migrator#generate_migrator_advisory_lock_id.
    advisory: Some(|place| {
        const SALT: i64 = 2_053_462_845;
        vec![SALT * i64::from(crc32fast::hash(place.database.as_bytes()))]
    }),
    file: |path| {
        let stem = files::base(path).strip_suffix(".rb")?;
        let (number, rest) = files::number(stem)?;
        rest.starts_with('_').then_some(number)
    },
};
