//! `kubectl upgrade-check path` on a release of the node: the first upgrade is judged by the live database.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, World};
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");

/// A path of the test application: a stop at 1.1.0, and a hazard that asks the database.
fn path_file(world: &World, name: &str, question: &str) -> Result<PathBuf> {
    let file = world.folder.path().join(name);
    std::fs::write(
        &file,
        format!(
            "apiVersion: safe-upgrade.dev/v1alpha1
kind: Path
name: ledger
path:
  reviewedTo: 3.0.0
  stops:
    - {{ visit: 1.1.0, why: the totals move, source: test }}
  hazards:
    - id: entries
      severity: block
      what: entries are rewritten
      do: archive them
      source: test
      sql: {question}
  mustNotOverlap:
    - {{ id: totals, to: '>=1.1.0', why: totals go wrong, source: test }}
"
        ),
    )?;
    Ok(file)
}

#[test]
fn a_way_is_judged_by_what_the_live_database_answers() -> Result<()> {
    let world = World::new("path")?;
    let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &[])?;
    app.wait_until_it_answers()?;
    app.write(3)?;
    let entries = app.database().query("select count(*) from entries")?;
    let entries = entries.trim();
    let kubectl = KubectlPlugins::new(&world)?;
    let helm = kubectl.helm(HelmLine::Four);
    let way = |file: &PathBuf, target: &[&str], form: &str| {
        let file = file.display().to_string();
        let mut words = vec!["path", "books"];
        words.extend(target);
        words.extend(["--profile", PROFILE, "--path-file", &file, "-o", form]);
        kubectl.run("upgrade-check", &words)
    };

    // It applies: blocked, with the answer as evidence; the later upgrade is left for later.
    let applies = path_file(
        &world,
        "applies.yaml",
        "select count(*) > 0, count(*) as entries from entries",
    )?;
    let blocked = way(&applies, &["3.0.0"], "json")?.expect(2)?;
    let report = blocked.json()?;
    ensure!(
        report["kind"] == "PathReport" && report["verdict"] == "blocked",
        "{report}"
    );
    let hops = report["hops"].as_array().context("a way has hops")?;
    ensure!(
        hops.len() == 2 && hops[0]["to"] == "1.1.0" && hops[1]["to"] == "3.0.0",
        "{report}"
    );
    ensure!(
        hops[0]["meets"][0]["evidence"] == format!("true, entries = {entries}"),
        "{report}"
    );
    ensure!(hops[1]["meets"][0]["state"] == "later", "{report}");
    // The old pods would overlap under a plain upgrade, and a run stops them.
    ensure!(
        hops[0]["meets"][1]["id"] == "totals" && hops[0]["meets"][1]["severity"] == "warn",
        "{report}"
    );
    let ticket = way(&applies, &["3.0.0"], "markdown")?.expect(2)?;
    ensure!(ticket.stdout.contains("## 2. 1.1.0 to 3.0.0"), "{ticket}");

    // It does not apply: the next upgrade may be judged. A chart says by itself where the way goes.
    let harmless = path_file(&world, "harmless.yaml", "select count(*) > 1000000 from entries")?;
    way(&harmless, &["3.0.0"], "table")?.expect(0)?;
    let chart = app.chart("1.1.0")?.display().to_string();
    let direct = way(&harmless, &[&chart, "--helm-bin", &helm], "json")?
        .expect(0)?
        .json()?;
    ensure!(direct["state"] == "direct" && direct["to"] == "1.1.0", "{direct}");

    // It cannot be asked: unknown, with the reason, and never green.
    let wrong = path_file(&world, "wrong.yaml", "select count(*) > 0 from no_such_table")?;
    let unknown = way(&wrong, &["3.0.0"], "json")?.expect(3)?.json()?;
    let why = unknown["hops"][0]["meets"][0]["evidence"]
        .as_str()
        .unwrap_or_default();
    ensure!(why.contains("no_such_table"), "{unknown}");

    // A statement that writes is not run.
    let writes = path_file(
        &world,
        "writes.yaml",
        "with gone as (delete from entries returning true) select * from gone",
    )?;
    way(&writes, &["3.0.0"], "json")?.expect(3)?;
    let left = app.database().query("select count(*) from entries")?;
    ensure!(left.trim() == entries, "{left} of {entries} are left");

    // What was seen is judged once more without the cluster.
    let kept = world.folder.path().join("seen.json").display().to_string();
    let live = way(&applies, &["3.0.0", "--save-observation", &kept], "yaml")?.expect(2)?;
    let mut offline = std::process::Command::new(e2e::program("kubectl-upgrade_check")?);
    offline
        .args(["path", "--observation", &kept, "3.0.0", "-o", "yaml"])
        .env("KUBECONFIG", "/nonexistent");
    let again = Ended::of(&mut offline)?.expect(2)?;
    ensure!(again.stdout == live.stdout, "{live} became {again}");

    // The check of a jump over the stop blocks and names the version to visit.
    let far = app.chart("3.0.0")?.display().to_string();
    let file = harmless.display().to_string();
    let jump = [
        "books",
        &far,
        "--profile",
        PROFILE,
        "--path-file",
        &file,
        "--helm-bin",
        &helm,
        "-o",
        "json",
    ];
    let report = kubectl.run("upgrade-check", &jump)?.expect(2)?.json()?;
    let rows = report["checks"].as_array().context("a report has checks")?;
    let stops = rows
        .iter()
        .find(|row| row["id"] == "path-stops")
        .context("a row path-stops")?;
    ensure!(
        stops["verdict"] == "fail" && stops["message"].to_string().contains("1.1.0, then 3.0.0"),
        "{stops}"
    );

    // Another file under the same digest is refused before anything is asked.
    let pinned = format!("{file}@sha256:{}", "0".repeat(64));
    let words = [
        "path",
        "books",
        "3.0.0",
        "--profile",
        PROFILE,
        "--path-file",
        &pinned,
    ];
    let refused = kubectl.run("upgrade-check", &words)?.expect(1)?;
    ensure!(refused.stderr.contains("has changed"), "{refused}");
    Ok(())
}
