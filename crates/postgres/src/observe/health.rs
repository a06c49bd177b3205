//! Limits, settings and damage of a database, as far as a migration meets them.

use model::{DatabaseHealth, DatabaseRoute, IdleSlot, Seen, StandbyFacts, TableSize};

use super::{OWN_SCHEMAS, collation_drift};
use crate::{Database, QueryError};

/// The most names that are read of each kind that is only told.
const MOST: i64 = 50;

/// Everything of it in one look.
pub async fn health(database: &Database) -> Seen<DatabaseHealth> {
    Seen::from_result(read(database).await.map(Some))
}

async fn read(database: &Database) -> Result<DatabaseHealth, QueryError> {
    let (
        rights,
        foreign_tables,
        timeouts,
        standbys,
        idle_slots,
        invalid_indexes,
        unvalidated,
        age,
        sequences,
    ) = tokio::join!(
        rights(database),
        foreign_tables(database),
        timeouts(database),
        standbys(database),
        idle_slots(database),
        invalid_indexes(database),
        unvalidated(database),
        age(database),
        sequences(database),
    );
    let (collations, connections, pooler, hidden_sequences, large_tables) = tokio::join!(
        collation_drift(database),
        connections(database),
        pooler(database),
        hidden_sequences(database),
        large_tables(database),
    );
    let (schema, may_create) = rights?;
    let [statement_timeout_ms, lock_timeout_ms, idle_timeout_ms] = timeouts?;
    let (synchronous, standbys) = standbys?;
    let (transaction_age, freeze_max_age) = age?;
    let [connections, connected, own] = connections?;
    Ok(DatabaseHealth {
        schema,
        may_create,
        foreign_tables: foreign_tables?,
        statement_timeout_ms,
        lock_timeout_ms,
        idle_timeout_ms,
        pooler,
        synchronous,
        standbys,
        idle_slots: idle_slots?,
        invalid_indexes: invalid_indexes?,
        unvalidated: unvalidated?,
        transaction_age,
        freeze_max_age,
        sequences: sequences?,
        hidden_sequences: hidden_sequences?,
        collations: collations?,
        connections,
        connected,
        own,
        large_tables: Seen::from_result(large_tables.map(Some)),
    })
}

async fn rights(database: &Database) -> Result<(Option<String>, bool), QueryError> {
    let rows = database
        .query(
            "read what the role may create",
            "select current_schema()::text, coalesce(has_schema_privilege(current_schema(), 'create'), false)",
            &[],
        )
        .await?;
    Ok(rows.first().map_or((None, false), |row| (row.get(0), row.get(1))))
}

/// Tables of an extension are its own affair.
async fn foreign_tables(database: &Database) -> Result<Vec<String>, QueryError> {
    names(
        database,
        "read who owns the tables",
        &format!(
            "select format('%I.%I', n.nspname, c.relname) || ' of ' || pg_get_userbyid(c.relowner) \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where c.relkind in ('r', 'p', 'm', 'v', 'S') and {OWN_SCHEMAS} \
               and not pg_has_role(c.relowner, 'usage') \
               and not exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass \
                               and d.deptype = 'e') \
             order by 1 limit $1"
        ),
    )
    .await
}

/// `reset_val` is what a session begins with, by its role and its database.
async fn timeouts(database: &Database) -> Result<[i64; 3], QueryError> {
    let rows = database
        .query(
            "read the timeouts of the role",
            "select name, reset_val::bigint from pg_settings \
             where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')",
            &[],
        )
        .await?;
    let of = |wanted: &str| {
        let found = rows.iter().find(|row| row.get::<_, &str>(0) == wanted);
        found.map_or(0, |row| row.get(1))
    };
    Ok([
        of("statement_timeout"),
        of("lock_timeout"),
        of("idle_in_transaction_session_timeout"),
    ])
}

async fn standbys(database: &Database) -> Result<(String, Vec<StandbyFacts>), QueryError> {
    let rows = database
        .query(
            "read the standbys",
            "select coalesce(application_name, ''), sync_state, \
                    case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint end \
             from pg_stat_replication order by 1",
            &[],
        )
        .await?;
    let standbys = rows.iter().map(|row| StandbyFacts {
        name: row.get(0),
        sync: row.get(1),
        behind_bytes: row.get(2),
    });
    let standbys = standbys.collect();
    let named = database
        .query(
            "read which standbys commits wait for",
            "select current_setting('synchronous_standby_names')",
            &[],
        )
        .await?;
    Ok((named.first().map(|row| row.get(0)).unwrap_or_default(), standbys))
}

async fn idle_slots(database: &Database) -> Result<Vec<IdleSlot>, QueryError> {
    let rows = database
        .query(
            "read the replication slots",
            "select slot_name::text, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint \
             from pg_replication_slots where not active and restart_lsn is not null and not pg_is_in_recovery() order by 2 desc",
            &[],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| IdleSlot {
            name: row.get(0),
            kept_bytes: row.get(1),
        })
        .collect())
}

/// One that is being built now is invalid until that ends.
async fn invalid_indexes(database: &Database) -> Result<Vec<String>, QueryError> {
    names(
        database,
        "read the invalid indexes",
        &format!(
            "select format('%I.%I', n.nspname, c.relname) from pg_index i join pg_class c on c.oid = i.indexrelid \
             join pg_namespace n on n.oid = c.relnamespace \
             where not i.indisvalid and c.relkind = 'i' and {OWN_SCHEMAS} \
               and not exists (select from pg_stat_progress_create_index p \
                               where p.index_relid = i.indexrelid and p.datname = current_database()) \
             order by 1 limit $1"
        ),
    )
    .await
}

