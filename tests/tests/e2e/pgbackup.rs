//! `kubectl pgbackup` on a release of the node: made, listed, fetched, tried, restored, taken back, interrupted.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, PsqlSession, World, files_below, until_answer, until_no_session_of_ours};
use serde_json::Value;
use test_apps::{HelmLine, Ledger};

fn ledger(world: &World, line: HelmLine, values: &[&str]) -> Result<Ledger> {
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", values)?;
    Ok(app)
}

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("no text: {value}"))?
        .to_owned())
}

/// A database's entries, as its own server counts and sums them.
fn entries(app: &Ledger, database: &str) -> Result<String> {
    app.database().query_in(
        database,
        "select count(*), md5(string_agg(e::text, ',' order by e::text)) from entries e",
    )
}

#[test]
fn a_backup_is_made_listed_fetched_tried_restored_and_taken_back() -> Result<()> {
    let world = World::new("pgbackup")?;
    let app = ledger(&world, HelmLine::Four, &["seedRows=5000"])?;
    app.stop_writers()?;
    let before = entries(&app, "ledger")?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?.display().to_string();

    let made = kubectl
        .run("pgbackup", &["create", "books", "--to", &store, "-o", "json"])?
        .expect(0)?;
    let report = made.json()?;
    ensure!(
        report["kind"] == "BackupReport" && report["backup"]["grade"] == "B",
        "{report}"
    );
    ensure!(
        report["proof"]
            == serde_json::json!({"exitStatus": 0, "bytesMatch": true, "hashMatch": true, "readToEnd": true}),
        "{report}"
    );
    ensure!(
        made.stderr.contains("dumping ledger"),
        "progress on standard error: {made}"
    );
    let id = text(&report["backup"]["id"])?;

    let listed = kubectl.run("pgbackup", &["list", "books", "--from", &store, "-o", "json"]);
    let listed = listed?.expect(0)?.json()?;
    ensure!(listed["items"][0]["id"] == id.as_str(), "{listed}");
    let other = kubectl.run("pgbackup", &["list", "other", "--from", &store, "-o", "json"]);
    ensure!(other?.json()?["items"] == serde_json::json!([]));

    let copies = world.subfolder("copies")?.display().to_string();
    let mut get = kubectl.bare()?;
    get.args(["pgbackup", "get", &id, &copies, "--from", &store]);
    Ended::of(&mut get)?.expect(0)?;
    restorable_by_plain_pg_restore(&world, &app, &Path::new(&copies).join(&id), &before)?;

    is_proven(&world, &kubectl, &id, &store)?;
    let pods = world.place.kubectl(&[
        "get",
        "pods",
        "--selector",
        "app.kubernetes.io/managed-by=kubectl-pgbackup",
        "--output",
        "name",
    ])?;
    ensure!(pods.trim().is_empty(), "a throw-away server is left: {pods}");

    app.database().query("delete from entries where id % 2 = 0")?;
    let damaged = entries(&app, "ledger")?;
    ensure!(damaged != before);
    let unasked = kubectl.command("pgbackup", &["restore", &id, "--from", &store])?;
    let mut unasked = unasked;
    Ended::of(unasked.stdin(Stdio::null()))?.expect_one_clear_line(1, &["--yes"])?;
    ensure!(
        entries(&app, "ledger")? == damaged,
        "nothing was changed without consent"
    );

    let restored = kubectl.run(
        "pgbackup",
        &["restore", &id, "--from", &store, "--yes", "-o", "json"],
    )?;
    let restored = restored.expect(0)?;
    let report = restored.json()?;
    ensure!(entries(&app, "ledger")? == before, "{restored}");
    let kept = text(&report["keptAs"])?;
    ensure!(
        restored.stderr.contains(&kept),
        "the name was told before: {restored}"
    );
    ensure!(entries(&app, &kept)? == damaged, "the one before is kept whole");

    let restore = text(&report["id"])?;
    let undone = kubectl.run(
        "pgbackup",
        &["restore", "--undo", &restore, "books", "--yes", "-o", "json"],
    );
    let undone = undone?.expect(0)?;
    ensure!(entries(&app, "ledger")? == damaged, "{undone}");
    ensure!(entries(&app, &text(&undone.json()?["keptAs"])?)? == before);
    Ok(())
}

