//! `kubectl pgbackup base` on a release of the node: a whole server copied, tried, put back into its volume, taken back;
//! and the rights that `rbac` prints, used by an account that has no others.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, World};
use serde_json::{Value, json};
use test_apps::{HelmLine, Ledger};

const CLAIM: &str = "data-books-postgres-0";

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("no text: {value}"))?
        .to_owned())
}

fn ledger(world: &World) -> Result<Ledger> {
    let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=2000"])?;
    Ok(app)
}

fn server(world: &World, replicas: u32) -> Result<()> {
    let replicas_flag = format!("--replicas={replicas}");
    world
        .place
        .kubectl(&["scale", "statefulset/books-postgres", &replicas_flag])?;
    if replicas == 0 {
        world.place.kubectl(&[
            "wait",
            "pod",
            "--for=delete",
            "--selector",
            "app.kubernetes.io/instance=books,app.kubernetes.io/component=database",
            "--timeout=60s",
        ])?;
        return Ok(());
    }
    world
        .place
        .kubectl(&["rollout", "status", "statefulset/books-postgres", "--timeout=90s"])?;
    Ok(())
}

fn entries(app: &Ledger) -> Result<String> {
    app.database()
        .query("select count(*), md5(string_agg(e::text, ',' order by e::text)) from entries e")
}

#[test]
fn a_server_is_copied_tried_put_back_and_taken_back() -> Result<()> {
    let world = World::new("pgbackup-base")?;
    let app = ledger(&world)?;
    app.stop_writers()?;
    let before = entries(&app)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?.display().to_string();
    let claim = format!("{}/{CLAIM}", world.place.namespace);

    let made = kubectl.run(
        "pgbackup",
        &["base", "create", "books", "--to", &store, "-o", "json"],
    )?;
    let made = made.expect(0)?.json()?;
    ensure!(
        made["format"] == "base (tar)" && made["backup"]["grade"] == "B",
        "{made}"
    );
    let whole = json!({"exitStatus": 0, "bytesMatch": true, "hashMatch": true, "readToEnd": true});
    ensure!(made["proof"] == whole, "{made}");
    let id = text(&made["backup"]["id"])?;
    let left = "select count(*) from pg_replication_slots";
    ensure!(
        app.database().query(left)?.trim() == "0",
        "the slot went with its session"
    );

    let tried = kubectl.run(
        "pgbackup",
        &["base", "verify", &id, "--from", &store, "-o", "json"],
    )?;
    let tried = tried.expect(0)?.json()?;
    ensure!(tried["differences"] == json!([]), "{tried}");
    let compared = tried["compared"].to_string();
    ensure!(
        compared.contains("pg_verifybackup") && compared.contains("recovery"),
        "{tried}"
    );

    app.database().query("delete from entries where id % 2 = 0")?;
    let damaged = entries(&app)?;
    let restore = [
        "base", "restore", &id, "--pvc", &claim, "--from", &store, "--yes", "-o", "json",
    ];
    kubectl
        .run("pgbackup", &restore)?
        .expect_one_clear_line(2, &["in use by books-postgres-0"])?;
    ensure!(
        entries(&app)? == damaged,
        "nothing was changed under a running server"
    );

    server(&world, 0)?;
    let restored = kubectl.run("pgbackup", &restore)?.expect(0)?.json()?;
    ensure!(restored["dataDirectory"] == "pgdata", "{restored}");
    ensure!(
        text(&restored["movedAside"])?.starts_with("pgdata.pre-"),
        "{restored}"
    );
    ensure!(
        restored["keptConfiguration"].to_string().contains("pg_hba.conf"),
        "{restored}"
    );
    server(&world, 1)?;
    ensure!(entries(&app)? == before, "the copy is in use");

    server(&world, 0)?;
    let mut undo = restore.to_vec();
    undo.push("--undo");
    kubectl.run("pgbackup", &undo)?.expect(0)?;
    server(&world, 1)?;
    ensure!(entries(&app)? == damaged, "the one before is in use again");
    let pods = [
        "get",
        "pods",
        "--selector",
        "app.kubernetes.io/managed-by=kubectl-pgbackup",
        "--output",
        "name",
    ];
    let pods = world.place.kubectl(&pods)?;
    ensure!(pods.trim().is_empty(), "a helper pod is left: {pods}");
    Ok(())
}

fn apply(world: &World, manifest: &str) -> Result<()> {
    let mut command = world.place.kubectl_command();
    let mut child = command.args(["apply", "-f", "-"]).stdin(Stdio::piped()).spawn()?;
    child
        .stdin
        .take()
        .context("a pipe")?
        .write_all(manifest.as_bytes())?;
    ensure!(child.wait()?.success(), "{manifest}");
    Ok(())
}

#[test]
fn the_printed_rights_are_enough_and_each_of_them_is_needed() -> Result<()> {
    let world = World::new("pgbackup-rights")?;
    ledger(&world)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let printed = kubectl
        .run("pgbackup", &["rbac", "--for", "create"])?
        .expect(0)?
        .stdout;
    apply(&world, &printed)?;
    let store = world.subfolder("store")?.display().to_string();
    let account = format!("system:serviceaccount:{}:pgbackup", world.place.namespace);
    let create = ["create", "books", "--to", &store, "--as", &account, "-o", "json"];
    kubectl.run("pgbackup", &create)?.expect(0)?;

    let less = printed.replacen("pods/exec", "pods/exec-not", 1);
    ensure!(less != printed);
    apply(&world, &less)?;
    kubectl
        .run("pgbackup", &create)?
        .expect_one_clear_line(2, &["create pods/exec", "get pods/exec"])?;
    let nobody = ["create", "books", "--to", &store, "--as", "nobody", "-o", "json"];
    kubectl
        .run("pgbackup", &nobody)?
        .expect_one_clear_line(2, &["list secrets"])?;
    Ok(())
}

#[test]
fn a_copy_that_was_damaged_in_its_store_is_found_and_never_put_back() -> Result<()> {
    let world = World::new("pgbackup-base-bad")?;
    let app = ledger(&world)?;
    app.stop_writers()?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?;
    let place = store.display().to_string();
    let made = kubectl.run(
        "pgbackup",
        &["base", "create", "books", "--to", &place, "-o", "json"],
    )?;
    let id = text(&made.expect(0)?.json()?["backup"]["id"])?;
    let found = Ended::of(Command::new("find").arg(&store).args(["-name", "base.tar*"]))?;
    let file = found.stdout.trim().to_owned();
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes)?;
    kubectl
        .run(
            "pgbackup",
            &["base", "verify", &id, "--from", &place, "-o", "json"],
        )?
        .expect(2)?;
    server(&world, 0)?;
    let claim = format!("{}/{CLAIM}", world.place.namespace);
    let restore = ["base", "restore", &id, "--pvc", &claim, "--from", &place, "--yes"];
    kubectl
        .run("pgbackup", &restore)?
        .expect_one_clear_line(10, &["damaged"])?;
    server(&world, 1)?;
    Ok(())
}
