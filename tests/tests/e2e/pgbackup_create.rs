//! `kubectl pgbackup create` by every route to a server of the node: what comes back, and what is left behind when the
//! program is killed or the server has little memory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, World, until_answer, until_no_session_of_ours, wait_for};
use serde_json::Value;
use test_apps::{HelmLine, Postgres};

/// What is lost where a dump is made carelessly, and a name that breaks whoever pastes it.
const CONTENT: &str = r#"
    create table orders (id serial primary key, note text not null);
    insert into orders (note) select md5(random()::text) from generate_series(1, 20000);
    create table measures (at date not null, value int) partition by range (at);
    create table measures_1 partition of measures for values from ('2025-01-01') to ('2026-01-01');
    insert into measures select '2025-01-01'::date + i % 300, i from generate_series(1, 3000) i;
    create materialized view sums as select at, sum(value) from measures group by at;
    create table "odd ""$(touch /tmp/x)' table" as select 1 as x;
    alter table orders enable row level security;
    select lo_from_bytea(0, 'large object');
"#;

const SUM: &str = r#"select (select md5(string_agg(o::text, ',' order by id)) from orders o),
    (select count(*) from measures), (select count(*) from sums), (select count(*) from pg_largeobject),
    (select count(*) from "odd ""$(touch /tmp/x)' table")"#;

/// Where the node's ports answer.
const NODE: &str = "10.236.0.1";

fn server(world: &World, major: u32) -> Result<Postgres> {
    let server = Postgres::install(&world.place, HelmLine::Three, "db", major)?;
    server.query(CONTENT)?;
    Ok(server)
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("no text: {value}"))
}

/// Objects of ours in the namespace, as kubectl names them.
fn left(world: &World) -> Result<String> {
    let selector = "app.kubernetes.io/managed-by=kubectl-pgbackup";
    let ours = world
        .place
        .kubectl(&["get", "jobs,secrets", "--selector", selector, "--output", "name"])?;
    Ok(ours.trim().to_owned())
}

/// Restores with the server's own programs and nothing of ours.
fn restored(world: &World, server: &Postgres, file: &Path, script: &str) -> Result<()> {
    let mut command = world.place.kubectl_command();
    command.args(["exec", "-i", &server.pod, "--", "sh", "-c", script]);
    let status = command.stdin(std::fs::File::open(file)?).status()?;
    ensure!(status.success(), "{script}");
    ensure!(server.query_in("back", SUM)? == server.query(SUM)?);
    server.query_in("postgres", "drop database back")?;
    Ok(())
}

/// Makes a backup and gives its folder with what was said.
fn create(world: &World, arguments: &[&str]) -> Result<(PathBuf, Value, String)> {
    let kubectl = KubectlPlugins::new(world);
    let kubectl = kubectl?;
    let store = world.subfolder("store")?.display().to_string();
    let all = [&["create"], arguments, &["--to", &store, "-o", "json"]].concat();
    let made = kubectl.run("pgbackup", &all)?.expect(0)?;
    let report = made.json()?;
    let uri = text(&report["backup"]["uri"])?;
    let folder = PathBuf::from(uri.strip_prefix("file://").unwrap_or(uri));
    Ok((folder, report, made.stderr))
}

#[test]
fn the_server_s_own_container_and_a_job_dump_the_same() -> Result<()> {
    let world = World::new("pgbackup-routes")?;
    let server = server(&world, 18)?;
    let (folder, report, told) = create(&world, &["statefulset/db-postgres"])?;
    ensure!(
        report["route"] == "exec" && told.contains("route exec:"),
        "{report} {told}"
    );
    ensure!(
        told.contains("read in") && told.contains("Secret db-postgres"),
        "{told}"
    );
    let script = "createdb -U app back && zstd -dc | pg_restore -U app -d back --exit-on-error";
    restored(&world, &server, &folder.join("dump.pgc.zst"), script)?;

    std::fs::remove_dir_all(world.folder.path().join("kubectl-plugins"))?;
    let (folder, report, told) = create(&world, &["service/db-postgres", "--route", "job"])?;
    ensure!(report["route"] == "job", "{report} {told}");
    restored(&world, &server, &folder.join("dump.pgc.zst"), script)?;

    std::fs::remove_dir_all(world.folder.path().join("kubectl-plugins"))?;
    let (folder, report, told) = create(&world, &["pod/db-postgres-0", "--format", "directory"])?;
    ensure!(
        report["route"] == "job" && report["format"] == "directory",
        "{report} {told}"
    );
    ensure!(
        told.contains("not exec: the directory format needs a folder"),
        "{told}"
    );
    let script =
        "set -e; createdb -U app back; cd \"$(mktemp -d)\"; tar -xf -; pg_restore -U app -d back -j 2 dump";
    restored(&world, &server, &folder.join("dump.tar"), script)?;
    ensure!(left(&world)?.is_empty(), "left behind: {}", left(&world)?);
    until_no_session_of_ours(&server, "false")
}

