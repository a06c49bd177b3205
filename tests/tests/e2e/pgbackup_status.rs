//! `kubectl pgbackup list`, `show`, `status` and `create --via` on the node: a real CronJob, backups of ours, volume
//! snapshots, a stand-in for CloudNativePG, and a permission taken away.
//!
//! Stand-ins: the node has no snapshot driver and no CloudNativePG. Their kinds are defined here with the documented
//! names and without a schema, and the tests write the status that the real controllers would write. The definitions
//! stay when the tests end: another test may be using them.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use e2e::{Ended, KubectlPlugins, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use test_apps::{HelmLine, Ledger};

/// A kind without a schema; its status can be written like anything else.
fn definition(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}"),
                     "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in for tests"}},
        "spec": {"group": group, "scope": "Namespaced",
                 "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
                 "versions": [{"name": version, "served": true, "storage": true,
                               "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}
    })
}

fn define(world: &World, definitions: &[Value]) -> Result<()> {
    for definition in definitions {
        world
            .node
            .apply(&world.place.namespace, &definition.to_string())?;
        let name = definition["metadata"]["name"].as_str().context("a name")?;
        let object = format!("customresourcedefinition/{name}");
        world.node.kubectl([
            "wait",
            "--for=condition=Established",
            "--timeout=30s",
            object.as_str(),
        ])?;
    }
    Ok(())
}

fn define_cloud_native_pg(world: &World) -> Result<()> {
    let kinds = [
        ("Cluster", "clusters"),
        ("Backup", "backups"),
        ("ScheduledBackup", "scheduledbackups"),
    ];
    let all: Vec<Value> = kinds
        .iter()
        .map(|(kind, plural)| definition("postgresql.cnpg.io", "v1", kind, plural))
        .collect();
    define(world, &all)
}

fn apply(world: &World, object: &Value) -> Result<()> {
    world
        .node
        .apply(&world.place.namespace, &object.to_string())
        .map(drop)
}

fn hours_ago(hours: i64) -> Result<String> {
    Ok(Timestamp::now()
        .checked_sub(SignedDuration::from_hours(hours))?
        .to_string())
}

fn item<'a>(list: &'a Value, id: &str) -> Result<&'a Value> {
    let items = list["items"].as_array().context("a list has items")?;
    items
        .iter()
        .find(|item| item["id"] == id)
        .with_context(|| format!("no {id} in {list}"))
}

fn finding(list: &Value, id: &str) -> bool {
    list["findings"]
        .as_array()
        .is_some_and(|all| all.iter().any(|finding| finding["id"] == id))
}

/// A CronJob that dumps the ledger's database; it never comes to its hour while a test runs.
fn nightly(script: &str) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
           "spec": {"schedule": "0 3 1 1 *", "jobTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": {
               "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
               "containers": [{"name": "dump", "image": "localhost/postgres:17", "imagePullPolicy": "IfNotPresent",
                               "command": ["sh", "-c", script],
                               "env": [{"name": "PGHOST", "value": "books-postgres"}, {"name": "PGDATABASE", "value": "ledger"},
                                       {"name": "PGUSER", "value": "ledger"},
                                       {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "books-postgres", "key": "password"}}}]}]}}}}}})
}

fn snapshot(name: &str, claim: &str, status: &Value) -> Value {
    json!({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name},
           "spec": {"source": {"persistentVolumeClaimName": claim}}, "status": status})
}

