//! The project's own tasks: its test node, all of its tests, the whole matrix of deaths, and a demonstration.

mod bench;
mod cargo;
mod demo;
mod faults;
mod node;
mod terminal;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of this project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Compare our commands with what people type today, in one run on the same data.
    Bench(bench::Arguments),
    /// Show one upgrade from beginning to end: a real application, a real Postgres, a real Kubernetes on this machine.
    Demo,
    /// Kill runs at every record of their journal on the test node, and end each from elsewhere. Takes hours.
    Faults(faults::Arguments),
    /// The test node: a real Kubernetes on this machine.
    Node(node::Arguments),
    /// Run every check and test of this project.
    Test(test::Arguments),
}

#[expect(clippy::print_stderr, reason = "a program's main tells its failure")]
fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Demo => demo::run(),
        Task::Faults(arguments) => faults::run(&arguments),
        Task::Node(arguments) => node::run(arguments),
        Task::Test(arguments) => test::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
