//! `kubectl upgrade-check fleet` on the node: two namespaces, a record that is broken, a namespace without rights, a cluster
//! that is not there. What is told is compared with what helm and the cluster say.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, PsqlSession, World};
use serde_json::{Value, json};
use test_apps::{HelmLine, Ledger};
use test_node::Namespace;

/// What no output may hold.
const CONTENT: &str = "hunter2-in-a-record";

/// A record that looks like one of Helm's and holds none.
fn broken_record(release: &str, revision: u32, status: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": format!("sh.helm.release.v1.{release}.v{revision}"),
            "labels": {"owner": "helm", "name": release, "status": status, "version": revision.to_string()},
        },
        "stringData": {"release": format!("{CONTENT}!")},
    })
    .to_string()
}

/// Who may list namespaces, and read Helm's records in these alone; gives the name by which it can be impersonated.
fn reader(world: &World, namespaces: &[&str]) -> Result<String> {
    let own = &world.place.namespace;
    let uid = world
        .node
        .kubectl(["get", "namespace", own, "--output", "jsonpath={.metadata.uid}"])?;
    // What stands in no namespace goes with the test's own.
    let owner = json!([{"apiVersion": "v1", "kind": "Namespace", "name": own, "uid": uid}]);
    let subjects = json!([{"kind": "ServiceAccount", "name": "reader", "namespace": own}]);
    let (group, api) = ("rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1");
    world.place.kubectl(&["create", "serviceaccount", "reader"])?;
    let of_cluster = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": own, "ownerReferences": owner},
         "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}]},
        {"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": own, "ownerReferences": owner},
         "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": own}, "subjects": subjects},
    ]});
    world.node.apply(own, &of_cluster.to_string())?;
    for namespace in namespaces {
        let records = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": api, "kind": "Role", "metadata": {"name": "reader"},
             "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]},
            {"apiVersion": api, "kind": "RoleBinding", "metadata": {"name": "reader"},
             "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"}, "subjects": subjects},
        ]});
        world.node.apply(namespace, &records.to_string())?;
    }
    Ok(format!("system:serviceaccount:{own}:reader"))
}

fn items(report: &Value) -> Result<&[Value]> {
    Ok(report["items"].as_array().context("a report has items")?)
}

fn item<'a>(report: &'a Value, name: &str) -> Result<&'a Value> {
    let found = items(report)?.iter().find(|item| item["name"] == name);
    found.with_context(|| format!("no release {name} in {report}"))
}

/// The test's own cluster, and one where nobody answers.
fn with_nowhere(world: &World) -> Result<String> {
    let config = world.folder.path().join("two-clusters.yaml");
    std::fs::copy(&world.node.kubeconfig, &config)?;
    let config = config.display().to_string();
    for words in [
        ["set-cluster", "nowhere", "--server", "https://127.0.0.1:1"],
        ["set-context", "nowhere", "--cluster", "nowhere"],
    ] {
        let command = ["config", "--kubeconfig", &config];
        world.node.kubectl(command.iter().chain(&words))?;
    }
    Ok(config)
}

