//! Questions of others: one statement whose only row begins with true or false.

use model::text::line;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use crate::{Database, QueryError};

/// Evidence is one line and cut here, in characters: an answer is read by people.
const EVIDENCE: usize = 300;

/// What a statement answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub said: Said,
    /// The answer with the further columns of its row, or the server's words.
    pub words: String,
}

/// Kinds of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Its only row begins with true.
    Yes,
    /// Its only row begins with false.
    No,
    /// Its only row begins with null, or there is no row, or more than one.
    Neither,
    /// The server did not run it to its end.
    Refused(SqlState),
    /// It is no question: no query, or its first column is no boolean.
    NoQuestion,
}

impl Answer {
    /// Whether it was refused because the role lacks a right.
    pub fn lacks_a_right(&self) -> bool {
        self.said == Said::Refused(SqlState::INSUFFICIENT_PRIVILEGE)
    }
}

/// Who runs a statement of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedAs {
    /// The session's own role, which the caller has chosen for it.
    Itself,
    /// The session's own role, or one that may only read where that is a superuser. Rows that a policy hides are
    /// refused and not left out. This guards against accidents: a statement that means to can become the superuser again.
    Reader,
}

/// Asks in a read-only transaction that is rolled back. The session's timeouts hold.
///
/// # Errors
/// When the session is lost. What the server says to the statement is an answer.
pub async fn question(database: &Database, sql: &str, who: AskedAs) -> Result<Answer, QueryError> {
    let failed = |error| QueryError::new("ask a question", error);
    let client = database.client();
    client
        .batch_execute("start transaction read only")
        .await
        .map_err(failed)?;
    let answer = match look(database, sql, who).await {
        Ok(answer) => answer,
        Err(error) => match error.as_db_error() {
            None => return Err(failed(error)),
            Some(words) => Answer {
                said: Said::Refused(words.code().clone()),
                words: words.message().to_owned(),
            },
        },
    };
    client.batch_execute("rollback").await.map_err(failed)?;
    Ok(Answer {
        words: line(&answer.words).chars().take(EVIDENCE).collect(),
        ..answer
    })
}

/// Runs a statement by a cursor: nothing but reading can be done so, and of many rows only two are fetched.
async fn look(database: &Database, sql: &str, who: AskedAs) -> Result<Answer, tokio_postgres::Error> {
    let client = database.client();
    match who {
        AskedAs::Itself => {}
        AskedAs::Reader => become_reader(database).await?,
    }
    // The server takes it only if it is one statement.
    let prepared = client.prepare(sql).await?;
    let is_answer = |column: &tokio_postgres::Column| *column.type_() == Type::BOOL;
    if !prepared.columns().first().is_some_and(is_answer) {
        return Ok(Answer {
            said: Said::NoQuestion,
            words: "its first column is no boolean, so it says neither true nor false".into(),
        });
    }
    let declare = format!("declare answer no scroll cursor for {sql}");
    if let Err(error) = client.batch_execute(&declare).await {
        // The statement itself has been understood: what a cursor does not take writes.
        return match error.code() {
            Some(&SqlState::SYNTAX_ERROR) => Ok(Answer {
                said: Said::NoQuestion,
                words: "it is no query, and only queries are asked".into(),
            }),
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
        [row] => Answer {
            said: match row.get(0) {
                Some("t") => Said::Yes,
                Some(_) => Said::No,
                None => Said::Neither,
            },
            words: words(row),
        },
        [] => Answer {
            said: Said::Neither,
            words: "it returned no row".into(),
        },
        _ => Answer {
            said: Said::Neither,
            words: "it returned more rows than one".into(),
        },
    })
}

/// Another role is another `"$user"` in the search path. Names keep their meaning where its schemas are written out.
const KEEP_PATH: &str = "select set_config('search_path', coalesce((select string_agg(quote_ident(name), ', ' order by place) \
                         from unnest(current_schemas(false)) with ordinality as path(name, place)), ''), true)";

/// A superuser's functions reach files and other sessions, and no transaction holds them back; the role that may only
/// read has none of them. It holds back what is done without thinking: the server lets a session leave a role that it
/// took (`set_config('role', …)`), so who trusts nobody's statement must not have it run as a superuser.
async fn become_reader(database: &Database) -> Result<(), tokio_postgres::Error> {
    let client = database.client();
    client.batch_execute("set local row_security = off").await?;
    let rows = client
        .simple_query("select current_setting('is_superuser')")
        .await?;
    let is_superuser = rows
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("on")));
    if is_superuser {
        client.batch_execute(KEEP_PATH).await?;
        client.batch_execute("set local role pg_read_all_data").await?;
    }
    Ok(())
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
