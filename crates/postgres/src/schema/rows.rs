//! Rows per table.

use model::TableRows;

use crate::{Database, QueryError};

/// How many tables one statement counts: large enough to spare round trips, small enough for the parser.
const TABLES_PER_STATEMENT: usize = 100;

/// `count(*)` of every table of the application's schemas, ordered by name. Tables that belong to an extension are
/// left out, as a dump leaves them out; a partition counts as a table of its own.
///
/// # Errors
/// When a table cannot be read, or a row-level policy would hide rows from the role: a wrong count is worse than none.
pub async fn row_counts(database: &Database) -> Result<Vec<TableRows>, QueryError> {
    let tables: Vec<String> = database
        .query(
            "list the tables",
            "select format('%I.%I', n.nspname, c.relname) \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%' \
               and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass \
                                and d.objid = c.oid and d.deptype = 'e') \
             order by n.nspname collate \"C\", c.relname collate \"C\"",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    counted(database, &tables).await
}

/// `count(*)` of these tables, as the session's search path finds them; `None` for what is no table there.
///
/// # Errors
/// As [`row_counts`].
pub async fn row_counts_of(
    database: &Database,
    wanted: &[String],
) -> Result<Vec<(String, Option<TableRows>)>, QueryError> {
    let mut counts = Vec::with_capacity(wanted.len());
    for name in wanted {
        let found: Vec<String> = database
            .query(
                "find a table",
                "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 where c.oid = to_regclass($1::text) and c.relkind = 'r'",
                &[name],
            )
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect();
        let rows = counted(database, &found).await?;
        counts.push((name.clone(), rows.into_iter().next()));
    }
    Ok(counts)
}

/// Counts tables by their quoted names.
async fn counted(database: &Database, tables: &[String]) -> Result<Vec<TableRows>, QueryError> {
    let mut counts = Vec::with_capacity(tables.len());
    for chunk in tables.chunks(TABLES_PER_STATEMENT) {
        // The names were quoted by the server. With row_security off a policy is an error, not a smaller count.
        let counted = chunk
            .iter()
            .enumerate()
            .map(|(index, table)| format!("select {index} as i, count(*) as n from only {table}"))
            .collect::<Vec<_>>()
            .join(" union all ");
        let sql = format!(
            "select set_config('row_security', 'off', true); select n::text from ({counted}) as counted order by i"
        );
        // The first row is the setting's.
        let texts = database.texts("count the rows of the tables", &sql).await?;
        counts.extend(
            chunk
                .iter()
                .zip(texts.iter().skip(1))
                .map(|(table, count)| TableRows {
                    table: table.clone(),
                    rows: count.parse().unwrap_or_default(),
                }),
        );
    }
    Ok(counts)
}