#[test]
fn a_cron_jobs_dump_ours_and_snapshots_stand_in_one_table_and_make_one_verdict() -> Result<()> {
    let world = World::new("pgbackup-status")?;
    define(
        &world,
        &[definition(
            "snapshot.storage.k8s.io",
            "v1",
            "VolumeSnapshot",
            "volumesnapshots",
        )],
    )?;
    let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["postgres.major=17"])?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?.display().to_string();
    let status = |more: &[&str]| {
        let words: Vec<&str> = ["status", "books", "--from", &store, "-o", "json"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        kubectl.run("pgbackup", &words)
    };
    let list = || {
        kubectl
            .run("pgbackup", &["list", "books", "--from", &store, "-o", "json"])?
            .expect(0)?
            .json()
    };

    // Nothing yet: everything could be read, and there is none.
    let none = status(&[])?.expect(2)?.json()?;
    ensure!(
        none["verdict"] == "stale" && none["unread"] == json!([]),
        "{none}"
    );

    // A real dump by somebody else, started and waited for.
    apply(&world, &nightly("pg_dump -Fc -f /tmp/dump && test -s /tmp/dump"))?;
    let made = kubectl
        .run(
            "pgbackup",
            &["create", "--via", "cronjob", "nightly", "-o", "json"],
        )?
        .expect(0)?
        .json()?;
    ensure!(
        made["backup"]["state"] == "good" && made["backup"]["grade"] == "D",
        "{made}"
    );
    let job = made["backup"]["id"].as_str().context("an id")?.to_owned();
    ensure!(item(&list()?, &job)?["of"]["host"] == "books-postgres");
    let fresh = status(&[])?.expect(0)?.json()?;
    ensure!(fresh["verdict"] == "fresh", "{fresh}");
    let weak = status(&["--min-grade", "B"])?.expect(2)?.json()?;
    ensure!(
        weak["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("grade B or better")),
        "{weak}"
    );
    let namespace = &world.place.namespace;
    let proposed = |report: &Value, words: &str| {
        report["next"][0]["command"] == format!("kubectl pgbackup {words} {store}")
    };
    ensure!(
        proposed(&weak, &format!("create books -n {namespace} --to")),
        "{weak}"
    );

    // One of ours is worth more, and knows what is at risk.
    let own = kubectl
        .run("pgbackup", &["create", "books", "--to", &store, "-o", "json"])?
        .expect(0)?
        .json()?;
    status(&["--min-grade", "B"])?.expect(0)?;
    let unproven = status(&["--min-grade", "A"])?.expect(2)?.json()?;
    ensure!(
        proposed(&unproven, &format!("verify newest books -n {namespace} --from")),
        "{unproven}"
    );
    let own = own["backup"]["id"].as_str().context("an id")?.to_owned();
    ensure!(item(&list()?, &own)?["atRiskBytes"].is_u64(), "{}", list()?);
    let shown = kubectl
        .run("pgbackup", &["show", &own, "--from", &store])?
        .expect(0)?;
    ensure!(
        shown.stdout.contains("kubectl pgbackup restore") && shown.stdout.contains("sha256"),
        "{shown}"
    );

    // Snapshots: of this database's volume, of another, and one that failed.
    let claim = world.place.kubectl(&[
        "get",
        "persistentvolumeclaims",
        "--output",
        "jsonpath={.items[0].metadata.name}",
    ])?;
    let ready = json!({"readyToUse": true, "creationTime": hours_ago(1)?});
    apply(&world, &snapshot("ours", claim.trim(), &ready))?;
    apply(&world, &snapshot("others", "another-claim", &ready))?;
    apply(
        &world,
        &snapshot(
            "broken",
            claim.trim(),
            &json!({"readyToUse": true, "error": {"message": "disk"}}),
        ),
    )?;
    let snapshots = list()?;
    ensure!(item(&snapshots, "VolumeSnapshot/ours")?["state"] == "good");
    ensure!(item(&snapshots, "VolumeSnapshot/broken")?["state"] == "failed");
    ensure!(item(&snapshots, "VolumeSnapshot/others").is_err(), "{snapshots}");

    // Failing, then suspended.
    apply(&world, &nightly("pg_dump --no-such-flag"))?;
    let failed = kubectl.run("pgbackup", &["create", "--via", "cronjob", "nightly"])?;
    failed.expect_one_clear_line(10, &["job/nightly-"])?;
    let jobs = list()?;
    let failures = jobs["items"]
        .as_array()
        .context("items")?
        .iter()
        .filter(|item| item["state"] == "failed");
    ensure!(failures.count() == 2, "the job and the snapshot: {jobs}");
    world.place.kubectl(&[
        "patch",
        "cronjob/nightly",
        "--patch",
        r#"{"spec":{"suspend":true}}"#,
    ])?;
    ensure!(finding(&list()?, "schedule-suspended"), "{}", list()?);
    status(&[])?.expect(0)?;
    status(&["--fail-on", "warn"])?.expect(2)?;
    let table = kubectl
        .run("pgbackup", &["list", "books", "--from", &store])?
        .expect(0)?;
    for words in [
        "CronJob",
        "pgbackup",
        "VolumeSnapshot",
        "MADE BY",
        "it is suspended",
    ] {
        ensure!(table.stdout.contains(words), "no {words:?} in {table}");
    }
    Ok(())
}

fn cluster(status: &Value) -> Value {
    json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "orders"},
           "spec": {"instances": 1, "backup": {"barmanObjectStore": {"destinationPath": "s3://nowhere"}}}, "status": status})
}

