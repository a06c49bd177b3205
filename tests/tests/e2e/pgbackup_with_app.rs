//! `kubectl pgbackup verify --with-app`: the application boots on the restored copy and never sees the database in use.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, World};
use serde_json::{Value, json};
use test_apps::{HelmLine, Ledger, Postgres};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");

const OURS: &str = "app.kubernetes.io/managed-by=kubectl-pgbackup";

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("no text: {value}"))?
        .to_owned())
}

fn apply(world: &World, manifest: &str) -> Result<()> {
    use std::io::Write as _;
    let mut command = world.place.kubectl_command();
    let mut child = command
        .args(["apply", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().context("a pipe")?;
    stdin.write_all(manifest.as_bytes())?;
    drop(stdin);
    ensure!(child.wait()?.success(), "{manifest}");
    Ok(())
}

fn entries(app: &Ledger) -> Result<String> {
    app.database()
        .query("select count(*), md5(string_agg(e::text, ',' order by e::text)) from entries e")
}

/// Only the web pods are left: they write nothing by themselves.
fn stop_writers(world: &World) -> Result<()> {
    let scale = ["scale", "statefulset/books-worker", "--replicas=0"];
    world.place.kubectl(&scale)?;
    let worker = "app.kubernetes.io/instance=books,app.kubernetes.io/component=worker";
    let gone = [
        "wait",
        "pod",
        "--for=delete",
        "--selector",
        worker,
        "--timeout=60s",
    ];
    world.place.kubectl(&gone)?;
    let suspend = r#"{"spec":{"suspend":true}}"#;
    world
        .place
        .kubectl(&["patch", "cronjob/books-tidy", "--patch", suspend])?;
    Ok(())
}

/// No Job, pod or policy of ours is left, or on its way out.
fn nothing_is_left(world: &World, limit: &str) -> Result<()> {
    for kind in ["jobs", "pods", "networkpolicies"] {
        let limit = format!("--timeout={limit}");
        world
            .place
            .kubectl(&["wait", kind, "--for=delete", "--selector", OURS, &limit])?;
        let left = world
            .place
            .kubectl(&["get", kind, "--selector", OURS, "--output", "name"])?;
        ensure!(left.trim().is_empty(), "left behind: {left}");
    }
    Ok(())
}

/// The addresses that have got into the database in use since its log was told to say so. Our look from the isolated pod asks
/// whether the server answers there, and goes no further.
fn callers(world: &World) -> Result<Vec<String>> {
    let log = world.place.kubectl(&["logs", "books-postgres-0"])?;
    let said = |word: &'static str| {
        log.lines().filter_map(move |line| {
            let (before, after) = line.split_once(word)?;
            let process = before.split_once('[')?.1.split_once(']')?.0;
            Some((process.to_owned(), after.split_whitespace().next()?.to_owned()))
        })
    };
    let inside: Vec<String> = said("connection authorized: ")
        .map(|(process, _)| process)
        .collect();
    let mut callers: Vec<String> = said("connection received: host=")
        .filter(|(process, _)| inside.contains(process))
        .map(|(_, host)| host)
        .collect();
    ensure!(!callers.is_empty(), "the pods in use call: {log}");
    callers.sort();
    callers.dedup();
    Ok(callers)
}

fn web_addresses(world: &World) -> Result<Vec<String>> {
    let web = "app.kubernetes.io/instance=books,app.kubernetes.io/component=web";
    let listed = world.place.kubectl(&[
        "get",
        "pods",
        "--selector",
        web,
        "--output",
        "jsonpath={.items[*].status.podIP}",
    ])?;
    Ok(listed.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn the_application_boots_on_the_copy_and_the_database_in_use_sees_nothing_of_it() -> Result<()> {
    let world = World::new("pgbackup-with-app")?;
    let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
    app.install("1.1.0", &["seedRows=2000"])?;
    stop_writers(&world)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?.display().to_string();
    let made = kubectl.run("pgbackup", &["create", "books", "--to", &store, "-o", "json"])?;
    let id = text(&made.expect(0)?.json()?["backup"]["id"])?;
    let verify = |more: &[&str]| {
        let fixed = [
            "verify",
            &id,
            "--from",
            &store,
            "--profile",
            PROFILE,
            "--with-app",
            "-o",
            "json",
        ];
        kubectl.run("pgbackup", &[&fixed, more].concat())
    };
    let before = entries(&app)?;
    app.database().query("alter system set log_connections = on")?;
    app.database().query("select pg_reload_conf()")?;

    // Who may not is told what is missing, before anything is made.
    verify(&["--as", "nobody"])?.expect_one_clear_line(2, &["you may not"])?;

    // The rights that are printed are all that it takes.
    let rights = kubectl.run("pgbackup", &["rbac", "--for", "verify", "--with-app"])?;
    apply(&world, &rights.expect(0)?.stdout)?;
    let account = format!("system:serviceaccount:{}:pgbackup", world.place.namespace);
    let ended = verify(&["--as", &account])?.expect(0)?;
    let tried = ended.json()?;
    ensure!(
        tried["differences"] == json!([]) && tried["unjudged"].is_null(),
        "{tried}"
    );
    let with_app = &tried["withApp"];
    ensure!(
        with_app["workload"] == "deployment/books-web",
        "the profile says which: {tried}"
    );
    ensure!(with_app["image"] == "localhost/ledger:1.1.0", "{tried}");
    ensure!(with_app["version"] == "1.1.0", "{tried}");
    ensure!(with_app["readySeconds"].as_f64().is_some(), "{tried}");
    ensure!(
        with_app["smoke"][0]["path"] == "/readyz" && with_app["smoke"][0]["status"] == 200,
        "{tried}"
    );
    ensure!(with_app["onTheCopy"] == true, "{tried}");
    ensure!(
        with_app["isolation"].to_string().contains("names are cut off"),
        "{tried}"
    );
    ensure!(
        tried["compared"]
            .to_string()
            .contains("starts on the restored copy"),
        "{tried}"
    );
    ensure!(ended.stderr.contains("app       deployment/books-web"), "{ended}");
    nothing_is_left(&world, "60s")?;

    // The database in use: not a row, and nobody but those who always call.
    ensure!(entries(&app)? == before);
    let known = web_addresses(&world)?;
    let strangers: Vec<String> = callers(&world)?
        .into_iter()
        .filter(|caller| {
            !known.contains(caller) && !matches!(caller.as_str(), "127.0.0.1" | "::1" | "[local]")
        })
        .collect();
    ensure!(strangers.is_empty(), "{strangers:?} are no pods of {known:?}");

    // What it took is kept, and everybody tells it.
    let facts = "jsonpath={.data.boot-seconds}";
    let facts = world
        .place
        .kubectl(&["get", "configmap", "safe-upgrade.books.facts", "--output", facts])?;
    ensure!(facts.trim().parse::<u64>().is_ok(), "{facts}");
    let shown = kubectl.run("pgbackup", &["show", &id, "--from", &store, "--ours"])?;
    let shown = shown.expect(0)?.stdout;
    ensure!(
        shown.contains("booted") && shown.contains("localhost/ledger:1.1.0"),
        "{shown}"
    );
    let listed = kubectl.run("pgbackup", &["list", "books", "--from", &store, "-o", "json"])?;
    let listed = listed.expect(0)?.json()?;
    ensure!(listed["items"][0]["grade"] == "A", "{listed}");
    ensure!(
        listed["items"][0]["why"].to_string().contains("started on it"),
        "{listed}"
    );

    // What migrates at start does so on the copy alone, and that is no difference.
    let image = [
        "set",
        "image",
        "deployment/books-web",
        "ledger=localhost/ledger:2.0.0",
    ];
    world
        .place
        .kubectl(&["scale", "deployment/books-web", "--replicas=0"])?;
    world.place.kubectl(&image)?;
    let newer = verify(&[])?.expect(0)?.json()?;
    ensure!(newer["differences"] == json!([]), "{newer}");
    let did = newer["withApp"]["did"].to_string();
    ensure!(did.contains("goose_db_version went from 4 to 6"), "{newer}");
    ensure!(
        app.database().schema_version()? == 4,
        "the database in use is as it was"
    );

    // A version that refuses the copy's schema is a failed restore test, with its last words.
    let older = [
        "set",
        "image",
        "deployment/books-web",
        "ledger=localhost/ledger:1.0.0",
    ];
    world.place.kubectl(&older)?;
    let strict = ["set", "env", "deployment/books-web", "LEDGER_STRICT_SCHEMA=on"];
    world.place.kubectl(&strict)?;
    let failed = verify(&[])?.expect(2)?.json()?;
    let differences = failed["differences"].to_string();
    ensure!(
        differences.contains("does not start on the restored copy") && differences.contains("exit code 3"),
        "{failed}"
    );
    ensure!(differences.contains("schema"), "its own words: {failed}");
    ensure!(failed["withApp"]["readySeconds"].is_null(), "{failed}");
    let listed = kubectl.run("pgbackup", &["list", "books", "--from", &store, "-o", "json"])?;
    let listed = listed.json()?;
    ensure!(listed["items"][0]["grade"] != "A", "{listed}");
    nothing_is_left(&world, "60s")?;

    // One that is never ready is one, too, when its time is up.
    let unset = [
        "set",
        "env",
        "deployment/books-web",
        "LEDGER_STRICT_SCHEMA-",
        "LEDGER_NEVER_READY=on",
    ];
    world.place.kubectl(&unset)?;
    let failed = verify(&["--app-timeout", "10s"])?.expect(2)?.json()?;
    ensure!(
        failed["differences"]
            .to_string()
            .contains("was not ready on the restored copy after 10 s"),
        "{failed}"
    );

    // Who is told a machine by its number is not let loose where nothing keeps it from there.
    let number = [
        "set",
        "env",
        "deployment/books-web",
        "LEDGER_NEVER_READY-",
        "CACHE=redis://10.1.2.3:6379",
    ];
    world.place.kubectl(&number)?;
    let unjudged = verify(&[])?.expect(3)?.json()?;
    ensure!(
        unjudged["unjudged"]
            .to_string()
            .contains("by their number (container ledger, env CACHE)"),
        "{unjudged}"
    );
    ensure!(unjudged["withApp"].is_null(), "{unjudged}");

    nothing_is_left(&world, "60s")?;
    ensure!(entries(&app)? == before);
    ensure!(app.database().schema_version()? == 4);
    Ok(())
}

#[test]
fn a_killed_program_leaves_nothing_once_its_time_is_up() -> Result<()> {
    let world = World::new("pgbackup-with-app-killed")?;
    let app = Ledger::new(
        &world.place,
        HelmLine::Three,
        "books",
        &world.subfolder("charts")?,
    );
    app.install("1.0.0", &[])?;
    stop_writers(&world)?;
    let never = ["set", "env", "deployment/books-web", "LEDGER_NEVER_READY=on"];
    world
        .place
        .kubectl(&["scale", "deployment/books-web", "--replicas=0"])?;
    world.place.kubectl(&never)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?.display().to_string();
    let made = kubectl.run("pgbackup", &["create", "books", "--to", &store, "-o", "json"])?;
    let id = text(&made.expect(0)?.json()?["backup"]["id"])?;
    let words = [
        "verify",
        &id,
        "--from",
        &store,
        "--profile",
        PROFILE,
        "--with-app",
        "--timeout",
        "60s",
    ];
    let mut command = kubectl.command("pgbackup", &words)?;
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    for condition in [
        "--for=create",
        "--for=jsonpath={.status.containerStatuses[0].started}=true",
    ] {
        world
            .place
            .kubectl(&["wait", "pod", condition, "--selector", OURS, "--timeout=60s"])?;
    }
    let status = Command::new("kill")
        .args(["-KILL", &child.id().to_string()])
        .status()?;
    ensure!(status.success());
    child.wait()?;
    let policy = ["get", "networkpolicies", "--selector", OURS, "--output", "name"];
    ensure!(
        !world.place.kubectl(&policy)?.trim().is_empty(),
        "it is cut off as long as it is there"
    );
    // Its deadline ends it, and what has ended is taken away a minute later.
    nothing_is_left(&world, "240s")
}

/// A workload that reads rows of a database and a file of a claim before it says that it is ready.
fn reader(world: &World, server: &Postgres) -> Result<()> {
    let image = "jsonpath={.spec.containers[0].image}";
    let image = world
        .place
        .kubectl(&["get", "pod", &server.pod, "--output", image])?;
    let labels = json!({ "app": "reader" });
    let script = "PATH=\"$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)\"; \
                  test \"$(psql \"$DATABASE_URL\" -Atc 'select file from t')\" = \"$(cat '/files/sub dir/name')\" || exit 7; \
                  touch /tmp/up; exec sleep 3600";
    let objects = json!({ "apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "uploads" },
            "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
        },
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "reader" },
            "spec": { "replicas": 1, "selector": { "matchLabels": labels }, "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "securityContext": { "runAsUser": 1234, "runAsGroup": 1234, "runAsNonRoot": true },
                    "terminationGracePeriodSeconds": 0,
                    "initContainers": [{
                        "name": "prepare", "image": image.trim(), "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", "mkdir -p '/files/sub dir'; test -e '/files/sub dir/name' || echo a >'/files/sub dir/name'"],
                        "volumeMounts": [{ "name": "f", "mountPath": "/files" }],
                    }],
                    "containers": [{
                        "name": "reader", "image": image.trim(), "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", script],
                        "env": [{ "name": "DATABASE_URL", "valueFrom": { "secretKeyRef": { "name": "db-postgres", "key": "uri" } } }],
                        "readinessProbe": { "exec": { "command": ["test", "-e", "/tmp/up"] }, "periodSeconds": 1 },
                        "volumeMounts": [{ "name": "f", "mountPath": "/files" }],
                    }],
                    "volumes": [{ "name": "f", "persistentVolumeClaim": { "claimName": "uploads" } }],
                },
            } },
        },
    ] });
    apply(world, &objects.to_string())?;
    let up = ["rollout", "status", "deployment/reader", "--timeout=90s"];
    world.place.kubectl(&up)?;
    Ok(())
}

