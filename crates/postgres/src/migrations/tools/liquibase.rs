//! Liquibase. Its lock is a row that only its own end takes away.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, RowLock, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Liquibase,
    usual: "databasechangelog",
    history: Shape {
        needed: &[
            ("id", Holds::Text),
            ("author", Holds::Text),
            ("filename", Holds::Text),
            ("dateexecuted", Holds::Time),
            ("orderexecuted", Holds::Number),
            ("exectype", Holds::Text),
            ("md5sum", Holds::Text),
            ("description", Holds::Text),
            ("comments", Holds::Text),
            ("tag", Holds::Text),
            ("liquibase", Holds::Text),
        ],
        possible: &[
            ("contexts", Holds::Text),
            ("labels", Holds::Text),
            ("deployment_id", Holds::Text),
        ],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    entries: "select filename || '::' || id || '::' || author, \
                     case exectype when 'FAILED' then 'failed' when 'SKIPPED' then 'undone' else 'applied' end, \
                     dateexecuted, null, orderexecuted || '|' || coalesce(md5sum, ''), \
                     row_number() over (order by orderexecuted, dateexecuted) \
              from {table}",
    mend: None,
    row_lock: Some(RowLock {
        shape: Shape {
            needed: &[
                ("id", Holds::Number),
                ("locked", Holds::Truth),
                ("lockgranted", Holds::Time),
                ("lockedby", Holds::Text),
            ],
            possible: &[],
        },
        held: "select lockedby, lockgranted, null::timestamptz from {table} where locked",
        release: "update {table} set locked = false, lockgranted = null, lockedby = null",
    }),
    advisory: None,
    file: files::none,
};
