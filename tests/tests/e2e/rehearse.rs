//! `helm safe-upgrade rehearse`: the target's migration on a restored copy, and the database in use sees nothing of it.

use anyhow::{Context, Result, ensure};
use e2e::{ClosedNetwork, Ended, KubectlPlugins, SafeUpgrade, World};
use serde_json::Value;
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const KEEP: &str = "--reset-then-reuse-values";
const OURS: &str = "app.kubernetes.io/managed-by=kubectl-pgbackup";
const REHEARSING: &str = "app.kubernetes.io/component=rehearse";

/// What the database in use holds, and the version of its schema.
fn in_use(app: &Ledger) -> Result<(String, i64)> {
    let database = app.database();
    let hash = "select count(*), md5(string_agg(e::text, ',' order by e::text)) from entries e";
    Ok((database.query(hash)?, database.schema_version()?))
}

fn nothing_is_left(world: &World) -> Result<()> {
    for kind in ["jobs", "pods", "networkpolicies", "secrets", "configmaps"] {
        let of_ours = ["--selector", OURS];
        let gone = ["wait", kind, "--for=delete", "--timeout=60s"];
        world.place.kubectl(&[&gone[..], &of_ours].concat())?;
        let left = ["get", kind, "--output", "name"];
        let left = world.place.kubectl(&[&left[..], &of_ours].concat())?;
        ensure!(left.trim().is_empty(), "left behind: {left}");
    }
    Ok(())
}

fn fact(world: &World, key: &str) -> Result<String> {
    let output = format!("go-template={{{{index .data \"{key}\"}}}}");
    let map = [
        "get",
        "configmap",
        "safe-upgrade.books.facts",
        "--output",
        &output,
    ];
    Ok(world.place.kubectl(&map)?.trim().to_owned())
}

fn holds(list: &Value, part: &str) -> bool {
    list.to_string().contains(part)
}

