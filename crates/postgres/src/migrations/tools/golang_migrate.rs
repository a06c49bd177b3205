//! golang-migrate. One row: the version, and whether it broke off. It sets `dirty` before it begins and takes it back at the end.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::GolangMigrate,
    usual: "schema_migrations",
    history: Shape {
        needed: &[("version", Holds::Number), ("dirty", Holds::Truth)],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Cursor,
    entries: "select version, case when dirty then 'unfinished' else 'applied' end, null::timestamptz, null, '', version \
              from {table}",
    mend: Some("migrate -path MIGRATIONS -database URL force VERSION"),
    row_lock: None,
    // database.GenerateAdvisoryLockId of its library: the names from the narrowest to the widest, salted. Opened by a URL it
    // takes the URL's path for the database's name, slash and all.
    advisory: Some(|place| {
        const SALT: u32 = 1_486_364_155;
        let number = |database: &str| {
            let names = [place.schema, place.table, database].join("\0");
            i64::from(crc32fast::hash(names.as_bytes()).wrapping_mul(SALT))
        };
        vec![number(place.database), number(&format!("/{}", place.database))]
    }),
    file: |path| {
        let (stem, _) = files::base(path).split_once(".up.")?;
        let (number, rest) = files::number(stem)?;
        rest.starts_with('_').then_some(number)
    },
};
