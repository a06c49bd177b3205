//! Every index and table of a restored database, checked by Postgres' own extension.

use std::time::Duration;

use postgres_room::{Database, QueryError, SessionOptions, quote_identifier};
use tokio_postgres::error::SqlState;

use super::{DATABASE, Findings, VerifyError};
use crate::Server;
use crate::ask::ask;

/// What the extension can check, and by which function.
const KINDS: [Kind; 2] = [
    Kind {
        what: "indexes",
        function: "bt_index_check",
        list: "select c.oid, n.nspname || '.' || c.relname from pg_catalog.pg_index i \
               join pg_catalog.pg_class c on c.oid = i.indexrelid \
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
               join pg_catalog.pg_am a on a.oid = c.relam \
               where a.amname = 'btree' and c.relkind = 'i' and i.indisvalid and i.indisready order by 2",
        call: "bt_index_check(index => $1::oid::regclass, heapallindexed => true)",
        answer: "select null::text from",
    },
    Kind {
        what: "tables",
        function: "verify_heapam",
        list: "select c.oid, n.nspname || '.' || c.relname from pg_catalog.pg_class c \
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
               join pg_catalog.pg_am a on a.oid = c.relam \
               where a.amname = 'heap' and c.relkind in ('r', 'm') and c.relpersistence <> 't' order by 2",
        call: "verify_heapam(relation => $1::oid::regclass, on_error_stop => true, check_toast => true)",
        answer: "select 'block ' || blkno || ': ' || msg from",
    },
];

struct Kind {
    what: &'static str,
    /// The function, which the extension has since some version.
    function: &'static str,
    /// Ids and names of what there is.
    list: &'static str,
    call: &'static str,
    /// Selects words of damage from the call; no words mean none.
    answer: &'static str,
}

/// Checks all; where the extension, or one of its functions, is not there, that is told as not judged.
pub(super) async fn check(server: &Server, findings: &mut Findings) -> Result<(), VerifyError> {
    let options = SessionOptions {
        database: Some(DATABASE.into()),
        writable: true,
        statement_timeout: Duration::ZERO,
        lock_timeout: Duration::ZERO,
    };
    let database = server.connector.connect(&options).await?;
    let Some(schema) = extension(&database).await? else {
        let words = "indexes and tables: the throw-away server has no extension amcheck";
        findings.unjudged.push(words.into());
        return Ok(());
    };
    for kind in &KINDS {
        check_kind(&database, &schema, kind, findings).await?;
    }
    Ok(())
}

/// Installs the extension; the schema that it is in.
async fn extension(database: &Database) -> Result<Option<String>, QueryError> {
    let available = "select 1 from pg_catalog.pg_available_extensions where name = 'amcheck'";
    if ask(database, "look for the extension amcheck", available, &[])
        .await?
        .is_empty()
    {
        return Ok(None);
    }
    let made = database
        .client()
        .batch_execute("create extension if not exists amcheck")
        .await;
    made.map_err(|error| QueryError {
        doing: "install the extension amcheck".into(),
        error,
    })?;
    let place = "select n.nspname::text from pg_catalog.pg_extension e \
                 join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'amcheck'";
    let rows = ask(database, "find the extension amcheck", place, &[]).await?;
    Ok(rows.first().map(|row| row.get(0)))
}

async fn check_kind(
    database: &Database,
    schema: &str,
    kind: &Kind,
    findings: &mut Findings,
) -> Result<(), QueryError> {
    let there = "select 1 from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace \
                 where n.nspname = $1 and p.proname = $2";
    let there = ask(
        database,
        "read what amcheck can do",
        there,
        &[&schema, &kind.function],
    )
    .await?;
    if there.is_empty() {
        let words = format!("{}: this version of amcheck has no {}", kind.what, kind.function);
        findings.unjudged.push(words);
        return Ok(());
    }
    let listed = ask(database, "list what amcheck checks", kind.list, &[]).await?;
    let query = format!("{} {}.{}", kind.answer, quote_identifier(schema), kind.call);
    let mut whole = 0;
    for row in &listed {
        let (oid, name): (u32, String) = (row.get(0), row.get(1));
        match ask(database, "check what was restored", &query, &[&oid]).await {
            Ok(rows) => {
                let damage: Option<String> = rows.iter().find_map(|row| row.get(0));
                match damage {
                    Some(words) => findings.differences.push(format!("{name} is damaged: {words}")),
                    None => whole += 1,
                }
            }
            Err(error) if is_damage(&error) => {
                let words = model::causes(&error.error);
                findings.differences.push(format!("{name} is damaged: {words}"));
            }
            Err(error) if error.is_closed() => return Err(error),
            Err(error) => {
                let words = model::causes(&error.error);
                findings.unjudged.push(format!("{name}: {words}"));
            }
        }
    }
    findings.compared.push(format!("{whole} {} (amcheck)", kind.what));
    Ok(())
}

fn is_damage(error: &QueryError) -> bool {
    let codes = [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED];
    error.code().is_some_and(|code| codes.contains(code))
}