#[test]
fn whatever_cannot_be_read_is_told_and_ends_nothing() -> Result<()> {
    let world = World::new("fleet")?;
    let app = Ledger::new(
        &world.place,
        HelmLine::Three,
        "books",
        &world.subfolder("charts")?,
    );
    app.install("1.0.0", &[])?;
    let other: Namespace = world.node.namespace("fleet-other")?;
    let hidden = world.node.namespace("fleet-hidden")?;
    // By name, the ninth would come after the tenth.
    for (revision, status) in [(9, "superseded"), (10, "failed")] {
        other.apply(&broken_record("torn", revision, status))?;
    }
    hidden.apply(&broken_record("unseen", 1, "deployed"))?;
    let reader = reader(&world, &[&world.place.namespace, other.name()])?;
    let kubectl = KubectlPlugins::new(&world)?;
    let config = with_nowhere(&world)?;
    let mut fleet = kubectl.bare()?;
    fleet.args(["upgrade-check", "fleet", "-A", "-o", "json", "--as", &reader]);
    fleet.args([
        "--kubeconfig",
        &config,
        "--context",
        "nowhere",
        "--context",
        &world.node.context,
    ]);
    let ended = Ended::of(&mut fleet)?.expect(3)?;
    let report = ended.json()?;
    ensure!(report["kind"] == "FleetReport", "{ended}");
    ensure!(!ended.to_string().contains(CONTENT), "a record's content is told");

    // What is there is told as helm tells it.
    let listed = world.place.helm(HelmLine::Three, &["list", "--output", "json"])?;
    let listed: Value = serde_json::from_str(&listed)?;
    let (helms, books) = (&listed[0], item(&report, "books")?);
    ensure!(
        books["chart"] == helms["chart"]
            && books["appVersion"] == helms["app_version"]
            && books["status"] == helms["status"]
            && json!(books["revision"].to_string()) == helms["revision"]
            && books["namespace"] == helms["namespace"],
        "{books} is not {helms}"
    );
    let torn = item(&report, "torn")?;
    ensure!(
        torn["revision"] == 10 && torn["verdict"] == "incomplete" && torn["chart"].is_null(),
        "{torn}"
    );
    ensure!(
        torn["unreadable"].to_string().contains("cannot be unpacked"),
        "{torn}"
    );
    ensure!(items(&report)?.len() == 2, "{report}");

    let unread = report["unread"]
        .as_array()
        .context("a report has what is unread")?;
    let denied = unread
        .iter()
        .find(|place| place["namespace"] == hidden.name())
        .with_context(|| format!("{} is not told in {report}", hidden.name()))?;
    ensure!(
        denied["why"]
            .to_string()
            .contains("permission missing: list secrets"),
        "{denied}"
    );
    let clusters = report["clusters"].as_array().context("a report has clusters")?;
    let nowhere = clusters.iter().find(|cluster| cluster["context"] == "nowhere");
    ensure!(
        nowhere.is_some_and(|cluster| cluster["unreachable"].is_string()),
        "{report}"
    );

    // The only cluster that is asked is worth an error of its own.
    let mut alone = kubectl.bare()?;
    alone.args([
        "upgrade-check",
        "fleet",
        "--kubeconfig",
        &config,
        "--context",
        "nowhere",
    ]);
    Ended::of(&mut alone)?.expect_one_clear_line(1, &["nowhere"])?;
    Ok(())
}

/// Asks until the answer is as wanted.
#[expect(
    clippy::disallowed_methods,
    reason = "a program cannot be watched for what it will answer"
)]
fn until(mut ask: impl FnMut() -> Result<Value>, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let answer = ask()?;
        if wanted(&answer) {
            return Ok(answer);
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(40),
            "it never came: {answer}"
        );
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_full_look_says_what_the_check_of_each_release_says() -> Result<()> {
    let world = World::new("fleet-full")?;
    let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &[])?;
    let kubectl = KubectlPlugins::new(&world)?;
    let fleet = |more: &[&str]| {
        let words = [&["fleet", "-o", "json", "--fail-on", "never"], more].concat();
        kubectl.run("upgrade-check", &words)?.expect(0)?.json()
    };
    ensure!(items(&fleet(&["--selector", "name=nothing"])?)?.is_empty());
    let quick = fleet(&["--selector", "name=books"])?;
    let before = item(&quick, "books")?;
    ensure!(
        before["backup"]["state"] == "unknown" && before["verdict"] == "not-judged",
        "{before}"
    );

    kubectl.run("pgbackup", &["create", "books"])?.expect(0)?;
    let quick = fleet(&[])?;
    let backup = &item(&quick, "books")?["backup"];
    ensure!(backup["state"] == "fresh" && backup["grade"] == "B", "{backup}");

    let check = kubectl.run("upgrade-check", &["books", "-o", "json"])?.json()?;
    let full = fleet(&["--full"])?;
    let books = item(&full, "books")?;
    ensure!(books["verdict"] == check["verdict"], "{books} is not {check}");
    ensure!(
        books["backup"]["grade"] == "B" && books["locks"]["state"] == "free",
        "{books}"
    );
    let told = kubectl
        .run("upgrade-check", &["fleet", "--full", "--fail-on", "never"])?
        .expect(0)?;
    ensure!(
        told.stdout.contains("VERDICT") && told.stdout.contains("books"),
        "{told}"
    );

    let holder = PsqlSession::holding_entries(&world, &app.database(), "forgotten")?;
    let waiter = PsqlSession::open(&world, "patient", "select count(*) from entries;")?;
    let waiting = until(
        || Ok(item(&fleet(&["--full"])?, "books")?.clone()),
        |books| books["locks"]["state"] == "waiting" && books["verdict"] == "blocked",
    )?;
    let ids = waiting["findings"].to_string();
    ensure!(ids.contains("lock-waits"), "{waiting}");
    kubectl
        .run("upgrade-check", &["fleet", "--full", "-o", "json"])?
        .expect(2)?;
    drop(holder);
    drop(waiter);
    Ok(())
}
