//! The project's own tasks: `cargo xtask node`, and with it everything that needs a real cluster.

mod node;

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
    /// The test node: a real Kubernetes on this machine.
    Node(node::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Node(arguments) => node::run(arguments),
    }
}