fn backup(name: &str, status: &Value) -> Value {
    json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup", "metadata": {"name": name, "labels": {"cnpg.io/cluster": "orders"}},
           "spec": {"cluster": {"name": "orders"}, "method": "barmanObjectStore"}, "status": status})
}

/// Starts `create --via cnpg orders`, does as the operator would, and tells how it ended.
fn driven(world: &World, kubectl: &KubectlPlugins<'_>, status: &Value) -> Result<(String, Ended)> {
    let backups = "backups.postgresql.cnpg.io";
    let before = world.place.kubectl(&["get", backups, "--output", "name"])?;
    let mut create = kubectl.command(
        "pgbackup",
        &[
            "create",
            "--via",
            "cnpg",
            "orders",
            "--via-timeout",
            "1m",
            "-o",
            "json",
        ],
    )?;
    let create = create.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // It tells what is there as well, so that nothing is missed that comes before the watch stands.
    let mut watch = world.place.kubectl_command();
    watch.args([
        "get",
        backups,
        "--watch",
        "--output",
        "name",
        "--request-timeout=60s",
    ]);
    let mut watch = watch.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(watch.stdout.take().context("its output")?).lines();
    let made = loop {
        let Some(line) = lines.next() else {
            let ended = Ended::from_output(&create.wait_with_output()?);
            bail!("no new Backup was seen: {ended}");
        };
        let line = line?;
        if line.contains("/orders-") && !before.contains(&line) {
            break line;
        }
    };
    watch.kill()?;
    watch.wait()?;
    let patch = json!({"status": status}).to_string();
    world
        .place
        .kubectl(&["patch", &made, "--type=merge", "--patch", &patch])?;
    Ok((made, Ended::from_output(&create.wait_with_output()?)))
}

