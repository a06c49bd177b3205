//! `cargo xtask node`: the test node by hand.

use std::fs;
use std::io;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use test_node::cache::Cache;
use test_node::progress::Progress;
use test_node::{Component, Node, Status, existing};

use crate::terminal::print;

/// The test node: a real Kubernetes on this machine, built from source.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start the node, or repair it; at once when it runs already. The first time builds everything, some minutes.
    Up,
    /// End the node and prove that nothing of it is left. Images and build results stay in the cache.
    Down,
    /// Show what runs; fails unless everything does.
    Status,
    /// Print shell lines that lead kubectl and helm to the node: eval "$(cargo xtask node env)"
    Env {
        /// Use this context of your kubeconfig instead; SAFE_UPGRADE_TEST_CONTEXTS must name it as one to throw away.
        #[arg(long, value_name = "NAME")]
        context: Option<String>,
    },
    /// Print a component's log, or list the log files.
    Logs {
        /// For instance kubelet.
        #[arg(value_parser = component)]
        component: Option<Component>,
    },
    /// Kill one component and start it again.
    Restart {
        /// For instance kube-apiserver.
        #[arg(value_parser = component)]
        component: Component,
    },
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let (cache, progress) = (Cache::from_environment()?, Progress::stderr());
    let node = Node::unchecked(&cache);
    match arguments.action {
        Action::Up => {
            let node = Node::up(&cache, &progress)?;
            progress.say(format!(
                "the node is up: export KUBECONFIG={}",
                node.kubeconfig.display()
            ));
            Ok(())
        }
        Action::Down => node.down(&progress),
        Action::Status => {
            let status = node.status()?;
            print(&table(&status))?;
            if status.healthy() {
                Ok(())
            } else {
                bail!("the node is not up; start or repair it: cargo xtask node up")
            }
        }
        Action::Env {
            context: Some(context),
        } => print(&shell_lines(&existing(&context, &cache, &progress)?)),
        Action::Env { context: None } => {
            if !node.kubeconfig.exists() {
                bail!("the node is not up; start it: cargo xtask node up");
            }
            print(&shell_lines(&node))
        }
        Action::Logs {
            component: Some(component),
        } => {
            let path = node.log(component)?;
            let mut file = fs::File::open(&path).with_context(|| format!("open {}", path.display()))?;
            io::copy(&mut file, &mut io::stdout().lock())
                .context("print the log")
                .map(drop)
        }
        Action::Logs { component: None } => {
            let paths: Result<Vec<_>> = Component::ALL
                .into_iter()
                .map(|component| node.log(component))
                .collect();
            let lines: String = paths?
                .iter()
                .map(|path| format!("{}\n", path.display()))
                .collect();
            print(&format!("{lines}{}\n", node.audit_log()?.display()))
        }
        Action::Restart { component } => {
            progress.run(format!("restart {component}"), |_| node.restart(component))
        }
    }
}

fn component(name: &str) -> Result<Component, String> {
    Component::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Component::ALL.into_iter().map(Component::name).collect();
        format!("there are {}", names.join(", "))
    })
}

fn table(status: &Status) -> String {
    let mut text = String::new();
    for component in &status.components {
        let state = match (component.pid, component.resident_kib) {
            (Some(pid), Some(kib)) => format!("runs, process {pid}, {} MiB", kib / 1024),
            (Some(pid), None) => format!("runs, process {pid}"),
            (None, _) => "does not run".to_owned(),
        };
        text.push_str(&format!("{:<24} {state}\n", component.component.name()));
    }
    text.push_str(&format!(
        "{:<24} {}\n",
        "API",
        if status.api_ready { "ready" } else { "not ready" }
    ));
    text
}

fn shell_lines(node: &Node) -> String {
    let lines = node
        .environment()
        .into_iter()
        .map(|(name, value)| match name.as_str() {
            // The shell's own PATH, as it is when the line is run.
            "PATH" => format!(
                "export PATH={}:\"$PATH\"\n",
                quoted(&node.programs.display().to_string())
            ),
            _ => format!("export {name}={}\n", quoted(&value)),
        });
    lines.collect()
}

/// A word that the shell takes as it is.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_path_does_not_end_the_word() {
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }

    #[test]
    fn an_unknown_component_is_answered_with_the_known_ones() {
        assert!(component("kubelets").unwrap_err().contains("kubelet, kube-proxy"));
        assert_eq!(component("etcd"), Ok(Component::Etcd));
    }
}
