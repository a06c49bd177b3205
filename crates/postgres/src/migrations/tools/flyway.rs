//! Flyway. What failed outside a transaction, its own lock's included, stays with `success` false until `flyway repair`.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Flyway,
    usual: "flyway_schema_history",
    history: Shape {
        needed: &[
            ("installed_rank", Holds::Number),
            ("version", Holds::Text),
            ("description", Holds::Text),
            ("type", Holds::Text),
            ("script", Holds::Text),
            ("checksum", Holds::Number),
            ("installed_by", Holds::Text),
            ("installed_on", Holds::Time),
            ("execution_time", Holds::Number),
            ("success", Holds::Truth),
        ],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    // The newest row of a version counts; DELETE and UNDO… rows take one back. Repeatable scripts have no version and go
    // before the versions, so that the last one is the version in force.
    entries: "select coalesce(version, script), \
                     case when not success then 'failed' when type ~ '^(DELETE|UNDO)' then 'undone' else 'applied' end, \
                     installed_on, null, installed_rank || '|' || coalesce(checksum::text, ''), \
                     row_number() over (order by \
                         case when version ~ '^[0-9]+([.][0-9]+)*$' \
                              then string_to_array(version, '.')::numeric[] end nulls first, installed_rank) \
              from (select distinct on (coalesce(version, script)) * from {table} where type <> 'SCHEMA' \
                    order by coalesce(version, script), installed_rank desc) newest",
    mend: Some("flyway repair"),
    row_lock: None,
    // PostgreSQLAdvisoryLockTemplate: the letters `Flyway`, and Java's hash of the table's quoted name.
    advisory: Some(|place| {
        const LETTERS: i64 = (0x46 << 40) + (0x6C << 32) + (0x79 << 24) + (0x77 << 16) + (0x61 << 8) + 0x79;
        let name = format!("\"{}\".\"{}\"", place.schema, place.table);
        let hash = name.encode_utf16().fold(0_i32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(i32::from(unit))
        });
        vec![LETTERS + i64::from(hash)]
    }),
    file: |path| {
        let file = files::base(path);
        let (stem, _) = file.rsplit_once('.')?;
        let (prefix, _) = stem.split_once("__")?;
        if prefix == "R" {
            return Some(file.to_owned());
        }
        let version = prefix.strip_prefix(['V', 'B'])?.replace('_', ".");
        let is_version = version.starts_with(|c: char| c.is_ascii_digit());
        is_version.then_some(version)
    },
};
