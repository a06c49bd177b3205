//! Prisma. A row without an end is a migration that broke off, until `prisma migrate resolve`.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Prisma,
    usual: "_prisma_migrations",
    history: Shape {
        needed: &[
            ("id", Holds::Text),
            ("checksum", Holds::Text),
            ("finished_at", Holds::Time),
            ("migration_name", Holds::Text),
            ("logs", Holds::Text),
            ("rolled_back_at", Holds::Time),
            ("started_at", Holds::Time),
            ("applied_steps_count", Holds::Number),
        ],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    // The log begins with advice or with the engine's own words; the server's begin with ERROR.
    entries: "select migration_name, \
                     case when rolled_back_at is not null then 'undone' when finished_at is not null then 'applied' \
                          when coalesce(logs, '') <> '' then 'failed' else 'unfinished' end, \
                     started_at, coalesce(substring(logs from 'ERROR: [^\\n]+'), logs), id, \
                     row_number() over (order by started_at, migration_name) \
              from {table}",
    mend: Some("prisma migrate resolve --rolled-back {migration}"),
    row_lock: None,
    // The constant of its schema engine.
    advisory: Some(|_| vec![72_707_369]),
    file: |path| (files::base(path) == "migration.sql").then(|| files::folder(path).map(str::to_owned))?,
};
