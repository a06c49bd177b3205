//! A session that somebody forgot: it holds a lock, and another one waits for it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, ensure};
use test_apps::OpenFga;

use super::stage::Stage;

/// Returns once somebody has waited for a lock longer than the check thinks harmless; fails after a minute.
const UNTIL_SOMEBODY_WAITS: &str = "do $$ begin \
    for attempt in 1..300 loop \
        if exists (select from pg_locks where not granted and clock_timestamp() - waitstart > '6 s') then return; end if; \
        perform pg_sleep(0.2); \
    end loop; \
    raise 'nobody waits for a lock'; end $$";

/// Two `kubectl exec … psql`: one that holds a lock, one that waits.
pub(crate) struct LockHolder {
    holder: Child,
    report: Child,
}

impl LockHolder {
    /// Opens both, and returns when the second has waited for a while.
    pub(crate) fn plant(stage: &Stage, app: &OpenFga) -> Result<Self> {
        let database = app.database();
        let psql = ["psql", "-q", "-U", &database.user, "-d", &database.database];
        let holds = [&["kubectl", "exec", "-i", &database.pod, "--"], &psql[..]].concat();
        stage.shows(&holds, "    # left open, with: begin; lock table tuple;")?;
        let mut holder = stage
            .command(&holds)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start kubectl")?;
        let mut stdin = holder.stdin.take().context("reach the session's input")?;
        stdin
            .write_all(b"begin; lock table tuple in access exclusive mode;\n\\echo held\n")
            .and_then(|()| stdin.flush())
            .context("type into the session")?;
        holder.stdin = Some(stdin);
        let mut line = String::new();
        let stdout = holder.stdout.take().context("reach the session's output")?;
        BufReader::new(stdout)
            .read_line(&mut line)
            .context("read what the session says")?;
        ensure!(line.trim() == "held", "the lock is not held: {line:?}");

        let query = ["-c", "select count(*) from tuple"];
        let waits = [&["kubectl", "exec", &database.pod, "--"], &psql[..], &query].concat();
        stage.shows(&waits, "    # waits behind it")?;
        let report = stage
            .command(&waits)?
            .stdout(Stdio::piped())
            .spawn()
            .context("start kubectl")?;
        database.query(UNTIL_SOMEBODY_WAITS)?;
        Ok(Self { holder, report })
    }

    /// Closes the first session, and the second one gets its answer.
    pub(crate) fn leave(mut self, stage: &Stage) -> Result<()> {
        drop(self.holder.stdin.take());
        self.holder.wait().context("wait for the session's end")?;
        let report = self
            .report
            .wait_with_output()
            .context("wait for the report's end")?;
        ensure!(report.status.success(), "the report failed: {}", report.status);
        stage.tells("the session is closed, and the report has its answer")
    }
}