#[test]
fn an_address_serves_with_a_password_from_the_environment_or_from_standard_input() -> Result<()> {
    use std::io::Write as _;
    let world = World::new("pgbackup-direct")?;
    let server = server(&world, 15)?;
    let place = &world.place;
    place.kubectl(&[
        "patch",
        "service/db-postgres",
        "--patch",
        r#"{"spec":{"type":"NodePort"}}"#,
    ])?;
    let port = "jsonpath={.spec.ports[0].nodePort}";
    let port = place.kubectl(&["get", "service/db-postgres", "--output", port])?;
    // The node learns of a new port a moment later.
    let answers = format!("{NODE}:{}", port.trim());
    wait_for("the port answers", || {
        Ok(std::net::TcpStream::connect(&answers).is_ok())
    })?;
    let address = format!("{answers}/app?sslmode=disable");
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?.display().to_string();

    let dsn = format!("postgres://app@{address}");
    let mut create = kubectl.command(
        "pgbackup",
        &["create", "--dsn", &dsn, "--to", &store, "-o", "json"],
    )?;
    let made = Ended::of(create.env("PGPASSWORD", world.password("db-postgres")?))?.expect(0)?;
    let report = made.json()?;
    ensure!(report["route"] == "direct", "{report}");
    let uri = text(&report["backup"]["uri"])?;
    let folder = PathBuf::from(uri.strip_prefix("file://").unwrap_or(uri));
    let script = "createdb -U app back && zstd -dc | pg_restore -U app -d back --exit-on-error";
    restored(&world, &server, &folder.join("dump.pgc.zst"), script)?;

    let mut create = kubectl.command(
        "pgbackup",
        &["create", "--dsn", "-", "--to", &store, "-o", "json"],
    )?;
    let mut child = create
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    writeln!(
        child.stdin.take().context("a pipe")?,
        "postgres://app:{}@{address}",
        world.password("db-postgres")?
    )?;
    let made = Ended::from_output(&child.wait_with_output()?).expect(0)?;
    ensure!(!made.stderr.contains(&world.password("db-postgres")?), "{made}");
    // They are of no namespace, and shown with every one.
    let list = ["list", "--ours", "--from", &store, "-o", "json"];
    let listed = kubectl.run("pgbackup", &list)?.expect(0)?.json()?;
    ensure!(
        listed["items"].as_array().is_some_and(|items| items.len() == 2),
        "{listed}"
    );
    until_no_session_of_ours(&server, "false")
}

#[test]
fn a_forwarded_port_serves_this_machine_s_programs_or_says_which_are_missing() -> Result<()> {
    let world = World::new("pgbackup-forward")?;
    let server = server(&world, 15)?;
    let (folder, report, told) = create(&world, &["pod/db-postgres-0", "--route", "port-forward"])?;
    ensure!(report["route"] == "port-forward", "{report} {told}");
    let script = "createdb -U app back && zstd -dc | pg_restore -U app -d back --exit-on-error";
    restored(&world, &server, &folder.join("dump.pgc.zst"), script)?;
    until_no_session_of_ours(&server, "false")
}

