//! Whether a statement that changes tables could begin now.

use model::{ProbeOutcome, ProbedTable, Seen};
use tokio_postgres::error::SqlState;

use super::{OWN_SCHEMAS, held_locks};
use crate::{Database, QueryError};

/// Asks for the strongest lock on each table, `NOWAIT`, in a transaction of its own that is rolled back at once: whoever
/// waited in the queue for such a lock would hold up everybody behind it, so this never does. Where it is to be had it is
/// held for as long as one round of the server takes. Without names, every table that is no system's.
///
/// # Errors
/// When the tables cannot be listed or the session is lost.
pub async fn probe(database: &Database, tables: &[String]) -> Result<Vec<ProbedTable>, QueryError> {
    let mut probed = Vec::new();
    let found = if tables.is_empty() {
        all(database).await?
    } else {
        let mut found = Vec::new();
        for name in tables {
            match named(database, name).await? {
                Some(table) => found.push(table),
                None => probed.push(ProbedTable {
                    table: name.clone(),
                    outcome: ProbeOutcome::Unknown("there is no such table".into()),
                    holders: Vec::new(),
                }),
            }
        }
        found
    };
    for table in found {
        probed.push(one(database, table).await?);
    }
    if probed.iter().any(|table| table.outcome == ProbeOutcome::Held)
        && let Seen::Present(held) = held_locks(database).await
    {
        for table in probed
            .iter_mut()
            .filter(|table| table.outcome == ProbeOutcome::Held)
        {
            let of_table = held.iter().filter(|lock| lock.relation == table.table);
            table.holders = of_table.map(|lock| lock.holder).collect();
            table.holders.dedup();
        }
    }
    Ok(probed)
}

async fn all(database: &Database) -> Result<Vec<String>, QueryError> {
    let rows = database
        .query(
            "list the tables",
            &format!(
                "select format('%I.%I', n.nspname, c.relname) \
                 from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 where c.relkind in ('r', 'p') and {OWN_SCHEMAS} order by c.relpages desc, 1"
            ),
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn named(database: &Database, name: &str) -> Result<Option<String>, QueryError> {
    let rows = database
        .query(
            "look for the table",
            "select format('%I.%I', n.nspname, c.relname) \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where c.relkind in ('r', 'p') and c.oid = to_regclass($1)",
            &[&name],
        )
        .await?;
    Ok(rows.first().map(|row| row.get(0)))
}

async fn one(database: &Database, table: String) -> Result<ProbedTable, QueryError> {
    let sql = format!("begin; lock table only {table} in access exclusive mode nowait");
    let asked = database.texts("ask for the lock", &sql).await;
    if !asked.as_ref().is_err_and(QueryError::is_closed) {
        database.texts("let go of the lock", "rollback").await?;
    }
    let outcome = match asked {
        Ok(_) => ProbeOutcome::Free,
        Err(error) => match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => ProbeOutcome::Held,
            Some(_) => ProbeOutcome::Unknown(model::causes(&error)),
            None => return Err(error),
        },
    };
    Ok(ProbedTable {
        table,
        outcome,
        holders: Vec::new(),
    })
}
