//! Backups in a claim, and volumes beside a dump, on real claims of the node: the whole way round, and what is left when the
//! program is killed in the middle of it.

use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{KubectlPlugins, World, until_answer};
use serde_json::{Value, json};
use test_apps::{HelmLine, Postgres};

const OURS: &str = "app.kubernetes.io/managed-by=kubectl-pgbackup";

/// Asks whether a session of ours is still there.
const SESSIONS: &str = "select count(*) from pg_stat_activity where application_name like 'safe-upgrade/%'";

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

fn claim(world: &World, name: &str) -> Result<()> {
    apply(
        world,
        &json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": { "name": name, "labels": { "app": "files", "app.kubernetes.io/instance": "files" } },
            "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
        })
        .to_string(),
    )
}

/// A workload that keeps files in a claim; its image has a shell.
fn files(world: &World, server: &Postgres) -> Result<()> {
    let image = "jsonpath={.spec.containers[0].image}";
    let image = world
        .place
        .kubectl(&["get", "pod", &server.pod, "--output", image])?;
    let labels = json!({ "app": "files" });
    apply(
        world,
        &json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "files" },
            "spec": { "replicas": 1, "selector": { "matchLabels": labels }, "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "securityContext": { "runAsUser": 1234, "runAsGroup": 1234, "runAsNonRoot": true },
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{
                        "name": "files", "image": image.trim(), "imagePullPolicy": "IfNotPresent",
                        "command": ["sleep", "3600"],
                        "volumeMounts": [{ "name": "f", "mountPath": "/files" }],
                    }],
                    "volumes": [{ "name": "f", "persistentVolumeClaim": { "claimName": "uploads" } }],
                },
            } },
        })
        .to_string(),
    )?;
    scaled(world, 1)
}

fn scaled(world: &World, replicas: u32) -> Result<()> {
    let replicas_flag = format!("--replicas={replicas}");
    world
        .place
        .kubectl(&["scale", "deployment/files", &replicas_flag])?;
    let wait: &[&str] = if replicas == 0 {
        &[
            "wait",
            "pod",
            "--for=delete",
            "--selector",
            "app=files",
            "--timeout=60s",
        ]
    } else {
        &["rollout", "status", "deployment/files", "--timeout=90s"]
    };
    world.place.kubectl(wait)?;
    Ok(())
}

fn in_files(world: &World, script: &str) -> Result<String> {
    world
        .place
        .kubectl(&["exec", "deployment/files", "--", "sh", "-c", script])
}

/// Everything in the claim with its mode, owner and content, but not what is ours.
const SUM: &str = "cd /files && find . -path './.pgbackup-*' -prune -o -print | sort | while read -r f; do \
    stat -c '%n %a %u %F' \"$f\"; if [ -L \"$f\" ]; then readlink \"$f\"; elif [ -f \"$f\" ]; then sha256sum <\"$f\"; fi; done";

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("no text: {value}"))?
        .to_owned())
}

/// Nothing of ours is left in the namespace, or on its way out of it.
fn gone(world: &World) -> Result<()> {
    let jobs = world
        .place
        .kubectl(&["get", "jobs", "--selector", OURS, "--output", "name"])?;
    ensure!(jobs.trim().is_empty(), "left behind: {jobs}");
    world
        .place
        .kubectl(&["wait", "pod", "--for=delete", "--selector", OURS, "--timeout=60s"])?;
    Ok(())
}

