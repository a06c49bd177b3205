//! A session on the ledger's database that stands still, and looks at what it does there.

use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use test_apps::Postgres;

use crate::World;

/// How long the server may take until something is seen: far longer than it ever needs, so that only a fault ends it.
const SEEN_LIMIT: Duration = Duration::from_secs(40);

/// A psql in the pod of release `books` that was given statements and is then left standing.
pub struct PsqlSession(Child);

impl PsqlSession {
    /// Opens it under an `application_name`.
    ///
    /// # Errors
    /// When kubectl cannot be started.
    pub fn open(world: &World, application: &str, statements: &str) -> Result<Self> {
        let mut command = world.place.kubectl_command();
        let name = format!("PGAPPNAME={application}");
        command.args(["exec", "-i", "books-postgres-0", "--", "env", &name]);
        command.args(["psql", "-U", "ledger", "-d", "ledger"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let stdin = child.stdin.as_mut().context("a pipe")?;
        writeln!(stdin, "{statements}")?;
        stdin.flush()?;
        Ok(Self(child))
    }

    /// Opens one that holds the table of entries against everybody, and waits until it does.
    ///
    /// # Errors
    /// When it does not get the lock.
    pub fn holding_entries(world: &World, database: &Postgres, application: &str) -> Result<Self> {
        let session = Self::open(
            world,
            application,
            "begin; lock table entries in access exclusive mode;",
        )?;
        until_answer(
            database,
            "select count(*) > 0 from pg_locks where granted and mode = 'AccessExclusiveLock' \
             and relation = 'entries'::regclass",
            "t",
        )?;
        Ok(session)
    }
}

impl Drop for PsqlSession {
    fn drop(&mut self) {
        // Closing its input ends psql, and with it the session.
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// Asks the server until its answer is the one that is waited for.
///
/// # Errors
/// When it never is.
#[expect(
    clippy::disallowed_methods,
    reason = "neither a server nor a program can be watched for what it will answer"
)]
pub fn until_answer(database: &Postgres, query: &str, wanted: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        let answer = database.query(query)?;
        if answer.trim() == wanted {
            return Ok(());
        }
        ensure!(begun.elapsed() < SEEN_LIMIT, "{query}: {answer} and not {wanted}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Waits until no session of ours is on the server, nor one that `others`, a condition in SQL, describes. A server sees a
/// moment later than we do that a program has ended.
///
/// # Errors
/// When one stays: it is told with its statement.
pub fn until_no_session_of_ours(database: &Postgres, others: &str) -> Result<()> {
    let sessions = format!(
        "select coalesce(string_agg(concat_ws(' ', application_name, client_addr, state, query), '; '), '') \
         from pg_stat_activity where application_name like 'safe-upgrade/%' or {others}"
    );
    until_answer(database, &sessions, "")
}
