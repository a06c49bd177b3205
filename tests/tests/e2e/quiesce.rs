//! A release stopped until it is brought back: by a person, from another machine after the client was killed, and by a
//! Job of the cluster. What was touched is what it was, field by field.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use e2e::{Left, ReleaseState, SafeUpgrade, World, program_image, wait_for};
use serde_json::{Value, json};
use test_apps::{HelmLine, Ledger};

const LINE: HelmLine = HelmLine::Four;
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const KINDS: &str = "deployments,statefulsets,daemonsets,cronjobs,horizontalpodautoscalers";

/// Specs and field owners of everything of the release, by `kind/name`. Out of both is left what stopping by `/scale` is
/// meant to change: nobody owns a count afterwards, so that the next `helm upgrade` meets no other owner than itself.
fn fields(world: &World) -> Result<BTreeMap<String, Value>> {
    let listed = [
        "get",
        KINDS,
        "--output",
        "json",
        "--show-managed-fields",
        "--selector",
        "app.kubernetes.io/instance=books",
    ];
    let list: Value = serde_json::from_str(&world.place.kubectl(&listed)?)?;
    let mut found = BTreeMap::new();
    for item in list["items"].as_array().context("a list has items")? {
        let name = format!(
            "{}/{}",
            item["kind"].as_str().unwrap_or_default(),
            item["metadata"]["name"].as_str().unwrap_or_default()
        );
        let owners: Vec<Value> = item["metadata"]["managedFields"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["subresource"] != "status")
            .map(|entry| {
                let mut fields = entry["fieldsV1"].clone();
                if let Some(spec) = fields["f:spec"].as_object_mut() {
                    spec.remove("f:replicas");
                }
                json!({ "manager": entry["manager"], "operation": entry["operation"], "fields": fields })
            })
            .collect();
        found.insert(name, json!({ "spec": item["spec"], "owners": owners }));
    }
    Ok(found)
}

/// A DaemonSet like the worker, as part of the release, and a Deployment of nobody that uses the same database.
fn more_writers(world: &World) -> Result<()> {
    let worker = world
        .place
        .kubectl(&["get", "statefulset/books-worker", "--output", "json"])?;
    let worker: Value = serde_json::from_str(&worker)?;
    let labels = |component: &str, instance: &str| {
        json!({ "app.kubernetes.io/name": "ledger", "app.kubernetes.io/instance": instance,
                "app.kubernetes.io/component": component })
    };
    let like_worker = |labels: &Value| {
        let mut template = worker["spec"]["template"].clone();
        template["metadata"]["labels"] = labels.clone();
        json!({ "selector": { "matchLabels": labels }, "template": template })
    };
    let (agent, reports) = (labels("agent", "books"), labels("reports", "reports"));
    let mut reports_spec = like_worker(&reports);
    reports_spec["replicas"] = json!(0);
    let objects = json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "apps/v1", "kind": "DaemonSet", "spec": like_worker(&agent), "metadata": {
            "name": "books-agent", "labels": agent, "annotations": {
                "meta.helm.sh/release-name": "books",
                "meta.helm.sh/release-namespace": world.place.namespace } } },
        { "apiVersion": "apps/v1", "kind": "Deployment", "spec": reports_spec,
          "metadata": { "name": "reports" } },
    ] });
    world.node.apply(&world.place.namespace, &objects.to_string())?;
    world
        .place
        .kubectl(&["rollout", "status", "daemonset/books-agent", "--timeout=90s"])
        .map(drop)
}

