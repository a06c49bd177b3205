//! `cargo xtask test`: every check and test of this project, in named stages.

mod counts;
mod deny;
mod packages;
mod run;
mod summary;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use migrators::Programs;
use test_apps::ensure_images;
use test_node::Node;
use test_node::cache::Cache;
use test_node::prerequisites::settle;
use test_node::progress::Progress;

use crate::terminal::say;
use counts::Counts;
use run::Runner;
use summary::{End, Line, summary};

/// End-to-end tests of one program that run at the same time. They wait for pods more than they compute: two leave a third
/// of two cores idle, three keep them busy.
const AT_THE_SAME_TIME: &str = "--test-threads=3";

/// Run every check and test of this project.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// These stages only; without any, all of them.
    #[arg(value_enum, value_name = "STAGE")]
    stages: Vec<Stage>,
}

/// What is done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// rustfmt and clippy.
    Style,
    /// Licences and sources of every dependency.
    Licences,
    /// Every test that needs no cluster, some of them with a real Postgres.
    Units,
    /// Real migration tools against a real Postgres.
    Migrators,
    /// The three programs and the test applications.
    Build,
    /// The test node, with its images.
    Node,
    /// The test node's own tests.
    NodeTests,
    /// Plain helm upgrades of the test applications.
    AppTests,
    /// The programs against real releases.
    EndToEnd,
    /// Faults of the whole node, which nothing else may meet.
    NodeFaults,
}

impl Stage {
    const ALL: [Self; 10] = [
        Self::Style,
        Self::Licences,
        Self::Units,
        Self::Migrators,
        Self::Build,
        Self::Node,
        Self::NodeTests,
        Self::AppTests,
        Self::EndToEnd,
        Self::NodeFaults,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Style => "formatting and lints",
            Self::Licences => "licences and sources of dependencies",
            Self::Units => "tests without a cluster",
            Self::Migrators => "tests with real migration tools",
            Self::Build => "build of all programs",
            Self::Node => "test node and images",
            Self::NodeTests => "tests of the test node",
            Self::AppTests => "tests of the applications to upgrade",
            Self::EndToEnd => "end-to-end tests",
            Self::NodeFaults => "faults of the whole node",
        }
    }

    fn perform(self, cache: &Cache, progress: &Progress, runner: &Runner) -> Result<Counts> {
        match self {
            Self::Style => {
                runner.cargo("check formatting", &["fmt", "--all", "--check"])?;
                runner.cargo(
                    "clippy",
                    &[
                        "clippy",
                        "--workspace",
                        "--all-targets",
                        "--locked",
                        "--",
                        "-D",
                        "warnings",
                    ],
                )
            }
            Self::Licences => deny::check(cache, progress, runner),
            Self::Units => {
                packages::ensure(progress)?;
                let apart = [
                    "--exclude",
                    "e2e",
                    "--exclude",
                    "test-node",
                    "--exclude",
                    "test-apps",
                    "--exclude",
                    "migrators",
                ];
                let units = runner.tests(
                    "tests without a cluster",
                    &[&["--workspace"], &apart[..]].concat(),
                    &[],
                )?;
                // These two have tests that need the cluster beside those that do not.
                let libraries = ["--package", "test-node", "--package", "test-apps", "--lib"];
                Ok(units + runner.tests("libraries of the tests", &libraries, &[])?)
            }
            Self::Migrators => {
                packages::ensure(progress)?;
                settle(migrators::missing, progress)?;
                Programs::ready(cache, progress)?;
                // Each waits for a program to start more than it computes, and none asserts on time.
                runner.tests(
                    "migration tools",
                    &["--package", "migrators"],
                    &["--test-threads=3"],
                )
            }
            Self::Build => runner.cargo(
                "build every program and test",
                &["build", "--workspace", "--all-targets", "--locked"],
            ),
            Self::Node => {
                let node = Node::up(cache, progress)?;
                ensure_images(&node)?;
                Ok(Counts::default())
            }
            Self::NodeTests => runner.tests("the node", &["--package", "test-node", "--test", "*"], &[]),
            Self::AppTests => runner.tests(
                "plain helm upgrades",
                &["--package", "test-apps", "--test", "*"],
                &["--include-ignored", AT_THE_SAME_TIME],
            ),
            Self::EndToEnd => runner.tests("end to end", &["--package", "e2e"], &[AT_THE_SAME_TIME]),
            Self::NodeFaults => runner.tests(
                "faults of the node",
                &["--package", "e2e", "--test", "node_faults"],
                &["--include-ignored", "--test-threads=1"],
            ),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (cache, progress) = (Cache::from_environment()?, Progress::stderr());
    let begun = Instant::now();
    let mut lines: Vec<Line> = Vec::new();
    let mut failed = false;
    for stage in Stage::ALL {
        let chosen = arguments.stages.is_empty() || arguments.stages.contains(&stage);
        let started = Instant::now();
        let end = if !chosen {
            End::NotAsked
        } else if failed {
            End::Skipped
        } else {
            progress.say(format!("== {}", stage.title()));
            let runner = Runner::new(&progress)?;
            match stage.perform(&cache, &progress, &runner) {
                Ok(_) => End::Passed(runner.counts()),
                Err(error) => {
                    failed = true;
                    progress.say(format!("{error:#}"));
                    End::Failed(runner.counts())
                }
            }
        };
        lines.push(Line {
            title: stage.title(),
            end,
            spent: started.elapsed(),
        });
    }
    say(&summary(&lines, begun.elapsed()))?;
    if failed {
        bail!("the tests did not pass");
    }
    Ok(())
}
