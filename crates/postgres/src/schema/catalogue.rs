//! What a dump without `--create` does not carry, and what a restore needs to find in place.

use std::collections::BTreeMap;

use crate::{Database, QueryError};

/// Extensions with their versions.
///
/// # Errors
/// When the query fails.
pub async fn extensions(database: &Database) -> Result<BTreeMap<String, String>, QueryError> {
    let rows = database
        .query(
            "read the extensions",
            "select extname::text, extversion from pg_extension",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Roles that own something in the database, the database itself included, ordered by name. Roles that every server
/// has (`pg_…`) are left out.
///
/// # Errors
/// When the query fails.
pub async fn owners(database: &Database) -> Result<Vec<String>, QueryError> {
    let rows = database
        .query(
            "read the owners",
            "with schemas as (select oid, nspowner from pg_namespace \
                              where nspname <> 'information_schema' and nspname not like 'pg\\_%') \
             select pg_get_userbyid(owner)::text from ( \
                 select datdba as owner from pg_database where datname = current_database() \
                 union select nspowner from schemas \
                 union select relowner from pg_class join schemas s on s.oid = relnamespace \
                 union select proowner from pg_proc join schemas s on s.oid = pronamespace \
                 union select typowner from pg_type join schemas s on s.oid = typnamespace \
                 union select lomowner from pg_largeobject_metadata \
             ) as owners where pg_get_userbyid(owner) not like 'pg\\_%' order by 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Roles that have been granted something in the database, by its objects, by default privileges or by a policy, and own
/// nothing in it, ordered by name. Roles that every server has (`pg_…`) are left out.
///
/// # Errors
/// When the query fails.
pub async fn grantees(database: &Database) -> Result<Vec<String>, QueryError> {
    let rows = database
        .query(
            "read who has been granted something",
            "select distinct r.rolname::text from pg_shdepend d join pg_roles r on r.oid = d.refobjid \
             where d.refclassid = 'pg_authid'::regclass and d.deptype in ('a', 'r') \
               and d.dbid = (select oid from pg_database where datname = current_database()) \
               and not exists (select from pg_shdepend o where o.dbid = d.dbid and o.refclassid = d.refclassid \
                               and o.refobjid = d.refobjid and o.deptype = 'o') \
               and r.rolname not like 'pg\\_%' order by 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// `ALTER DATABASE … SET` settings and those of `ALTER ROLE … IN DATABASE`, as `name=value` and `role: name=value`.
///
/// # Errors
/// When the query fails.
pub async fn settings(database: &Database) -> Result<Vec<String>, QueryError> {
    let rows = database
        .query(
            "read the settings of the database",
            "select case when s.setrole <> 0 then pg_get_userbyid(s.setrole)::text || ': ' else '' end || setting \
             from pg_db_role_setting s cross join unnest(s.setconfig) as setting \
             where s.setdatabase = (select oid from pg_database where datname = current_database()) order by 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