#[test]
fn the_files_of_the_same_backup_are_beside_the_copy() -> Result<()> {
    let world = World::new("pgbackup-with-app-files")?;
    let server = Postgres::install(&world.place, HelmLine::Four, "db", 17)?;
    server.query("create table t (file text); insert into t values ('a')")?;
    reader(&world, &server)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?.display().to_string();
    let make = |more: &[&str]| -> Result<String> {
        let fixed = ["create", "deployment/reader", "--to", &store, "-o", "json"];
        let made = kubectl.run("pgbackup", &[&fixed, more].concat())?;
        text(&made.expect(0)?.json()?["backup"]["id"])
    };
    let with = make(&["--artefact", "uploads"])?;
    let without = make(&[])?;
    // Both go on together; the backup is of before.
    server.query("update t set file = 'b'")?;
    let change = "echo b >'/files/sub dir/name'";
    world
        .place
        .kubectl(&["exec", "deployment/reader", "--", "sh", "-c", change])?;
    let verify = |id: &str| {
        let words = [
            "verify",
            id,
            "deployment/reader",
            "--from",
            &store,
            "--with-app",
            "-o",
            "json",
        ];
        kubectl.run("pgbackup", &words)
    };
    let tried = verify(&with)?.expect(0)?.json()?;
    ensure!(tried["withApp"]["onTheCopy"] == true, "{tried}");
    let isolation = tried["withApp"]["isolation"].to_string();
    ensure!(isolation.contains("uploads is from the same backup"), "{tried}");

    // Without its files the application does what it does without its files.
    let empty: Ended = verify(&without)?.expect(0)?;
    let isolation = empty.json()?["withApp"]["isolation"].to_string();
    ensure!(isolation.contains("claim uploads begins empty"), "{empty}");
    let read = ["exec", "deployment/reader", "--", "cat", "/files/sub dir/name"];
    ensure!(
        world.place.kubectl(&read)?.trim() == "b",
        "the claim in use is as it was"
    );
    nothing_is_left(&world, "60s")
}
