//! Ordinary work of the database while something else runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result};

use super::database::Database;
use super::ratio::percentile;

/// Small transactions by two clients; each one's latency goes to standard output. pgbench is ended with its shell's
/// standard input, in the middle of a line of its log.
const PGBENCH: &str = "cd /tmp && rm -f latencies.* && \
    pgbench --username=app -i -q -s 5 app >/dev/null 2>&1 && echo ready && \
    { pgbench --username=app -n -c 2 -T 600 -l --log-prefix=latencies app >/dev/null 2>&1 & } && \
    cat >/dev/null; kill $!; wait $!; grep -hE '^([0-9]+ ){5}[0-9]+$' latencies.*; \
    rm -f latencies.*";

/// pgbench that runs in the pod until it is told to stop.
pub(crate) struct Load {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Load {
    /// Starts it and waits until its tables are there.
    pub(crate) fn start(database: &Database) -> Result<Self> {
        let mut child = database
            .exec(true)
            .args(["sh", "-c", PGBENCH])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start pgbench")?;
        let mut lines = BufReader::new(child.stdout.take().context("pgbench has a standard output")?);
        let mut ready = String::new();
        lines.read_line(&mut ready).context("read from pgbench")?;
        anyhow::ensure!(ready.trim() == "ready", "pgbench could not make its tables");
        Ok(Self { child, lines })
    }

    /// Ends it; gives the latency of each transaction, in ms.
    pub(crate) fn stop(mut self) -> Result<Vec<f64>> {
        drop(self.child.stdin.take());
        let latencies = self
            .lines
            .lines()
            .map(|line| latency(&line.context("read from pgbench")?))
            .collect();
        self.child.wait().context("wait for pgbench")?;
        latencies
    }
}

/// The 99th percentile, in ms.
pub(crate) fn worst_percent(latencies: &[f64]) -> Result<f64> {
    percentile(latencies, 0.99).context("pgbench ran no transaction")
}

/// The third column of pgbench's log is the transaction's time in µs.
fn latency(line: &str) -> Result<f64> {
    let microseconds: f64 = line
        .split_whitespace()
        .nth(2)
        .with_context(|| format!("find a time in {line:?}"))?
        .parse()
        .with_context(|| format!("read the time in {line:?}"))?;
    Ok(microseconds / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_transaction_is_the_third_column_in_microseconds() {
        assert_eq!(latency("0 199 2241 0 1175850568 995598").unwrap(), 2.241);
        assert!(latency("0 199").is_err());
    }
}