/// A restore test finds the backup equal and what it is asked for true, and leaves what it measured to the next upgrade.
fn is_proven(world: &World, kubectl: &KubectlPlugins, id: &str, store: &str) -> Result<()> {
    let statements = world.folder.path().join("checks.sql");
    std::fs::write(
        &statements,
        "-- all entries are there\nselect count(*) >= 5000, count(*) as entries from entries;",
    )?;
    let statements = statements.display().to_string();
    let verify = ["verify", id, "--from", store, "--sql", &statements, "-o", "json"];
    let tried = kubectl.run("pgbackup", &verify)?.expect(0)?.json()?;
    ensure!(tried["differences"] == serde_json::json!([]), "{tried}");
    ensure!(tried["assertions"][0]["verdict"] == "holds", "{tried}");
    let measured = world.place.kubectl(&[
        "get",
        "configmap",
        "safe-upgrade.books.facts",
        "--output",
        "jsonpath={.data.restored-bytes}",
    ])?;
    ensure!(
        measured.trim().parse::<i64>().ok() == tried["restoredBytes"].as_i64(),
        "{measured} {tried}"
    );

    std::fs::write(&statements, "select count(*) = 0 from entries")?;
    let newest = [
        "verify",
        "newest",
        "books",
        "--from",
        store,
        "--sql",
        &statements,
        "-o",
        "json",
    ];
    let tried = kubectl.run("pgbackup", &newest)?.expect(2)?.json()?;
    ensure!(
        tried["id"] == id && tried["assertions"][0]["verdict"] == "fails",
        "{tried}"
    );
    // The last word on a backup counts; a test that finds nothing wrong gives the grade back.
    let again = ["verify", "newest", "books", "--from", store, "-o", "json"];
    kubectl.run("pgbackup", &again)?.expect(0)?;
    let listed = kubectl.run("pgbackup", &["list", "books", "--from", store, "-o", "json"])?;
    let listed = listed.expect(0)?.json()?;
    ensure!(listed["items"][0]["grade"] == "A", "{listed}");
    Ok(())
}

/// Nothing of ours is needed to come back to the data.
fn restorable_by_plain_pg_restore(world: &World, app: &Ledger, backup: &Path, before: &str) -> Result<()> {
    let script = "createdb -U ledger plain && zstd -dc | pg_restore -U ledger -d plain --exit-on-error";
    let mut command = world.place.kubectl_command();
    command.args(["exec", "-i", "books-postgres-0", "--", "sh", "-c", script]);
    command.stdin(File::open(backup.join("dump.pgc.zst"))?);
    Ended::of(&mut command)?.expect(0)?;
    ensure!(entries(app, "plain")? == before);
    Ok(())
}

#[test]
fn an_interrupted_backup_leaves_no_file_and_no_session() -> Result<()> {
    let world = World::new("pgbackup-stop")?;
    let app = ledger(&world, HelmLine::Three, &[])?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?;
    let holder = PsqlSession::holding_entries(&world, &app.database(), "forgotten")?;
    let place = store.display().to_string();
    let mut create = kubectl.command(
        "pgbackup",
        &["create", "books", "--lock-wait", "5m", "--to", &place],
    )?;
    let child = create.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // pg_dump waits for the lock now: the act is well on its way.
    until_answer(
        &app.database(),
        "select count(*) > 0 from pg_stat_activity where application_name like 'safe-upgrade/%/dump' \
         and wait_event_type = 'Lock'",
        "t",
    )?;
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()?;
    ensure!(status.success());
    let ended = Ended::from_output(&child.wait_with_output()?);
    ended.expect_one_clear_line(10, &["interrupted"])?;
    let files = files_below(&store)?;
    ensure!(files.is_empty(), "{files:?}");
    until_no_session_of_ours(&app.database(), "false")?;
    drop(holder);
    Ok(())
}
