//! `cargo xtask faults`: every death of a run that the memory matrix knows, once on the test node, with real helms, a real
//! API server and a real Postgres.

use anyhow::{Result, bail};
use clap::Args;
use test_apps::ensure_images;
use test_node::Node;
use test_node::cache::Cache;
use test_node::command::run_watched;
use test_node::progress::Progress;

use crate::cargo::{build_programs, cargo};
use crate::terminal::say;

/// Kill runs before and after every record of their journal, and end each from elsewhere.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Begin no new pair of a death and its end after so many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 720, value_parser = clap::value_parser!(u64).range(1..=2880))]
    minutes: u64,
}

/// How the pairs ended, as the tests tell it line by line.
#[derive(Debug, Default)]
struct Pairs {
    passed: usize,
    /// Each with its name and reason.
    failed: Vec<String>,
    /// Kinds of run whose pairs were not all begun.
    unfinished: Vec<String>,
}

impl Pairs {
    /// Takes a line; gives whether it was about a pair.
    fn line(&mut self, line: &str) -> bool {
        let Some((word, words)) = line.split_once(": ") else {
            return false;
        };
        match word {
            "pair passed" => self.passed += 1,
            "pair failed" => self.failed.push(words.to_owned()),
            "pairs unfinished" => self.unfinished.push(words.to_owned()),
            _ => return false,
        }
        true
    }

    fn summary(&self) -> String {
        let mut lines = vec![format!(
            "{} pairs: {} passed, {} failed",
            self.passed + self.failed.len(),
            self.passed,
            self.failed.len()
        )];
        lines.extend(self.failed.iter().map(|pair| format!("  failed: {pair}")));
        let unfinished = self.unfinished.iter();
        lines.extend(unfinished.map(|kind| format!("  the time was up, not all begun: {kind}")));
        lines.join("\n")
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (cache, progress) = (Cache::from_environment()?, Progress::stderr());
    build_programs(&progress)?;
    let node = Node::up(&cache, &progress)?;
    ensure_images(&node)?;
    let mut pairs = Pairs::default();
    let stage = progress.stage("every death and its end");
    let mut tests = cargo()?;
    tests
        .args(["test", "--locked", "--package", "e2e", "--test", "e2e"])
        .args([
            "deaths::every",
            "--",
            "--ignored",
            "--nocapture",
            "--test-threads=2",
        ])
        .env("SAFE_UPGRADE_KILL_MINUTES", arguments.minutes.to_string());
    let ended = run_watched(&mut tests, |line| {
        if pairs.line(line) {
            stage.note(line);
        }
    });
    if ended.is_ok() {
        stage.done();
    }
    say(&pairs.summary())?;
    match ended {
        Err(_) if !pairs.failed.is_empty() => bail!("{} pairs failed", pairs.failed.len()),
        Ok(()) if pairs.passed == 0 => bail!("not a single pair ran"),
        Ok(()) | Err(_) => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::Pairs;

    #[test]
    fn pairs_are_counted_and_those_that_failed_are_named() {
        let mut pairs = Pairs::default();
        let told = [
            "pair passed: helm 3, boot-run, gate after, killed before record 1, aborted",
            "pair failed: helm 4, hook-run, gate schema, killed after record 2, resumed: exit code 11",
            "pairs unfinished: helm 4, hook-run, gate schema",
        ];
        assert!(told.iter().all(|line| pairs.line(line)));
        assert!(!pairs.line("test deaths::every::every_death_under_helm_3_ends_whole ... ok"));
        let summary = pairs.summary();
        assert!(summary.starts_with("2 pairs: 1 passed, 1 failed"), "{summary}");
        assert!(
            summary.contains("failed: helm 4, hook-run, gate schema, killed after record 2"),
            "{summary}"
        );
        assert!(
            summary.contains("not all begun: helm 4, hook-run, gate schema"),
            "{summary}"
        );
    }
}
