//! sqlx. A row is committed with its migration; one without success is another database's, or a person's.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Sqlx,
    usual: "_sqlx_migrations",
    history: Shape {
        needed: &[
            ("version", Holds::Number),
            ("description", Holds::Text),
            ("installed_on", Holds::Time),
            ("success", Holds::Truth),
            ("checksum", Holds::Bytes),
            ("execution_time", Holds::Number),
        ],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    entries: "select version, case when success then 'applied' else 'unfinished' end, installed_on, null, \
                     encode(checksum, 'hex'), version \
              from {table}",
    mend: None,
    row_lock: None,
    // generate_lock_id of its Postgres driver.
    advisory: Some(|place| {
        const SALT: i64 = 0x3d32_ad9e;
        vec![SALT * i64::from(crc32fast::hash(place.database.as_bytes()))]
    }),
    file: |path| {
        let is_down = files::base(path).ends_with(".down.sql");
        files::numbered(path, &["sql"]).filter(|_| !is_down)
    },
};
