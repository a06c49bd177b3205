//! Who keeps others from migrating: rows that tools wrote, advisory locks, locks on the tables themselves.

use model::{MigrationLock, MigrationLockKind, Session};

use super::find::Found;
use super::read::with_zone;
use super::tool::Place;
use crate::{Database, QueryError};

/// The locks that stand in a tool's lock table.
///
/// # Errors
/// Why it could not be read.
pub(super) async fn rows(database: &Database, found: &Found) -> Result<Vec<MigrationLock>, String> {
    if let Some(why) = &found.hidden {
        return Err(why.clone());
    }
    let Some(lock) = &found.tool.row_lock else {
        return Ok(Vec::new());
    };
    let held = lock.held.replace("{table}", &found.name);
    let sql = format!(
        "select holder::text, to_jsonb(since) #>> '{{}}', to_jsonb(expires) #>> '{{}}' \
         from ({held}) h(holder, since, expires)"
    );
    let rows = database
        .query(&format!("read the locks in {}", found.name), &sql, &[])
        .await
        .map_err(|error| model::causes(&error))?;
    let time = |time: Option<String>| time.as_deref().map(with_zone);
    Ok(rows
        .iter()
        .map(|row| MigrationLock {
            tool: found.tool.tool,
            table: found.name.clone(),
            kind: MigrationLockKind::Row,
            holder: row.get(0),
            since: time(row.get(1)),
            expires: time(row.get(2)),
            session: None,
        })
        .collect())
}

/// The sessions that hold a tool's advisory lock, or whose open transaction has changed one of its tables or locks it.
pub(super) async fn sessions(
    database: &Database,
    histories: &[&Found],
    lock_tables: &[&Found],
) -> Result<Vec<MigrationLock>, QueryError> {
    let advisory: Vec<(i64, &Found)> = histories
        .iter()
        .filter_map(|found| {
            let numbers = found.tool.advisory?(Place {
                database: database.name(),
                schema: &found.schema,
                table: &found.table,
            });
            Some(numbers.into_iter().map(|number| (number, *found)))
        })
        .flatten()
        .collect();
    let tables: Vec<&Found> = histories.iter().chain(lock_tables).copied().collect();
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<i64> = advisory.iter().map(|(number, _)| *number).collect();
    let oids: Vec<u32> = tables.iter().map(|found| found.oid).collect();
    // objsubid 1 marks an advisory lock on one number of 64 bits. Reading a table takes the two weakest modes only.
    let rows = database
        .query(
            "read the locks of migrations",
            "select distinct l.pid, l.relation, \
                    case when l.locktype = 'advisory' then (l.classid::bigint << 32) | l.objid::bigint end \
             from pg_locks l join pg_stat_activity a on a.pid = l.pid \
             where l.granted and l.pid <> pg_backend_pid() \
               and l.database = (select oid from pg_database where datname = current_database()) \
               and (a.backend_type = 'client backend' or a.backend_type is null) \
               and (l.locktype = 'advisory' and l.objsubid = 1 \
                        and (l.classid::bigint << 32) | l.objid::bigint = any($1) \
                    or l.locktype = 'relation' and l.relation = any($2) \
                        and l.mode not in ('AccessShareLock', 'RowShareLock')) \
             order by 1, 2, 3",
            &[&numbers, &oids],
        )
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let sessions = crate::observe::activity(database).await?.sessions;
    let mut locks = Vec::new();
    for row in &rows {
        let (pid, oid, number): (i32, Option<u32>, Option<i64>) = (row.get(0), row.get(1), row.get(2));
        // It may have ended between two questions.
        let Some(session) = sessions.iter().find(|session| session.pid == pid) else {
            continue;
        };
        locks.extend(
            advisory
                .iter()
                .filter(|(own, _)| number == Some(*own))
                .map(|(_, found)| held(found, MigrationLockKind::Advisory, session)),
        );
        locks.extend(
            tables
                .iter()
                .filter(|found| oid == Some(found.oid))
                .map(|found| held(found, MigrationLockKind::Table, session)),
        );
    }
    Ok(locks)
}

fn held(found: &Found, kind: MigrationLockKind, session: &Session) -> MigrationLock {
    MigrationLock {
        tool: found.tool.tool,
        table: found.name.clone(),
        kind,
        holder: None,
        since: None,
        expires: None,
        session: Some(session.clone()),
    }
}