#[test]
fn a_claim_holds_backups_and_a_volume_goes_round_with_its_database() -> Result<()> {
    let world = World::new("pgbackup-artefacts")?;
    let server = Postgres::install(&world.place, HelmLine::Three, "db", 17)?;
    server.query("create table t (id serial primary key, file text); insert into t (file) values ('a')")?;
    claim(&world, "backups")?;
    claim(&world, "uploads")?;
    files(&world, &server)?;
    in_files(
        &world,
        "cd /files && mkdir -p 'sub dir' .hidden && echo one >'sub dir/a\"b' && echo x >.hidden/y && \
         head -c 3000000 /dev/urandom >big && chmod 640 big && ln -s big link && : >empty",
    )?;
    let before = in_files(&world, SUM)?;
    let rows = server.query("select * from t order by id")?;
    let kubectl = KubectlPlugins::new(&world)?;
    let run = |arguments: &[&str], code: i32| kubectl.run("pgbackup", arguments)?.expect(code);
    let store = "pvc://backups/daily";

    apply(&world, &run(&["rbac", "--for", "volume"], 0)?.stdout)?;
    let account = format!("system:serviceaccount:{}:pgbackup", world.place.namespace);
    kubectl
        .run("pgbackup", &["store", "test", store, "--as", "nobody"])?
        .expect_one_clear_line(2, &["create jobs", "get persistentvolumeclaims"])?;
    let tested = run(&["store", "test", store, "--as", &account, "-o", "json"], 0)?.json()?;
    ensure!(tested["works"] == true, "{tested}");
    // What cannot be taken is told before anything is dumped.
    let create = ["create", "statefulset/db-postgres", "--to", store, "--artefact"];
    kubectl
        .run("pgbackup", &[&create[..], &["nothing"]].concat())?
        .expect_one_clear_line(1, &["no claim nothing"])?;
    kubectl
        .run(
            "pgbackup",
            &[&create[..], &["uploads", "--snapshot-class", "typo"]].concat(),
        )?
        .expect_one_clear_line(1, &["typo", "uploads"])?;
    let made = run(
        &[
            "create",
            "statefulset/db-postgres",
            "--to",
            store,
            "--artefact",
            "uploads",
            "--quiesce",
            "-o",
            "json",
        ],
        0,
    )?
    .json()?;
    let id = text(&made["backup"]["id"])?;
    ensure!(
        text(&made["backup"]["uri"])?.starts_with(&format!("pvc://{}/backups/daily/", world.place.namespace))
    );
    let artefact = &made["artefacts"][0];
    ensure!(
        artefact["held"] == true && artefact["kept"]["as"] == "tar",
        "{made}"
    );
    ensure!(
        artefact["kept"]["owner"] == "1234:1234" && artefact["kept"]["changed"] == false,
        "{made}"
    );

    let listed = run(&["list", "--from", store, "--ours", "-o", "json"], 0)?.json()?;
    ensure!(
        listed["items"].as_array().is_some_and(|items| items.len() == 1),
        "{listed}"
    );
    ensure!(listed["items"][0]["id"] == json!(id), "{listed}");
    let shown = run(&["show", &id, "--from", store, "--ours"], 0)?.stdout;
    ensure!(
        shown.contains("artefact") && shown.contains("took no writes"),
        "{shown}"
    );
    let here = world.subfolder("fetched")?;
    run(&["get", &id, &here.display().to_string(), "--from", store], 0)?;
    let tar = std::process::Command::new("sh")
        .args([
            "-c",
            "zstd -dc \"$0\"/*/artefact-uploads.tar.zst | tar -t",
            &here.display().to_string(),
        ])
        .output()?;
    ensure!(
        String::from_utf8_lossy(&tar.stdout).contains("./sub dir/a\"b"),
        "plain tools open it"
    );
    let verified = run(
        &[
            "verify",
            &id,
            "statefulset/db-postgres",
            "--from",
            store,
            "-o",
            "json",
        ],
        0,
    )?
    .json()?;
    ensure!(verified["differences"] == json!([]), "{verified}");
    ensure!(verified["compared"].to_string().contains("volume"), "{verified}");

    // Both go on, and come back together.
    server.query("delete from t; insert into t (file) values ('b')")?;
    in_files(
        &world,
        "cd /files && rm -r 'sub dir' && echo two >new && echo changed >big",
    )?;
    let restore = [
        "restore",
        &id,
        "statefulset/db-postgres",
        "--from",
        store,
        "--yes",
        "-o",
        "json",
    ];
    let with = [&restore[..], &["--with-artefacts"]].concat();
    kubectl
        .run("pgbackup", &with)?
        .expect_one_clear_line(2, &["uploads is in use by files-"])?;
    ensure!(
        server.query("select file from t")?.trim() == "b",
        "nothing was touched"
    );
    scaled(&world, 0)?;
    // The report is whole: it tells of the volume, which came back after the database.
    let back = run(&with, 0)?.json()?;
    let is_back = |report: &Value| {
        let notes = report["notes"].as_array().into_iter().flatten();
        let mut words = notes.filter_map(Value::as_str);
        words.any(|note| note.contains("uploads is back") && note.contains(".pgbackup-pre-"))
    };
    ensure!(is_back(&back) && back["doneBefore"] == false, "{back}");
    let restored = text(&back["id"])?;
    let again = run(&[&with[..], &["--again", &restored]].concat(), 0)?.json()?;
    ensure!(is_back(&again) && again["doneBefore"] == true, "{again}");
    scaled(&world, 1)?;
    ensure!(server.query("select * from t order by id")? == rows);
    let after = in_files(&world, SUM)?;
    ensure!(after == before, "{after}\ninstead of\n{before}");
    ensure!(
        in_files(&world, "cat /files/.pgbackup-pre-*/new")?.trim() == "two",
        "the old files are kept"
    );

    // Without the artefacts it says what will not fit together, before anybody has to agree.
    let warned = run(&[&restore[..], &["--dry-run"]].concat(), 0)?;
    ensure!(warned.stderr.contains("stays as it is now"), "{}", warned.stderr);
    let pruned = run(
        &[
            "prune",
            "--keep-last",
            "1",
            "--yes",
            "--from",
            store,
            "-o",
            "json",
        ],
        0,
    )?
    .json()?;
    let kept = &pruned["backups"][0];
    ensure!(kept["id"] == json!(id) && kept["outcome"] == "kept", "{pruned}");
    let listed = run(&["list", "--from", store, "--ours", "-o", "json"], 0)?.json()?;
    ensure!(
        listed["items"][0]["id"] == json!(id),
        "prune removed the one to keep: {listed}"
    );
    gone(&world)?;
    let wrong = ["list", "--from", "pvc://nothing/x", "--ours"];
    let told = kubectl.run("pgbackup", &wrong)?;
    ensure!(told.stdout.contains("no claim nothing"), "{told}");
    Ok(())
}

