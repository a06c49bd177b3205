//! Statements that must be true of a restored database.

use std::time::Duration;

use model::{AssertionResult, AssertionVerdict};
use postgres_room::{Database, QueryError, SessionOptions, quote_identifier};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::{DATABASE, Findings, Questions, VerifyError};
use crate::{Progress, Server};

/// Evidence is cut here, in characters: a result is read by people.
const EVIDENCE: usize = 300;

/// A statement that must be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// What it says, in words.
    pub what: String,
    /// One statement, whose first column must be true in its only row. Further columns are evidence.
    pub sql: String,
    /// Where it was read.
    pub source: String,
}

/// Asks all, each in a read-only transaction of a role that is no superuser.
pub(super) async fn ask_all(
    server: &Server,
    questions: &Questions,
    findings: &mut Findings,
    progress: Progress<'_>,
) -> Result<(), VerifyError> {
    if questions.assertions.is_empty() {
        return Ok(());
    }
    let connector = server.connector.as_role(&make_reader(server).await?);
    for (number, assertion) in questions.assertions.iter().enumerate() {
        let share = number as f64 / questions.assertions.len() as f64;
        progress(&format!("asking: {}", assertion.what), Some(share));
        // A statement may end its session; the next one begins anew.
        let options = SessionOptions {
            database: Some(DATABASE.into()),
            statement_timeout: questions.statement_timeout,
            lock_timeout: Duration::ZERO,
            writable: false,
        };
        let database = connector.connect(&options).await?;
        let (verdict, evidence) = judge(&database, &assertion.sql)
            .await
            .map_err(|error| QueryError {
                doing: format!("ask whether {}", assertion.what),
                error,
            })?;
        let words = format!("{}: {evidence}", assertion.what);
        match verdict {
            AssertionVerdict::Holds => {}
            AssertionVerdict::Fails => findings.differences.push(words),
            AssertionVerdict::Unknown => findings.unjudged.push(words),
        }
        findings.assertions.push(AssertionResult {
            what: assertion.what.clone(),
            source: assertion.source.clone(),
            verdict,
            evidence,
        });
    }
    let held = |result: &&AssertionResult| result.verdict == AssertionVerdict::Holds;
    let count = findings.assertions.iter().filter(held).count();
    if count > 0 {
        findings
            .compared
            .push(format!("{count} statements that must be true"));
    }
    Ok(())
}

/// A role that may read everything and do nothing else: statements of others run as this one.
async fn make_reader(server: &Server) -> Result<String, VerifyError> {
    let role = format!("pgbackup_reader_{:08x}", rand::random::<u32>());
    let options = SessionOptions {
        database: Some(DATABASE.into()),
        writable: true,
        statement_timeout: Duration::ZERO,
        lock_timeout: Duration::ZERO,
    };
    let database = server.connector.connect(&options).await?;
    let name = quote_identifier(&role);
    let make = format!(
        "create role {name} login bypassrls; \
         do $do$ declare place name; begin \
           for place in select nspname from pg_catalog.pg_namespace where nspname !~ '^pg_' loop \
             execute pg_catalog.format('grant usage on schema %I to {name}', place); \
             execute pg_catalog.format('grant select on all tables in schema %I to {name}', place); \
             execute pg_catalog.format('grant select on all sequences in schema %I to {name}', place); \
           end loop; \
         end $do$"
    );
    let made = database.client().batch_execute(&make).await;
    made.map_err(|error| QueryError {
        doing: "make a role that may only read".into(),
        error,
    })?;
    Ok(role)
}

/// What a statement says. An error is the session's, not the statement's.
async fn judge(database: &Database, sql: &str) -> Result<(AssertionVerdict, String), tokio_postgres::Error> {
    let client = database.client();
    client.batch_execute("start transaction read only").await?;
    let judged = match look(database, sql).await {
        Ok(judged) => judged,
        Err(error) => match error.as_db_error() {
            None => return Err(error),
            Some(words) => {
                let verdict = if is_no_answer(words.code()) {
                    AssertionVerdict::Unknown
                } else {
                    AssertionVerdict::Fails
                };
                (verdict, words.message().to_owned())
            }
        },
    };
    client.batch_execute("rollback").await?;
    let (verdict, evidence) = judged;
    Ok((verdict, evidence.chars().take(EVIDENCE).collect()))
}

/// Runs a statement by a cursor: nothing but reading can be done so, and of many rows only two are fetched.
async fn look(database: &Database, sql: &str) -> Result<(AssertionVerdict, String), tokio_postgres::Error> {
    let client = database.client();
    // The server takes it only if it is one statement.
    let prepared = client.prepare(sql).await?;
    let is_answer = |column: &tokio_postgres::Column| *column.type_() == Type::BOOL;
    if !prepared.columns().first().is_some_and(is_answer) {
        let words = "its first column is no boolean, so it says neither true nor false";
        return Ok((AssertionVerdict::Unknown, words.to_owned()));
    }
    let declare = format!("declare answer no scroll cursor for {sql}");
    if let Err(error) = client.batch_execute(&declare).await {
        // The statement itself has been understood: what a cursor does not take writes.
        return match error.code() {
            Some(&SqlState::SYNTAX_ERROR) => {
                let words = "it is no query, and only queries are asked";
                Ok((AssertionVerdict::Unknown, words.to_owned()))
            }
            Some(_) | None => Err(error),
        };
    }
    let messages = client.simple_query("fetch 2 from answer").await?;
    let rows: Vec<&SimpleQueryRow> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        })
        .collect();
    Ok(match rows.as_slice() {
        [row] => (said(row.get(0)), words(row)),
        [] => (AssertionVerdict::Fails, "it returned no row".to_owned()),
        _ => (
            AssertionVerdict::Fails,
            "it returned more rows than one".to_owned(),
        ),
    })
}

fn said(answer: Option<&str>) -> AssertionVerdict {
    if answer == Some("t") {
        AssertionVerdict::Holds
    } else {
        AssertionVerdict::Fails
    }
}

/// The answer and its evidence.
fn words(row: &SimpleQueryRow) -> String {
    let value = |number: usize| row.get(number).unwrap_or("null").to_owned();
    let mut words = match row.get(0) {
        Some("t") => "true".to_owned(),
        Some(_) => "false".to_owned(),
        None => "null".to_owned(),
    };
    for (number, column) in row.columns().iter().enumerate().skip(1) {
        words.push_str(&format!(", {} = {}", column.name(), value(number)));
    }
    words
}

/// What keeps a statement from an answer, and says nothing of the data.
fn is_no_answer(code: &SqlState) -> bool {
    [
        SqlState::QUERY_CANCELED,
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::SYNTAX_ERROR,
        SqlState::OUT_OF_MEMORY,
        SqlState::DISK_FULL,
    ]
    .contains(code)
}
