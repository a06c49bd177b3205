//! Who holds what, and who waits for whom.

use std::collections::{BTreeMap, BTreeSet};

use model::{BlockedSession, HeldLock, LOCK_MODES, LockEdge, PreparedTransaction, Seen, Session};

use super::{OWN_SCHEMAS, activity};
use crate::{Database, QueryError};

/// The most locks that are listed: a dump of a large schema holds one on every table.
const MOST_LOCKS: i64 = 2000;

/// Sessions that wait for a lock, with holders and roots, longest wait first.
pub async fn blocked(database: &Database) -> Seen<Vec<BlockedSession>> {
    Seen::from_result(read_blocked(database).await.map(Some))
}

async fn read_blocked(database: &Database) -> Result<Vec<BlockedSession>, QueryError> {
    // waitstart came with Postgres 14. The tuple lock of a session that waits for a row says which table it is.
    let rows = database
        .query(
            "read the waiting sessions",
            "select l.pid, pg_blocking_pids(l.pid), \
                    extract(epoch from clock_timestamp() \
                        - coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.state_change))::float8, \
                    coalesce(l.relation, t.relation), l.locktype = 'relation' \
             from pg_locks l \
             join pg_stat_activity a on a.pid = l.pid and a.datname = current_database() \
             left join pg_locks t on t.pid = l.pid and t.locktype = 'tuple' and t.granted \
             where not l.granted",
            &[],
        )
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut waits: BTreeMap<i32, Wait> = BTreeMap::new();
    for row in &rows {
        let holders: Vec<i32> = row.get(1);
        // Two prepared transactions in the way are both called 0.
        let holders: BTreeSet<i32> = holders.into_iter().collect();
        waits.insert(
            row.get(0),
            Wait {
                holders: holders.into_iter().collect(),
                seconds: row.get::<_, Option<f64>>(2).unwrap_or_default(),
                relation: row.get(3),
                on_relation: row.get(4),
            },
        );
    }
    let relations: Vec<u32> = waits.values().filter_map(|wait| wait.relation).collect();
    let locks = read_locks_on(database, &relations).await?;
    let activity = activity(database).await?;
    Ok(tree(&waits, &locks, &activity.sessions))
}

/// What one session waits for.
#[derive(Debug, Clone)]
struct Wait {
    holders: Vec<i32>,
    seconds: f64,
    relation: Option<u32>,
    /// Whether it waits for the relation itself and not for a row or a transaction.
    on_relation: bool,
}

/// A lock on a relation, granted or awaited.
#[derive(Debug, Clone)]
struct RelationLock {
    pid: i32,
    relation: u32,
    name: String,
    mode: String,
    granted: bool,
}

async fn read_locks_on(database: &Database, relations: &[u32]) -> Result<Vec<RelationLock>, QueryError> {
    let rows = database
        .query(
            "read the locks of the blocking sessions",
            "select coalesce(l.pid, 0), l.relation, format('%I.%I', n.nspname, c.relname), l.mode, l.granted \
             from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace \
             where l.locktype = 'relation' and l.relation = any($1) \
               and l.database = (select oid from pg_database where datname = current_database())",
            &[&relations],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| RelationLock {
            pid: row.get(0),
            relation: row.get(1),
            name: row.get(2),
            mode: row.get(3),
            granted: row.get(4),
        })
        .collect())
}

fn tree(waits: &BTreeMap<i32, Wait>, locks: &[RelationLock], sessions: &[Session]) -> Vec<BlockedSession> {
    let session = |pid: i32| sessions.iter().find(|session| session.pid == pid).cloned();
    let mut blocked: Vec<BlockedSession> = waits
        .iter()
        .filter_map(|(pid, wait)| {
            Some(BlockedSession {
                // It may have ended between two questions.
                session: session(*pid)?,
                waited_seconds: wait.seconds.max(0.0),
                blocked_by: wait
                    .holders
                    .iter()
                    .map(|holder| edge(*holder, wait, locks))
                    .collect(),
                root: root(*pid, waits).and_then(session),
            })
        })
        .collect();
    blocked.sort_by(|one, other| other.waited_seconds.total_cmp(&one.waited_seconds));
    blocked
}

fn edge(holder: i32, wait: &Wait, locks: &[RelationLock]) -> LockEdge {
    let on_relation = |lock: &&RelationLock| Some(lock.relation) == wait.relation;
    let relation = locks.iter().find(on_relation).map(|lock| lock.name.clone());
    if !wait.on_relation {
        // What holds a row is the transaction that changed it, which every transaction locks exclusively.
        return LockEdge {
            holder,
            relation,
            mode: "ExclusiveLock".to_owned(),
        };
    }
    let strength = |lock: &&RelationLock| {
        (
            lock.granted,
            LOCK_MODES.iter().position(|mode| *mode == lock.mode),
        )
    };
    let strongest = locks
        .iter()
        .filter(on_relation)
        .filter(|lock| lock.pid == holder)
        .max_by_key(strength);
    LockEdge {
        holder,
        relation,
        mode: strongest.map(|lock| lock.mode.clone()).unwrap_or_default(),
    }
}

/// The session at the end of the chain: it waits for nobody. `None` for a prepared transaction and for a circle, which
/// the server itself resolves.
fn root(pid: i32, waits: &BTreeMap<i32, Wait>) -> Option<i32> {
    let mut seen = BTreeSet::from([pid]);
    let mut open: Vec<i32> = waits.get(&pid)?.holders.clone();
    while let Some(next) = open.pop() {
        if !seen.insert(next) {
            continue;
        }
        match waits.get(&next) {
            Some(wait) => open.extend(&wait.holders),
            None if next != 0 => return Some(next),
            None => {}
        }
    }
    None
}

/// Granted locks on user tables, our own session's aside; a weak lock on which nothing waits is listed as well.
pub async fn held_locks(database: &Database) -> Seen<Vec<HeldLock>> {
    let rows = database
        .query(
            "read the locks on tables",
            &format!(
                "select coalesce(l.pid, 0), format('%I.%I', n.nspname, c.relname), l.mode \
                 from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace \
                 where l.locktype = 'relation' and l.granted and c.relkind in ('r', 'p', 'm') \
                   and l.database = (select oid from pg_database where datname = current_database()) \
                   and l.pid is distinct from pg_backend_pid() \
                   and {OWN_SCHEMAS} \
                 order by 2, 1, 3 limit $1"
            ),
            &[&MOST_LOCKS],
        )
        .await;
    Seen::from_result(rows.map(|rows| {
        Some(
            rows.iter()
                .map(|row| HeldLock {
                    holder: row.get(0),
                    relation: row.get(1),
                    mode: row.get(2),
                })
                .collect(),
        )
    }))
}

/// Prepared transactions in the session's database, oldest first.
pub async fn prepared_transactions(database: &Database) -> Seen<Vec<PreparedTransaction>> {
    let rows = database
        .query(
            "read the prepared transactions",
            "select gid, owner::text, extract(epoch from clock_timestamp() - prepared)::float8 \
             from pg_prepared_xacts where database = current_database() order by prepared",
            &[],
        )
        .await;
    Seen::from_result(rows.map(|rows| {
        Some(
            rows.iter()
                .map(|row| PreparedTransaction {
                    gid: row.get(0),
                    owner: row.get(1),
                    age_seconds: row.get(2),
                })
                .collect(),
        )
    }))
}
