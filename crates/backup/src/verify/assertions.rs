//! Statements that must be true of a restored database.

use std::time::Duration;

use model::{AssertionResult, AssertionVerdict};
use postgres_room::{Answer, AskedAs, QueryError, Said, SessionOptions, question, quote_identifier};
use tokio_postgres::error::SqlState;

use super::{DATABASE, Findings, Questions, VerifyError};
use crate::{Progress, Server};

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
        let asked = question(&database, &assertion.sql, AskedAs::Itself).await;
        let Answer {
            said,
            words: evidence,
        } = asked.map_err(|error| QueryError {
            doing: format!("ask whether {}", assertion.what),
            error: error.error,
        })?;
        let verdict = verdict(&said);
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

fn verdict(said: &Said) -> AssertionVerdict {
    match said {
        Said::Yes => AssertionVerdict::Holds,
        Said::No | Said::Neither => AssertionVerdict::Fails,
        Said::NoQuestion => AssertionVerdict::Unknown,
        Said::Refused(code) if is_no_answer(code) => AssertionVerdict::Unknown,
        Said::Refused(_) => AssertionVerdict::Fails,
    }
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