#[test]
fn all_databases_of_a_server_become_backups_and_the_one_that_fails_is_named() -> Result<()> {
    let world = World::new("pgbackup-all")?;
    let server = server(&world, 17)?;
    server.query_in("postgres", r#"create database "a b""$(x)""#)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?.display().to_string();
    let arguments = [
        "create",
        "pod/db-postgres-0",
        "--all",
        "--to",
        &store,
        "-o",
        "json",
    ];
    let report = kubectl.run("pgbackup", &arguments)?.expect(0)?.json()?;
    let names: Vec<&str> = report["items"]
        .as_array()
        .context("items")?
        .iter()
        .filter_map(|item| item["backup"]["database"].as_str())
        .collect();
    ensure!(names == [r#"a b"$(x)"#, "app"], "{report}");
    ensure!(report["skipped"] == serde_json::json!(["postgres"]), "{report}");

    // Somebody holds a table of one of them.
    let mut holder = held(&world, &server)?;
    let arguments = [&arguments[..], &["--lock-wait", "1s"]].concat();
    let ended = kubectl.run("pgbackup", &arguments)?.expect(10)?;
    let report = ended.json()?;
    ensure!(report["items"].as_array().map(Vec::len) == Some(1), "{report}");
    let reason = text(&report["failed"][0]["reason"])?;
    ensure!(
        report["failed"][0]["database"] == "app" && reason.contains("orders is held by"),
        "{report}"
    );
    drop(holder.stdin.take());
    holder.wait()?;
    Ok(())
}

/// Holds the orders against everybody until its input is closed.
fn held(world: &World, server: &Postgres) -> Result<Child> {
    use std::io::Write as _;
    let mut command = world.place.kubectl_command();
    command.args(["exec", "-i", &server.pod, "--", "psql", "-U", "app", "-d", "app"]);
    let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let input = holder.stdin.as_mut().context("a pipe")?;
    writeln!(input, "begin; lock table orders in access exclusive mode;")?;
    input.flush()?;
    until_answer(
        server,
        "select count(*) > 0 from pg_locks where granted and mode = 'AccessExclusiveLock' \
         and relation = 'orders'::regclass",
        "t",
    )?;
    Ok(holder)
}

#[test]
fn a_program_that_is_killed_leaves_no_session_by_either_route() -> Result<()> {
    let world = World::new("pgbackup-killed")?;
    let server = server(&world, 17)?;
    let mut holder = held(&world, &server)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?;
    let place = store.display().to_string();
    for route in ["exec", "job"] {
        let arguments = [
            "create",
            "pod/db-postgres-0",
            "--route",
            route,
            "--lock-wait",
            "5m",
            "--to",
            &place,
        ];
        let mut create = kubectl.command("pgbackup", &arguments)?;
        let mut child = create.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        until_answer(
            &server,
            "select count(*) > 0 from pg_stat_activity where application_name like 'safe-upgrade/%/dump' \
             and wait_event_type = 'Lock'",
            "t",
        )?;
        let killed = Command::new("kill")
            .args(["-KILL", &child.id().to_string()])
            .status()?;
        ensure!(killed.success());
        child.wait()?;
        until_no_session_of_ours(&server, "false")?;
        ensure!(manifests(&store)?.is_empty(), "{:?}", manifests(&store)?);
    }
    let selector = "app.kubernetes.io/managed-by=kubectl-pgbackup";
    world.place.kubectl(&[
        "wait",
        "job",
        "--selector",
        selector,
        "--for=condition=Complete",
        "--timeout=60s",
    ])?;
    drop(holder.stdin.take());
    holder.wait()?;
    Ok(())
}

fn manifests(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(manifests(&path)?);
        } else if path.file_name().is_some_and(|name| name == "manifest.json") {
            found.push(path);
        }
    }
    Ok(found)
}

#[test]
fn a_server_with_little_memory_lives_through_its_dump() -> Result<()> {
    let world = World::new("pgbackup-small")?;
    let server = server(&world, 17)?;
    let place = &world.place;
    place.kubectl(&[
        "set",
        "resources",
        "statefulset/db-postgres",
        "--limits=memory=256Mi",
    ])?;
    place.kubectl(&["rollout", "status", "statefulset/db-postgres", "--timeout=60s"])?;
    server.query("create table bulk as select md5(i::text) || md5((i + 1)::text) as x from generate_series(1, 1000000) i")?;
    let (_, report, told) = create(&world, &["pod/db-postgres-0"])?;
    ensure!(report["proof"]["readToEnd"] == true, "{report} {told}");
    let restarts = place.kubectl(&[
        "get",
        "pod/db-postgres-0",
        "--output",
        "jsonpath={.status.containerStatuses[0].restartCount}",
    ])?;
    ensure!(restarts.trim() == "0", "the server was ended: {restarts}");
    Ok(())
}
