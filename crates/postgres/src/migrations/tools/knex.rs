//! Knex. Its lock is one row that says 1, written in the transaction of the whole run, or for itself where a migration
//! refuses a transaction. It names neither who nor since when, so the time is known only to a server that keeps commit
//! times.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, RowLock, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Knex,
    usual: "knex_migrations",
    history: Shape {
        needed: &[
            ("id", Holds::Number),
            ("name", Holds::Text),
            ("batch", Holds::Number),
            ("migration_time", Holds::Time),
        ],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    entries: "select name, 'applied', migration_time, null, id || '|' || batch, id from {table}",
    mend: None,
    row_lock: Some(RowLock {
        shape: Shape {
            needed: &[("index", Holds::Number), ("is_locked", Holds::Number)],
            possible: &[],
        },
        held: "select null, case when current_setting('track_commit_timestamp')::boolean \
                                 then pg_xact_commit_timestamp(xmin) end, null::timestamptz \
               from {table} where is_locked = 1",
        release: "update {table} set is_locked = 0",
    }),
    advisory: None,
    file: files::script,
};
