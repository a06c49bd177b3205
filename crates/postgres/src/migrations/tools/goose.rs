//! pressly/goose. Version 0 is its own first row. Its library may lock: by an advisory lock under a number of its own, or by a row
//! with a lease; its program does not.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, RowLock, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Goose,
    usual: "goose_db_version",
    history: Shape {
        needed: &[
            ("id", Holds::Number),
            ("version_id", Holds::Number),
            ("is_applied", Holds::Truth),
            ("tstamp", Holds::Time),
        ],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    // The newest row of a version says whether it is applied.
    entries: "select version_id, case when is_applied then 'applied' else 'undone' end, tstamp, null, id, \
                     row_number() over (order by version_id) \
              from (select distinct on (version_id) * from {table} order by version_id, id desc) newest \
              where version_id > 0",
    mend: None,
    row_lock: Some(RowLock {
        shape: Shape {
            needed: &[
                ("lock_id", Holds::Number),
                ("locked", Holds::Truth),
                ("locked_at", Holds::Time),
                ("locked_by", Holds::Text),
                ("lease_expires_at", Holds::Time),
            ],
            possible: &[("updated_at", Holds::Time)],
        },
        held: "select locked_by, locked_at, lease_expires_at from {table} where locked",
        release: "update {table} set locked = false",
    }),
    // lock.DefaultLockID of its library.
    advisory: Some(|_| vec![4_097_083_626]),
    file: |path| {
        let file = files::base(path);
        files::numbered(file, &["sql", "go"]).filter(|_| !file.ends_with("_test.go"))
    },
};
