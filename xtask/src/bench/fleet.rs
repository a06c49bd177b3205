//! Lists of all releases: helm's own, ours, and ours with a verdict on each.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use tempfile::TempDir;
use test_node::Node;
use test_node::cache::Cache;
use test_node::command;
use test_node::progress::Progress;

use super::contest::in_turn;
use super::measure::measure;
use super::programs::build_for_release;
use super::ratio::ratios;
use super::releases::Releases;

/// How much, and how often.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Size {
    /// How many releases there are
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=9999))]
    releases: u32,
    /// How many bytes each one's record takes, at least
    #[arg(long, value_name = "BYTES", default_value_t = 49_000)]
    record: usize,
    /// How often each contestant runs
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
}

#[derive(Debug, Clone, Copy)]
enum Contestant {
    /// What people type.
    Peer,
    Quick,
    Full,
}

use Contestant::{Full, Peer, Quick};

pub(crate) fn run(size: Size) -> Result<Vec<String>> {
    let (cache, progress) = (Cache::from_environment()?, Progress::stderr());
    let programs = build_for_release(&progress)?;
    let node = Node::up(&cache, &progress)?;
    test_apps::ensure_images(&node)?;
    let home = TempDir::new().context("make a folder")?;
    let _releases = Releases::make(&node, size.releases, size.record, &progress)?;
    let contestant = |contestant: Contestant| -> Command {
        match contestant {
            Peer => {
                let mut helm = node.command(&node.helm4);
                helm.args(["list", "--all-namespaces", "--max", "0"]);
                helm
            }
            Quick | Full => {
                let mut ours = node.command(programs.join("kubectl-upgrade_check"));
                // What is found is no failure of the program.
                ours.args(["fleet", "--all-namespaces", "--fail-on", "never"]);
                if matches!(contestant, Full) {
                    ours.arg("--full");
                }
                ours.env("XDG_DATA_HOME", home.path());
                ours
            }
        }
    };
    complete(contestant(Quick), size.releases)?;
    let [peer, quick, full] = in_turn([Peer, Quick, Full], size.rounds, |one, _| {
        measure(contestant(one).stdout(Stdio::null()))
    })?;
    let faster = ratios(&peer.seconds(), &quick.seconds()).context("no round was run")?;
    let smaller = ratios(&peer.mib(), &quick.mib()).context("no round was run")?;
    let judging = ratios(&full.seconds(), &peer.seconds()).context("no round was run")?;
    Ok(vec![
        format!(
            "{} releases of {} bytes, {} rounds; minimum / median / maximum",
            size.releases, size.record, size.rounds
        ),
        format!("helm list's time ÷ that of fleet:         {faster}"),
        format!("helm list's memory ÷ that of fleet:       {smaller}"),
        format!("time of fleet --full ÷ helm list's:       {judging}"),
        format!(
            "seconds: helm list {}, fleet {}, fleet --full {}",
            peer.spread()?,
            quick.spread()?,
            full.spread()?
        ),
        format!(
            "highest memory in MiB: helm list {:.1}, fleet {:.1}, fleet --full {:.1}",
            peer.peak_mib(),
            quick.peak_mib(),
            full.peak_mib()
        ),
    ])
}

/// A list that leaves releases out, or cannot read them, is no contestant.
fn complete(mut fleet: Command, releases: u32) -> Result<()> {
    let report = command::run(fleet.args(["--output", "json"]))?;
    let report: serde_json::Value = serde_json::from_str(&report).context("read the report")?;
    let items = report["items"].as_array().context("a report has items")?;
    let read = items.iter().filter(|item| item["chart"].is_string()).count();
    ensure!(
        read >= releases as usize,
        "{read} of {releases} releases were read: {}",
        report["summary"]
    );
    Ok(())
}
