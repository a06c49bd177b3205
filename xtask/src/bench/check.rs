//! One check: ours, and a script that gathers the same evidence by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use tempfile::TempDir;
use test_apps::{HelmLine, Ledger, Place};
use test_node::Node;
use test_node::cache::Cache;
use test_node::command;
use test_node::progress::Progress;

use super::contest::in_turn;
use super::measure::measure;
use super::programs::build_for_release;
use super::ratio::ratios;
use crate::cargo::checkout;

const RELEASE: &str = "books";
const RUNNING: &str = "1.0.0";
const TARGET: &str = "1.1.0";
const KEEP: &str = "--reset-then-reuse-values";

/// How much, and how often.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Size {
    /// How many objects the release has
    #[arg(long, value_name = "N", default_value_t = 30)]
    objects: usize,
    /// How often each contestant runs
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
}

#[derive(Debug, Clone, Copy)]
enum Contestant {
    /// What people type, in a file.
    Script,
    Ours,
}

use Contestant::{Ours, Script};

pub(crate) fn run(size: Size) -> Result<Vec<String>> {
    let (cache, progress) = (Cache::from_environment()?, Progress::stderr());
    let (programs, checkout) = (build_for_release(&progress)?, checkout()?);
    let node = Node::up(&cache, &progress)?;
    test_apps::ensure_images(&node)?;
    let folder = TempDir::new().context("make a folder")?;
    let namespace = node.namespace("bench-check")?;
    let place = Place::new(&node, namespace.name());
    let app = Ledger::new(&place, HelmLine::Four, RELEASE, folder.path());
    let lacking = size
        .objects
        .saturating_sub(objects(&place, &app.chart(RUNNING)?)?);
    for version in [RUNNING, TARGET] {
        add_objects(&app.chart(version)?, lacking)?;
    }
    let chart = app.chart(TARGET)?;
    let counted = objects(&place, &chart)?;
    progress.run("install a release", |_| app.install(RUNNING, &[]))?;
    let contestant = |contestant: Contestant| -> Command {
        match contestant {
            Script => {
                let mut script = node.command("sh");
                script.arg(checkout.join("benches").join("check-by-hand.sh"));
                script.args([RELEASE, &chart.display().to_string(), &place.namespace]);
                script.args([
                    &app.database().pod,
                    &app.database().user,
                    &app.database().database,
                ]);
                script
                    .env("HELM", &node.helm4)
                    .env("KUBECTL", &node.kubectl)
                    .env("OUT", folder.path().join("by-hand"));
                script
            }
            Ours => {
                let mut ours = node.command(programs.join("kubectl-upgrade_check"));
                ours.args([RELEASE, &chart.display().to_string(), KEEP, "--profile"]);
                ours.arg(checkout.join("tests/apps/profiles/ledger.yaml"));
                ours.args(["--namespace", &place.namespace, "--helm-bin"]);
                ours.arg(&node.helm4).env("XDG_DATA_HOME", folder.path());
                ours
            }
        }
    };
    let [script, ours] = in_turn([Script, Ours], size.rounds, |one, _| {
        measure(contestant(one).stdout(Stdio::null()))
    })?;
    gathered(&folder.path().join("by-hand"))?;
    let faster = ratios(&script.seconds(), &ours.seconds()).context("no round was run")?;
    Ok(vec![
        format!(
            "check of a release of {counted} objects with a local chart, {} rounds; minimum / median / maximum",
            size.rounds
        ),
        format!("the script's time ÷ ours:   {faster}"),
        format!("seconds: script {}, ours {}", script.spread()?, ours.spread()?),
        format!("our highest memory: {:.1} MiB", ours.peak_mib()),
    ])
}

/// Objects that a chart makes, hooks aside.
fn objects(place: &Place, chart: &Path) -> Result<usize> {
    let rendered = command::run(
        place
            .helm_command(HelmLine::Four)
            .args(["template", RELEASE, "--no-hooks"])
            .arg(chart),
    )?;
    Ok(rendered.lines().filter(|line| line.starts_with("kind: ")).count())
}

/// Gives a chart more objects, of the kind that charts have most of.
fn add_objects(chart: &Path, count: usize) -> Result<()> {
    let template = format!(
        "{{{{- range $number := until {count} }}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  \
         name: {{{{ $.Release.Name }}}}-settings-{{{{ $number }}}}\ndata:\n  number: {{{{ $number | quote }}}}\n{{{{- end }}}}\n"
    );
    let file: PathBuf = chart.join("templates").join("settings.yaml");
    fs::write(&file, template).with_context(|| format!("write {}", file.display()))
}

/// A script that failed half-way would be no match: each of its parts must have left something.
fn gathered(folder: &Path) -> Result<()> {
    for part in [
        "history",
        "rendered",
        "diff",
        "workloads",
        "rights",
        "sessions",
        "locks",
        "size",
    ] {
        let file = folder.join(part);
        let bytes = fs::metadata(&file).with_context(|| format!("find {}", file.display()))?;
        ensure!(bytes.len() > 0, "the script gathered nothing as {part}");
    }
    Ok(())
}
