//! The server's own words.

use model::{PostgresServer, Seen};

use crate::{Database, QueryError};

/// The server's own words.
///
/// # Errors
/// When the query fails.
pub async fn server(database: &Database) -> Result<PostgresServer, QueryError> {
    let rows = database
        .query(
            "read what the server says of itself",
            "select current_setting('server_version'), current_setting('server_version_num')::int, \
                    pg_is_in_recovery(), \
                    case when not pg_is_in_recovery() then pg_current_wal_lsn()::text end, \
                    has_function_privilege('pg_catalog.pg_control_system()', 'execute')",
            &[],
        )
        .await?;
    let mut server = PostgresServer {
        version: String::new(),
        version_num: 0,
        system_identifier: None,
        in_recovery: false,
        lsn: None,
    };
    let Some(row) = rows.first() else {
        return Ok(server);
    };
    // Distributions append their package's name: `15.18 (Debian 15.18-0+deb12u1)`.
    let version: String = row.get(0);
    server.version = version.split_whitespace().next().unwrap_or_default().to_owned();
    server.version_num = row.get(1);
    server.in_recovery = row.get(2);
    server.lsn = row.get(3);
    if row.get(4) {
        let rows = database
            .query(
                "read the system identifier",
                "select system_identifier::text from pg_control_system()",
                &[],
            )
            .await?;
        server.system_identifier = rows.first().map(|row| row.get(0));
    }
    Ok(server)
}

/// `pg_database_size` of the session's database, in bytes.
///
/// # Errors
/// When the query fails.
pub async fn database_size(database: &Database) -> Result<i64, QueryError> {
    let rows = database
        .query(
            "read the size of the database",
            "select pg_database_size(current_database())",
            &[],
        )
        .await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// Logical slots and subscriptions of the session's database, which a swap would break.
pub async fn replication(database: &Database) -> Seen<Vec<String>> {
    let rows = database
        .query(
            "read replication slots and subscriptions",
            "select 'logical slot ' || slot_name || case when active then ', active' else ', not active' end \
             from pg_replication_slots where database = current_database() \
             union all \
             select 'subscription ' || subname || case when subenabled then ', enabled' else ', disabled' end \
             from pg_subscription where subdbid = (select oid from pg_database where datname = current_database()) \
             order by 1",
            &[],
        )
        .await;
    Seen::from_result(rows.map(|rows| Some(rows.iter().map(|row| row.get(0)).collect())))
}

/// Whether the session's own role may rename the session's database and create others.
pub(crate) async fn role_can_swap(database: &Database) -> Result<bool, QueryError> {
    let rows = database
        .query(
            "read the role's rights",
            "select r.rolsuper or (r.rolcreatedb and pg_has_role(r.oid, d.datdba, 'USAGE')) \
             from pg_roles r, pg_database d where r.rolname = current_user and d.datname = current_database()",
            &[],
        )
        .await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}