#[test]
fn cloud_native_pg_is_judged_by_its_backups_and_not_by_its_words() -> Result<()> {
    let world = World::new("pgbackup-cnpg")?;
    define_cloud_native_pg(&world)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let list = || {
        kubectl
            .run("pgbackup", &["list", "-o", "json"])?
            .expect(0)?
            .json()
    };
    let status = |more: &[&str]| {
        let words: Vec<&str> = ["status", "-o", "json"].iter().chain(more).copied().collect();
        kubectl.run("pgbackup", &words)
    };
    let says_well = json!({"phase": "Cluster in healthy state", "conditions": [
        {"type": "ContinuousArchiving", "status": "True", "message": "Continuous archiving is working"},
        {"type": "LastBackupSucceeded", "status": "True"}]});
    apply(&world, &cluster(&says_well))?;
    ensure!(finding(&list()?, "cnpg-never-completed"));
    status(&[])?.expect(2)?;

    let done = |hours| -> Result<Value> {
        Ok(
            json!({"phase": "completed", "startedAt": hours_ago(hours)?, "stoppedAt": hours_ago(hours)?, "majorVersion": 17}),
        )
    };
    apply(&world, &backup("young", &done(2)?))?;
    apply(&world, &backup("old", &done(50)?))?;
    let fresh = status(&[])?.expect(0)?.json()?;
    ensure!(fresh["newest"][0]["id"] == "Backup/young", "{fresh}");
    status(&["--max-age", "1h"])?.expect(2)?;

    // Its store goes away: the words stay, the next backup hangs.
    let mut gone = says_well.clone();
    gone["conditions"][0] =
        json!({"type": "ContinuousArchiving", "status": "False", "message": "no such bucket"});
    apply(&world, &cluster(&gone))?;
    apply(
        &world,
        &backup(
            "hanging",
            &json!({"phase": "running", "startedAt": hours_ago(0)?}),
        ),
    )?;
    let listed = list()?;
    ensure!(item(&listed, "Backup/hanging")?["state"] == "stuck", "{listed}");
    ensure!(finding(&listed, "cnpg-condition-lies"), "{listed}");
    let failing = status(&[])?.expect(2)?.json()?;
    ensure!(failing["verdict"] == "failing", "{failing}");
    let shown = kubectl.run("pgbackup", &["show", "young"])?.expect(0)?;
    ensure!(shown.stdout.contains("spec.bootstrap.recovery"), "{shown}");

    // Driven: by its real result.
    apply(&world, &cluster(&says_well))?;
    let (made, ended) = driven(&world, &kubectl, &done(0)?)?;
    let ended = ended.expect(0)?.json()?;
    let name = made.rsplit('/').next().context("a name")?.to_owned();
    ensure!(ended["backup"]["id"] == format!("Backup/{name}"), "{ended}");
    let (made, ended) = driven(
        &world,
        &kubectl,
        &json!({"phase": "failed", "error": "no space left"}),
    )?;
    let name = made.rsplit('/').next().context("a name")?.to_owned();
    ended.expect_one_clear_line(10, &[&name, "no space left"])?;
    world.place.kubectl(&[
        "annotate",
        "clusters.postgresql.cnpg.io/orders",
        "cnpg.io/hibernation=on",
    ])?;
    let asleep = kubectl.run("pgbackup", &["create", "--via", "cnpg", "orders"])?;
    asleep.expect_one_clear_line(2, &["hibernated"])?;
    Ok(())
}

#[test]
fn a_permission_that_is_missing_is_named_and_is_never_taken_for_no_backup() -> Result<()> {
    let world = World::new("pgbackup-rights")?;
    define_cloud_native_pg(&world)?;
    let rules = json!([
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list"]},
        {"apiGroups": ["postgresql.cnpg.io"], "resources": ["*"], "verbs": ["list"]},
        {"apiGroups": ["snapshot.storage.k8s.io"], "resources": ["volumesnapshots"], "verbs": ["list"]}
    ]);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "looker"}, "rules": rules});
    apply(&world, &role)?;
    let account = format!("system:serviceaccount:{}:default", world.place.namespace);
    let subject = format!("--serviceaccount={}:default", world.place.namespace);
    world
        .place
        .kubectl(&["create", "rolebinding", "looker", "--role=looker", &subject])?;
    let kubectl = KubectlPlugins::new(&world)?;
    let status = || kubectl.run("pgbackup", &["status", "--as", &account, "-o", "json"]);

    let unknown = status()?.expect(3)?.json()?;
    ensure!(unknown["verdict"] == "unknown", "{unknown}");
    let why = unknown["unread"][0]["why"].as_str().context("a reason")?;
    ensure!(
        why.contains("permission missing: list cronjobs.batch in namespace"),
        "{unknown}"
    );
    ensure!(
        unknown["unread"].as_array().is_some_and(|all| all.len() == 1),
        "{unknown}"
    );

    // Something else that can be read is fresh: the gap is told, and changes nothing.
    let done = json!({"phase": "completed", "startedAt": hours_ago(2)?, "stoppedAt": hours_ago(2)?});
    apply(&world, &backup("young", &done))?;
    let fresh = status()?.expect(0)?.json()?;
    ensure!(
        fresh["verdict"] == "fresh" && fresh["unread"] == unknown["unread"],
        "{fresh}"
    );
    Ok(())
}
