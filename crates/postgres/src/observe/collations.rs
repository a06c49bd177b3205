//! Whether text is still compared by the rules that indexes were built by.

use crate::{Database, QueryError};

/// Collations whose library has other rules now than when they were made, with both versions: the database's own and those
/// that its columns name. Indexes on text that were built before may be wrong.
///
/// # Errors
/// When the query fails.
pub async fn collation_drift(database: &Database) -> Result<Vec<String>, QueryError> {
    // A database's own version is recorded since PostgreSQL 15; the functions differ with it.
    let own = "select 'the database''s own'::text, d.datcollversion, pg_database_collation_actual_version(d.oid) \
               from pg_database d where d.datname = current_database()";
    let named = "select c.collname::text, c.collversion, pg_collation_actual_version(c.oid) from pg_collation c \
                 where c.collversion is not null and exists (select from pg_attribute a join pg_class t on t.oid = a.attrelid \
                 where a.attcollation = c.oid and t.relkind in ('r', 'm', 'i') and not a.attisdropped)";
    let major = database
        .query(
            "read the server's version",
            "select current_setting('server_version_num')::int",
            &[],
        )
        .await?
        .first()
        .map_or(0, |row| row.get::<_, i32>(0));
    let found = if major >= 150_000 {
        format!("{own} union all {named}")
    } else {
        named.to_owned()
    };
    let sql = format!(
        "select name || ' ' || made || ' → ' || actual from ({found}) as found (name, made, actual) \
         where made is distinct from actual and made is not null and actual is not null order by 1"
    );
    let rows = database
        .query("compare the versions of collations", &sql, &[])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