/// Holds a table against everybody until its input is closed: a dump that has begun stands still.
fn held(world: &World, server: &Postgres) -> Result<Child> {
    use std::io::Write as _;
    let mut command = world.place.kubectl_command();
    command.args(["exec", "-i", &server.pod, "--", "psql", "-U", "app", "-d", "app"]);
    let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let input = holder.stdin.as_mut().context("a pipe")?;
    writeln!(input, "begin; lock table t in access exclusive mode;")?;
    input.flush()?;
    until_answer(
        server,
        "select count(*) > 0 from pg_locks where granted and mode = 'AccessExclusiveLock' and relation = 't'::regclass",
        "t",
    )?;
    Ok(holder)
}

/// Waits until a command runs in the pod of ours that is there for a purpose.
fn until_running(world: &World, component: &str, command: &str) -> Result<()> {
    let selector = format!("{OURS},app.kubernetes.io/component={component}");
    for condition in ["--for=create", "--for=condition=Ready"] {
        world
            .place
            .kubectl(&["wait", "pod", condition, "--selector", &selector, "--timeout=60s"])?;
    }
    let pod = world
        .place
        .kubectl(&["get", "pod", "--selector", &selector, "--output", "name"])?;
    let script = format!("until grep -qx {command} /proc/[0-9]*/comm 2>/dev/null; do sleep 0.1; done");
    world
        .place
        .kubectl(&["exec", pod.trim(), "--", "timeout", "60", "sh", "-c", &script])?;
    Ok(())
}

#[test]
fn a_program_that_is_killed_leaves_no_backup_no_session_and_no_pod() -> Result<()> {
    let world = World::new("pgbackup-artefacts-killed")?;
    let server = Postgres::install(&world.place, HelmLine::Four, "db", 18)?;
    server.query("create table t (id int)")?;
    claim(&world, "backups")?;
    claim(&world, "uploads")?;
    files(&world, &server)?;
    // It takes no room, and longer to read than anybody waits.
    in_files(&world, "truncate -s 200G /files/big")?;
    let mut holder = held(&world, &server)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let create = [
        "create",
        "statefulset/db-postgres",
        "--to",
        "pvc://backups",
        "--artefact",
        "uploads",
        "--lock-wait",
        "5m",
    ];
    let mut command = kubectl.command("pgbackup", &create)?;
    // kubectl becomes its plugin, so that the child is the program.
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // The dump is on its way into one claim and waits for the lock; the other claim is being read.
    until_running(&world, "store", "sha256sum")?;
    until_running(&world, "artefact", "tar")?;
    ensure!(child.try_wait()?.is_none(), "it ended before it could be killed");
    child.kill()?;
    child.wait()?;
    until_answer(&server, SESSIONS, "0")?;
    // Nobody is left to delete them: the Jobs end with their client, and the cluster takes them away.
    for kind in ["job", "pod"] {
        world
            .place
            .kubectl(&["wait", kind, "--for=delete", "--selector", OURS, "--timeout=180s"])?;
    }
    let list = ["list", "--from", "pvc://backups", "--ours", "-o", "json"];
    let listed = kubectl.run("pgbackup", &list)?.expect(0)?.json()?;
    ensure!(
        listed["items"] == json!([]),
        "something looks like a backup: {listed}"
    );
    drop(holder.stdin.take());
    holder.wait()?;
    Ok(())
}