async fn unvalidated(database: &Database) -> Result<Vec<String>, QueryError> {
    names(
        database,
        "read the constraints that are not validated",
        &format!(
            "select format('%I on %I.%I', k.conname, n.nspname, c.relname) from pg_constraint k \
             join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace \
             where not k.convalidated and k.contype in ('c', 'f') and {OWN_SCHEMAS} order by 1 limit $1"
        ),
    )
    .await
}

async fn age(database: &Database) -> Result<(i64, i64), QueryError> {
    // No row would be no age.
    let row = database
        .client()
        .query_one(
            "select age(datfrozenxid)::bigint, current_setting('autovacuum_freeze_max_age')::bigint \
             from pg_database where datname = current_database()",
            &[],
        )
        .await
        .map_err(|error| QueryError::new("read how old the oldest transaction number is", error))?;
    Ok((row.get(0), row.get(1)))
}

/// The column that a sequence belongs to may hold less than the sequence gives.
async fn sequences(database: &Database) -> Result<Vec<String>, QueryError> {
    names(
        database,
        "read how far the sequences are",
        "with given as ( \
             select format('%I.%I', s.schemaname, s.sequencename) as name, s.last_value::numeric as last, \
                    s.min_value::numeric as low, least(s.max_value, o.room)::numeric as high \
             from pg_sequences s \
             join pg_namespace n on n.nspname = s.schemaname \
             join pg_class c on c.relnamespace = n.oid and c.relname = s.sequencename \
             left join lateral ( \
                 select case a.atttypid when 'int2'::regtype then 32767::bigint \
                                        when 'int4'::regtype then 2147483647::bigint end as room \
                 from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid \
                 where d.classid = 'pg_class'::regclass and d.objid = c.oid \
                   and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') limit 1) o on true \
             where s.last_value is not null and not s.cycle and s.increment_by > 0) \
         select name || ' ' || floor(100.0 * (last - low) / (high - low)) || ' %' \
         from given where high > low and (last - low) / (high - low) >= 0.9 order by 1 limit $1",
    )
    .await
}

/// A sequence that our role may not read has no last value. Those of an extension are its own affair.
async fn hidden_sequences(database: &Database) -> Result<i64, QueryError> {
    let row = database
        .client()
        .query_one(
            &format!(
                "select count(*) from pg_sequence s join pg_class c on c.oid = s.seqrelid \
                 join pg_namespace n on n.oid = c.relnamespace \
                 where {OWN_SCHEMAS} and not has_sequence_privilege(s.seqrelid, 'select,usage') \
                   and not exists (select from pg_depend d where d.objid = c.oid \
                                   and d.classid = 'pg_class'::regclass and d.deptype = 'e')"
            ),
            &[],
        )
        .await
        .map_err(|error| QueryError::new("count the sequences that may not be read", error))?;
    Ok(row.get(0))
}

/// All of them: a migration may be about any. By the server's statistics: to ask for the true size would wait for whoever
/// holds a table.
async fn large_tables(database: &Database) -> Result<Vec<TableSize>, QueryError> {
    let rows = database
        .query(
            "read how large the tables are",
            &format!(
                "with pages as ( \
                     select oid, relpages from pg_class where relkind = 'r' \
                     union all select c.oid, t.relpages from pg_class c join pg_class t on t.oid = c.reltoastrelid \
                               where c.relkind = 'r' \
                     union all select i.indrelid, x.relpages from pg_index i join pg_class x on x.oid = i.indexrelid \
                               where x.relkind = 'i'), \
                 sized as ( \
                     select c.oid, sum(p.relpages)::bigint * current_setting('block_size')::bigint as bytes, \
                            greatest(max(c.reltuples)::bigint, pg_stat_get_live_tuples(c.oid), 0) as rows \
                     from pages p join pg_class c on c.oid = p.oid where c.relkind = 'r' group by c.oid), \
                 owned as ( \
                     select oid, bytes, rows from sized \
                     union all select pg_partition_root(oid::regclass)::oid, bytes, rows from sized \
                               where pg_partition_root(oid::regclass) is not null) \
                 select format('%I.%I', n.nspname, c.relname), sum(o.bytes)::bigint, sum(o.rows)::bigint \
                 from owned o join pg_class c on c.oid = o.oid join pg_namespace n on n.oid = c.relnamespace \
                 where {OWN_SCHEMAS} group by 1 having sum(o.bytes) >= $1::bigint or sum(o.rows) >= $2::bigint \
                 order by 2 desc, 1"
            ),
            &[&TableSize::LARGE_BYTES, &TableSize::LARGE_ROWS],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| TableSize {
            name: row.get(0),
            bytes: row.get(1),
            rows: row.get(2),
        })
        .collect())
}

/// `reserved_connections` came with Postgres 16.
async fn connections(database: &Database) -> Result<[i32; 3], QueryError> {
    let rows = database
        .query(
            "count the connections",
            "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int \
                        - coalesce(current_setting('reserved_connections', true)::int, 0), \
                    count(*) filter (where backend_type = 'client backend' or backend_type is null)::int, \
                    count(*) filter (where usename = current_user)::int \
             from pg_stat_activity where usename is not null",
            &[],
        )
        .await?;
    Ok(rows
        .first()
        .map_or([0; 3], |row| [row.get(0), row.get(1), row.get(2)]))
}

/// A pod that runs Postgres is reached without a pooler; at an address one may answer.
async fn pooler(database: &Database) -> Seen<String> {
    match database.connector().location().route {
        DatabaseRoute::Direct => database.connector().pooler().await,
        DatabaseRoute::Pod { .. } => Seen::Absent,
    }
}

async fn names(database: &Database, doing: &str, sql: &str) -> Result<Vec<String>, QueryError> {
    let rows = database.query(doing, sql, &[&MOST]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
