//! `cargo xtask bench`: our commands and what people type today, one after the other in one run, on the same data. What
//! is told are ratios: a figure in seconds says more of the machine than of the program.

mod beside;
mod check;
mod contest;
mod database;
mod dump;
mod fleet;
mod measure;
mod programs;
mod ratio;
mod releases;
mod restore;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::terminal::say;

/// What to compare.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    contest: Contest,
}

#[derive(Debug, Subcommand)]
enum Contest {
    /// `kubectl upgrade-check RELEASE CHART` against a script that gathers the same with helm, kubectl and psql
    Check(check::Size),
    /// `kubectl pgbackup create` against `kubectl exec … pg_dump -Fc > file`, and against the pod's own limit
    Dump(Size),
    /// `kubectl upgrade-check fleet`, quick and full, against `helm list --all-namespaces`
    Fleet(fleet::Size),
    /// `kubectl pgbackup restore` against `kubectl exec -i … pg_restore < file`
    Restore(Size),
}

/// How much, and how often.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Size {
    /// Size of the database in MB, near enough
    #[arg(long, value_name = "MB", default_value_t = 1000)]
    pub(crate) megabytes: u32,
    /// How often each contestant runs
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) rounds: u32,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let lines = match arguments.contest {
        Contest::Check(size) => check::run(size)?,
        Contest::Dump(size) => dump::run(size)?,
        Contest::Fleet(size) => fleet::run(size)?,
        Contest::Restore(size) => restore::run(size)?,
    };
    lines.iter().try_for_each(|line| say(line))
}