fn heads(world: &World, count: usize) -> Result<()> {
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == count && left.others.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn a_quiesced_release_stands_still_and_comes_back_to_the_letter_though_its_client_was_killed() -> Result<()> {
    let world = World::new("quiesce")?;
    let app = Ledger::new(&world.place, LINE, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["autoscaling.enabled=true", "seedRows=50"])?;
    app.write(5)?;
    more_writers(&world)?;
    // The autoscaler brings its least count, whenever it looks; only then everything stands.
    let brought = ["--for=jsonpath={.spec.replicas}=2", "--timeout=120s"];
    world
        .place
        .kubectl(&[&["wait", "deployment/books-web"][..], &brought].concat())?;
    let (entries, before) = (app.summary_of("test")?, fields(&world)?);
    let state = ReleaseState::read(&world.place)?;
    let safe = SafeUpgrade::new(&world, LINE)?;
    let quiesce = |arguments: &[&str]| {
        let all = [&["--profile", PROFILE][..], arguments].concat();
        safe.elsewhere("quiesce", "books", &all)
    };

    // Killed when CronJob and DaemonSet are held and the first count is journaled.
    let killed = quiesce(&["--yes", "--fault", "kill:after:7"])?;
    ensure!(killed.code != 0 && !killed.stdout.contains("outcome"), "{killed}");
    ensure!(fields(&world)? != before, "it had begun: {killed}");
    safe.elsewhere("unquiesce", "books", &[])?.expect(0)?;
    ensure!(fields(&world)? == before, "{:#?}\n{before:#?}", fields(&world)?);

    let asked = quiesce(&[])?.expect(1)?;
    ensure!(asked.to_string().contains("--yes"), "{asked}");
    ensure!(
        asked.stderr.contains("deployment/reports"),
        "who else uses the database: {asked}"
    );
    quiesce(&["--yes", "--limit", "30m"])?.expect_one_clear_line(1, &["--image", "--wait"])?;

    let ended = quiesce(&["--yes"])?.expect(0)?;
    let report = ended.json()?;
    ensure!(
        report["outcome"] == "quiesced" && report["purpose"] == "quiesce",
        "{ended}"
    );
    let proof = report["steps"]
        .as_array()
        .and_then(|steps| steps.last())
        .map(|step| step["detail"].to_string())
        .context("a last step")?;
    ensure!(
        proof.contains("no writer is connected")
            && proof.contains("autoscaler books-web leaves deployment/books-web at 0"),
        "{proof}"
    );
    let stopped = ReleaseState::read(&world.place)?;
    ensure!(
        stopped.replicas["Deployment/books-web"] == 0 && stopped.replicas["StatefulSet/books-worker"] == 0,
        "{stopped:?}"
    );
    ensure!(stopped.suspended["CronJob/books-tidy"], "{stopped:?}");
    let pods = world
        .place
        .pods("app.kubernetes.io/component in (web,worker,agent)")?;
    ensure!(pods.is_empty(), "{pods:?}");
    let status = safe.elsewhere("status", "books", &[])?.expect(11)?;
    ensure!(status.json()?[0]["outcome"] == "quiesced", "{status}");
    let refused = safe
        .upgrade("books", &app.chart("1.1.0")?, &["--profile", PROFILE])?
        .expect(2)?;
    ensure!(refused.to_string().contains("run-unfinished"), "{refused}");

    safe.elsewhere("unquiesce", "books", &[])?.expect(0)?;
    ensure!(fields(&world)? == before, "{:#?}\n{before:#?}", fields(&world)?);
    app.wait_until_it_answers()?;
    let after = ReleaseState::read(&world.place)?;
    ensure!(
        (&after.replicas, &after.suspended) == (&state.replicas, &state.suspended),
        "{after:?}"
    );
    ensure!(app.summary_of("test")?.same_entries(&entries));
    let again = safe.elsewhere("unquiesce", "books", &[])?.expect(0)?;
    ensure!(again.json()?["outcome"] == "restored", "{again}");
    heads(&world, 2)?;
    // Server-side apply refuses fields that somebody else owns.
    app.upgrade("1.1.0", &[])
}

#[test]
fn a_job_of_the_cluster_brings_a_release_back_when_its_time_is_up() -> Result<()> {
    let world = World::new("quiesce-limit")?;
    let image = program_image(&world, "helm-safe-upgrade")?;
    let app = Ledger::new(&world.place, LINE, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &[])?;
    let before = fields(&world)?;
    let safe = SafeUpgrade::new(&world, LINE)?;
    let quiesce = |limit: &str| {
        let words = [
            "--profile",
            PROFILE,
            "--yes",
            "--limit",
            limit,
            "--image",
            image.as_str(),
        ];
        safe.elsewhere("quiesce", "books", &words)
    };
    let ours = "jobs,serviceaccounts,roles,rolebindings";
    let limits = || {
        let named = [
            "get",
            ours,
            "--selector",
            "app.kubernetes.io/component=time-limit",
            "--output",
            "name",
        ];
        world.place.kubectl(&named)
    };

    // An image that is not there is found out before anything is stopped.
    let none = [
        "--profile",
        PROFILE,
        "--yes",
        "--limit",
        "10m",
        "--image",
        "localhost/no-such:test",
    ];
    safe.elsewhere("quiesce", "books", &none)?.expect(10)?;
    ensure!(fields(&world)? == before);

    quiesce("10m")?.expect(0)?;
    ensure!(limits()?.lines().count() == 4, "{}", limits()?);
    safe.elsewhere("unquiesce", "books", &[])?.expect(0)?;
    ensure!(fields(&world)? == before);
    wait_for("the Job goes with its run", || Ok(limits()?.trim().is_empty()))?;

    let ended = quiesce("20s")?.expect(0)?;
    ensure!(ended.json()?["outcome"] == "quiesced", "{ended}");
    wait_for("the Job brings everything back", || {
        let status = safe.elsewhere("status", "books", &[])?;
        Ok(status.code == 0 && status.json()?[0]["outcome"] == "restored")
    })?;
    ensure!(fields(&world)? == before);
    app.wait_until_it_answers()
}
