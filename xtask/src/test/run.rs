//! Running cargo as a stage: its output goes to a file, and what matters of it to whoever watches.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use test_node::command::run_watched;
use test_node::progress::Progress;

use super::counts::Counts;
use crate::cargo::{built, cargo};

/// Lines about failed tests that are shown; the file has them all.
const FAILURE_LINES: usize = 300;
/// Lines that are shown where something else failed.
const TAIL_LINES: usize = 60;
/// Where a test program begins to tell about its failures.
const FAILURES: &str = "failures:";

/// Runs commands of a stage.
pub(crate) struct Runner<'a> {
    progress: &'a Progress,
    logs: PathBuf,
    /// All tests of this runner, those of failed commands included.
    counts: Cell<Counts>,
}

/// What a command said.
#[derive(Debug, Default)]
struct Said {
    counts: Counts,
    /// The last lines.
    tail: VecDeque<String>,
    /// What test programs told about their failures.
    failures: Vec<String>,
    in_failures: bool,
}

impl Said {
    fn line(&mut self, line: &str) {
        if let Some(counts) = Counts::from_line(line) {
            self.counts = self.counts + counts;
            self.in_failures = false;
        }
        self.in_failures |= line == FAILURES;
        if self.in_failures {
            self.failures.push(line.to_owned());
        }
        self.tail.push_back(line.to_owned());
        if self.tail.len() > TAIL_LINES {
            self.tail.pop_front();
        }
    }

    /// What explains a failure.
    fn why(&self) -> String {
        if self.failures.is_empty() {
            let lines: Vec<&str> = self.tail.iter().map(String::as_str).collect();
            lines.join("\n")
        } else {
            self.failures[..self.failures.len().min(FAILURE_LINES)].join("\n")
        }
    }
}

impl<'a> Runner<'a> {
    /// Logs go into cargo's target folder.
    pub(crate) fn new(progress: &'a Progress) -> Result<Self> {
        let logs = built()?.join("test-logs");
        fs::create_dir_all(&logs).with_context(|| format!("create {}", logs.display()))?;
        Ok(Self {
            progress,
            logs,
            counts: Cell::default(),
        })
    }

    /// The tests that ran.
    pub(crate) fn counts(&self) -> Counts {
        self.counts.get()
    }

    /// Runs cargo; it must succeed.
    pub(crate) fn cargo(&self, title: &str, arguments: &[&str]) -> Result<Counts> {
        self.command(title, cargo()?.args(arguments))
    }

    /// Runs the tests that `which` selects, every one even when another has failed.
    pub(crate) fn tests(&self, title: &str, which: &[&str], options: &[&str]) -> Result<Counts> {
        let mut cargo = cargo()?;
        cargo.args(["test", "--locked", "--no-fail-fast"]).args(which);
        cargo.arg("--").args(options);
        let counts = self.command(title, &mut cargo)?;
        if counts == Counts::default() {
            bail!("{title}: not a single test ran");
        }
        Ok(counts)
    }

    /// Runs a command; it must succeed.
    pub(crate) fn command(&self, title: &str, command: &mut Command) -> Result<Counts> {
        let path = self.logs.join(format!("{}.log", title.replace(' ', "-")));
        let mut log = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        let mut said = Said::default();
        let stage = self.progress.stage(title);
        let mut written = Ok(());
        let ended = run_watched(command, |line| {
            said.line(line);
            if written.is_ok() {
                written = writeln!(log, "{line}");
            }
            if !line.trim().is_empty() {
                stage.note(line.trim());
            }
        });
        written.with_context(|| format!("write {}", path.display()))?;
        self.counts.set(self.counts.get() + said.counts);
        match ended {
            Ok(()) => {
                stage.done();
                Ok(said.counts)
            }
            Err(_) => {
                drop(stage);
                let counts = said.counts;
                let failed = match counts.failed {
                    0 => format!("{title} failed"),
                    failed => format!("{title}: {failed} tests failed, {} passed", counts.passed),
                };
                bail!(
                    "{}\n{failed}; everything that was said is in {}",
                    said.why(),
                    path.display()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        let mut said = Said::default();
        text.lines().for_each(|line| said.line(line));
        said
    }

    #[test]
    fn failed_tests_are_shown_without_the_passed_ones_around_them() {
        let said = said(
            "Compiling x\ntest one ... ok\ntest two ... FAILED\n\nfailures:\n\n---- two stdout ----\nboom\n\n\
             failures:\n    two\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured\n\
             test three ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\nerror: 1 target failed:",
        );
        let why = said.why();
        assert!(why.contains("boom"), "{why}");
        assert!(!why.contains("Compiling") && !why.contains("three"), "{why}");
        assert_eq!((said.counts.passed, said.counts.failed), (2, 1));
    }

    #[test]
    fn what_cannot_be_compiled_is_shown_by_its_last_lines() {
        let why = said("Compiling x\nerror[E0308]: mismatched types\n --> src/lib.rs").why();
        assert!(why.contains("E0308") && why.contains("--> src/lib.rs"), "{why}");
    }
}