#[test]
fn a_migration_is_rehearsed_measured_and_never_seen_by_the_database_in_use() -> Result<()> {
    let world = World::new("rehearse")?;
    let line = HelmLine::Four;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.1.0", &["seedRows=2000"])?;
    let safe = SafeUpgrade::new(&world, line)?;
    let chart = app.chart("2.0.0")?;
    let store = safe.backups().display().to_string();
    let rehearse = |more: &[&str]| {
        let mut command = safe.command();
        command.args(["rehearse", "books"]).arg(&chart);
        command.args([KEEP, "--profile", PROFILE, "--backup-to", &store, "-o", "json"]);
        Ended::of(command.args(more))
    };
    let before = in_use(&app)?;

    // Without a backup there is nothing to rehearse on.
    rehearse(&[])?.expect_one_clear_line(2, &["no backup of database ledger", "--fresh"])?;

    // This node ignores policies: that is found out before anything is restored, and nothing starts.
    rehearse(&["--fresh"])?
        .expect_one_clear_line(2, &["API server answers", "does not enforce NetworkPolicy"])?;
    nothing_is_left(&world)?;

    // Cut off, it goes through, though a probe would end a start that takes so long.
    let closed = ClosedNetwork::of(&world, REHEARSING)?;
    let slow = [
        "--set",
        "behaviour.slowMigration=5:5",
        "--set",
        "behaviour.killSlowStart=true",
    ];
    let report = rehearse(&slow)?.expect(0)?.json()?;
    let done = &report["rehearsal"];
    ensure!(
        report["kind"] == "RehearsalReport" && done["outcome"] == "migrated",
        "{report}"
    );
    ensure!(done["migrator"] == "deployment/books-web", "{report}");
    ensure!(done["image"] == "localhost/ledger:2.0.0", "{report}");
    ensure!(
        done["schemaBefore"] == "4" && done["schemaAfter"] == "6" && done["schemaExpected"] == "6",
        "{report}"
    );
    ensure!(holds(&done["statements"], "pg_sleep"), "{report}");
    ensure!(done["findings"] == serde_json::json!([]), "{report}");
    ensure!(holds(&done["isolation"], "nor does the API server"), "{report}");
    ensure!(
        done["bytesAfter"].as_u64().is_some() && done["walBytes"].as_u64().is_some(),
        "{report}"
    );
    ensure!(
        report["verification"]["differences"] == serde_json::json!([]),
        "{report}"
    );
    let seconds = report["remembered"]["seconds"].as_u64().context("seconds")?;
    nothing_is_left(&world)?;
    ensure!(in_use(&app)? == before);

    // The plan of that very upgrade and the checks go by it.
    ensure!(holds(&Value::from(fact(&world, "rehearsal")?), "2.0.0"));
    let planned = safe.upgrade("books", &chart, &[KEEP, "--profile", PROFILE, "--dry-run"])?;
    let plan = planned.expect(0)?.json()?;
    let quoted = format!("it took {seconds} s on a copy of");
    ensure!(holds(&plan["notices"], &quoted), "{quoted:?} not in {plan}");
    let kubectl = KubectlPlugins::new(&world)?;
    let chart_word = chart.display().to_string();
    let helm = kubectl.helm(line);
    let check = [
        "books",
        &chart_word,
        KEEP,
        "--profile",
        PROFILE,
        "--helm-bin",
        &helm,
        "--only",
        "startup-budget",
        "-o",
        "json",
    ];
    let checked = kubectl
        .run("upgrade-check", &[&check[..], &slow].concat())?
        .json()?;
    let row = &checked["checks"][0];
    ensure!(
        row["verdict"] == "fail" && row["confidence"] == "observed",
        "{checked}"
    );
    ensure!(holds(row, "rehearsed on"), "{checked}");

    // A migration that fails is a finding with its own words, and nothing against the backup.
    let failing = ["--set", "behaviour.failingMigration=6"];
    let report = rehearse(&failing)?.expect(2)?.json()?;
    let failed = &report["rehearsal"];
    ensure!(failed["outcome"] == "failed", "{report}");
    ensure!(holds(&failed["findings"], "exit code 4"), "{report}");
    ensure!(holds(&failed["log"], "goose run: ERROR"), "{report}");
    ensure!(report["remembered"].is_null(), "{report}");
    let listed = kubectl.run("pgbackup", &["list", "books", "--from", &store, "-o", "json"])?;
    ensure!(listed.expect(0)?.json()?["items"][0]["grade"] == "A");
    nothing_is_left(&world)?;

    // By a hook, with a Secret that the target would change: a copy of it is read.
    let by_hook = ["--set", "migrate.mode=hook", "--set", "postgres.password=another"];
    let report = rehearse(&by_hook)?.expect(0)?.json()?;
    let done = &report["rehearsal"];
    ensure!(
        done["migrator"] == "job/books-migrate" && done["outcome"] == "migrated",
        "{report}"
    );
    ensure!(
        holds(&done["isolation"], "1 Secrets as the target renders them"),
        "{report}"
    );
    nothing_is_left(&world)?;
    drop(closed);
    ensure!(in_use(&app)? == before, "the database in use is as it was");

    // The real one: both times are on record.
    let slow = ["--set", "behaviour.slowMigration=5:5"];
    let flags = [&[KEEP, "--profile", PROFILE][..], &slow].concat();
    let ended = safe.upgrade("books", &chart, &flags)?.expect(0)?;
    ensure!(ended.json()?["outcome"] == "upgraded", "{ended}");
    ensure!(fact(&world, "migration-seconds")?.parse::<u64>().is_ok());
    let kept: Value = serde_json::from_str(&fact(&world, "rehearsal")?)?;
    ensure!(
        kept["to"] == "2.0.0" && kept["seconds"].as_u64().is_some(),
        "{kept}"
    );
    Ok(())
}
