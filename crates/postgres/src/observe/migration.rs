//! What the migration tool recorded in the database.

use model::{MigrationState, MigrationTool, Seen};

use crate::{Database, QueryError};

/// What the migration tool recorded. Its table is found by its columns; `tool` narrows the choice where several are
/// there. `Absent` where no table has the columns of a known tool.
pub async fn migration_state(database: &Database, tool: Option<MigrationTool>) -> Seen<MigrationState> {
    Seen::from_result(read(database, tool).await)
}

async fn read(
    database: &Database,
    tool: Option<MigrationTool>,
) -> Result<Option<MigrationState>, QueryError> {
    let tables = tables(database).await?;
    let chosen = tables
        .into_iter()
        .find(|table| tool.is_none_or(|wanted| wanted == table.tool));
    match chosen {
        Some(table) => state(database, table).await.map(Some),
        None => Ok(None),
    }
}

/// A table that has exactly the columns of a tool.
#[derive(Debug)]
struct Table {
    tool: MigrationTool,
    /// Schema-qualified and quoted by the server.
    name: String,
}

/// The tables whose columns are those of a tool, the tool's usual table name first: an application may have a
/// second table of the same shape, and Rails' shape alone is a weak sign.
async fn tables(database: &Database) -> Result<Vec<Table>, QueryError> {
    let rows = database
        .query(
            "look for the table of a migration tool",
            "with shape as ( \
                 select c.oid, c.relname::text as relname, format('%I.%I', n.nspname, c.relname) as name, \
                        string_agg(a.attname || ' ' || format_type(a.atttypid, null), ',' order by a.attname) as columns, \
                        exists (select from pg_index i where i.indrelid = c.oid and i.indisunique) as is_unique \
                 from pg_class c \
                 join pg_namespace n on n.oid = c.relnamespace \
                 join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
                 where c.relkind in ('r', 'p') and c.relnatts between 1 and 8 \
                   and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%' \
                 group by c.oid, c.relname, n.nspname) \
             select name, relname, columns from shape where \
                 columns ~ '^id (bigint|integer),is_applied boolean,tstamp timestamp with(out)? time zone,version_id bigint$' \
              or columns = 'dirty boolean,version bigint' \
              or columns ~ '^app character varying,applied timestamp with time zone,id (bigint|integer),name character varying$' \
              or (columns ~ '^version (character varying|text)$' and is_unique) \
             order by relname in ('goose_db_version', 'schema_migrations', 'django_migrations') desc, name",
            &[],
        )
        .await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let columns: String = row.get(2);
            let tool = if columns.contains("version_id") {
                MigrationTool::Goose
            } else if columns.contains("dirty") {
                MigrationTool::GolangMigrate
            } else if columns.starts_with("app ") {
                MigrationTool::Django
            } else if row.get::<_, String>(1).ends_with("schema_migrations") {
                MigrationTool::Rails
            } else {
                return None;
            };
            Some(Table {
                tool,
                name: row.get(0),
            })
        })
        .collect())
}

async fn state(database: &Database, table: Table) -> Result<MigrationState, QueryError> {
    let Table { tool, name } = table;
    // `name` was quoted by the server itself. Times stand in the fingerprint, so that a migration that was taken back
    // and run again does not look like one that never ran.
    let sql = match tool {
        // The newest row of a version says whether it is applied; version 0 is the tool's own first row.
        MigrationTool::Goose => format!(
            "with newest as (select distinct on (version_id) version_id, is_applied from {name} \
                             order by version_id, id desc), \
                  applied as (select version_id from newest where is_applied and version_id > 0) \
             select (select max(version_id)::text from applied), (select count(*) from applied), false, \
                    (select string_agg(id || '|' || version_id || '|' || is_applied || '|' \
                                       || coalesce(extract(epoch from tstamp)::text, ''), chr(10) order by id) from {name})"
        ),
        MigrationTool::GolangMigrate => format!(
            "select max(version)::text, count(*), coalesce(bool_or(dirty), false), \
                    string_agg(version || '|' || dirty, chr(10) order by version) from {name}"
        ),
        MigrationTool::Django => format!(
            "select (select app || '.' || name from {name} order by id desc limit 1), count(*), false, \
                    string_agg(id || '|' || app || '|' || name || '|' || extract(epoch from applied)::text, chr(10) \
                               order by id) from {name}"
        ),
        // Versions are numbers of any length: the longer one is the later one.
        MigrationTool::Rails => format!(
            "select (select version::text from {name} order by length(version) desc, version collate \"C\" desc limit 1), \
                    count(*), false, string_agg(version, chr(10) order by version collate \"C\") from {name}"
        ),
    };
    let rows = database
        .query(&format!("read the migrations in {name}"), &sql, &[])
        .await?;
    let row = rows.first();
    let listed: Option<String> = row.and_then(|row| row.get(3));
    Ok(MigrationState {
        tool,
        version: row.and_then(|row| row.get(0)),
        applied: row.map_or(0, |row| row.get(1)),
        dirty: row.is_some_and(|row| row.get(2)),
        fingerprint: crate::digest::sha256_hex(listed.unwrap_or_default().as_bytes()),
        table: name,
    })
}
