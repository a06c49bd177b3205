//! Coder's runbook, on the stand-in for Coder and with the built-in profile: `docs/runbooks/coder.md`.

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, Left, ReleaseState, SafeUpgrade, World, wait_for};
use serde_json::Value;
use test_apps::{Coder, HelmLine};

fn row<'a>(report: &'a Value, id: &str) -> Result<&'a Value> {
    let rows = report["checks"].as_array().context("a report has checks")?;
    rows.iter()
        .find(|row| row["id"] == id)
        .with_context(|| format!("no row {id}"))
}

/// The same counts, every pod ready, and the image of a version in the replicas of coderd alone.
fn runs(version: &str, before: &ReleaseState, world: &World) -> Result<()> {
    let after = ReleaseState::read(&world.place)?;
    let mut images = before.images.clone();
    images.insert(
        "Deployment/coder".to_owned(),
        format!("localhost/coder:{version}"),
    );
    ensure!(
        after.replicas == before.replicas && after.ready == before.ready && after.images == images,
        "{before:?} became {after:?}"
    );
    Ok(())
}

/// A pod of an older version by hand, on the database of the release.
const OLDER: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: older }
spec:
  restartPolicy: Never
  containers:
    - name: coder
      image: localhost/coder:2.26.6
      args: [server]
      env:
        - name: CODER_PG_CONNECTION_URL
          valueFrom: { secretKeyRef: { name: coder-db-url, key: url } }
"#;

#[test]
fn coder_goes_over_its_stop_and_an_older_image_refuses_the_newer_schema_under_helm_3() -> Result<()> {
    let world = World::new("coder")?;
    let line = HelmLine::Three;
    let app = Coder::new(&world.place, line, &world.subfolder("charts")?);
    app.install("2.26.0", false)?;
    app.install_provisioner("2.26.0")?;
    app.add_users("user", 20)?;
    let (before, state) = (app.users()?, ReleaseState::read(&world.place)?);
    let safe = SafeUpgrade::new(&world, line)?;

    let target = app.chart("2.27.8")?;
    let past = safe.upgrade("coder", &target, &[])?.expect(2)?;
    ensure!(past.to_string().contains("2.26.6, then 2.27.8"), "{past}");
    ensure!(ReleaseState::read(&world.place)? == state, "nothing was changed");

    for (version, schema, hazard) in [
        ("2.26.6", 2, "liveness-kills-migration"),
        ("2.27.8", 4, "api-keys-locks"),
    ] {
        let ended = safe.upgrade("coder", &app.chart(version)?, &[])?.expect(0)?;
        ensure!(ended.stderr.contains(hazard), "no {hazard} in {ended}");
        app.wait_until_it_answers()?;
        runs(version, &state, &world)?;
        ensure!(app.users()?.same_users(&before));
        ensure!(app.schema()? == format!("{schema}|f"), "{}", app.schema()?);
    }
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 2 && left.others.is_empty(), "{left:?}");

    // Charts before 2.30.0 have the probe that kills a long migration, later ones do not.
    let kubectl = KubectlPlugins::new(&world)?;
    let helm = kubectl.helm(line);
    let check = |chart: &str, more: &[&str]| {
        let words = ["coder", chart, "--helm-bin", &helm, "-o", "json"];
        kubectl.run("upgrade-check", &[&words, more].concat())
    };
    let with_probe = check(&target.display().to_string(), &[])?.json()?;
    let without = check(&app.chart("2.30.0")?.display().to_string(), &[])?.json()?;
    ensure!(
        row(&with_probe, "startup-budget")?["verdict"] == "warn",
        "{with_probe}"
    );
    ensure!(row(&without, "startup-budget")?["verdict"] == "pass", "{without}");

    // The image of before ends on this schema, and the check says so before anybody tries.
    let older = app.chart("2.26.6")?.display().to_string();
    let known = app.migrations("2.26.6")?.display().to_string();
    let refused = check(&older, &["--migrations", &known])?.expect(2)?.json()?;
    let told = row(&refused, "schema-target")?;
    ensure!(told["verdict"] == "fail", "{told}");
    world.node.apply(&world.place.namespace, OLDER)?;
    let failed = "--for=jsonpath={.status.phase}=Failed";
    world
        .place
        .kubectl(&["wait", "pod/older", failed, "--timeout=60s"])?;
    let log = world.place.kubectl(&["logs", "older"])?;
    ensure!(log.contains("no migration found for version 4"), "{log}");
    ensure!(app.users()?.same_users(&before), "the newer one serves on");
    Ok(())
}

#[test]
fn replicas_that_hold_api_keys_hang_a_plain_upgrade_and_not_a_run_under_helm_4() -> Result<()> {
    let world = World::new("coder-locks")?;
    let line = HelmLine::Four;
    let app = Coder::new(&world.place, line, &world.subfolder("charts")?);
    app.install("2.26.6", true)?;
    app.add_users("user", 10)?;
    let (before, state) = (app.users()?, ReleaseState::read(&world.place)?);
    let (safe, target) = (SafeUpgrade::new(&world, line)?, app.chart("2.27.8")?);

    // A run stops them first.
    safe.upgrade("coder", &target, &[])?.expect(0)?;
    app.wait_until_it_answers()?;
    runs("2.27.8", &state, &world)?;
    ensure!(app.users()?.same_users(&before) && app.schema()? == "4|f");

    // The way back is the backup, with consent.
    app.add_users("late", 3)?;
    let rollback = |more: &[&str]| {
        let mut command = safe.command();
        command
            .args(["rollback", "coder", "--yes", "-o", "json"])
            .args(more);
        Ended::of(command.arg("--backup-to").arg(safe.backups()))
    };
    let refused = rollback(&[])?.expect(2)?;
    ensure!(refused.stderr.contains("--accept-loss"), "{refused}");
    runs("2.27.8", &state, &world)?;
    rollback(&["--accept-loss"])?.expect(0)?;
    app.wait_until_it_answers()?;
    ensure!(ReleaseState::read(&world.place)? == state);
    ensure!(app.users()? == before && app.schema()? == "2|f");

    plain_upgrade_hangs_until_the_holders_are_ended(&world, &app, line)?;
    runs("2.27.8", &state, &world)?;
    ensure!(app.users()?.same_users(&before) && app.schema()? == "4|f");
    Ok(())
}

/// Helm alone starts the new version beside replicas that hold the table.
fn plain_upgrade_hangs_until_the_holders_are_ended(world: &World, app: &Coder, line: HelmLine) -> Result<()> {
    let old = world.place.pods("app.kubernetes.io/version=2.26.6")?;
    let target = app.chart("2.27.8")?.display().to_string();
    world.place.helm(line, &["upgrade", "coder", &target])?;

    let kubectl = KubectlPlugins::new(world)?;
    let mut told = String::new();
    wait_for("the check says who is in the way", || {
        let report = kubectl.run("upgrade-check", &["coder", "-o", "json"])?.json()?;
        let row = row(&report, "lock-waits")?;
        told = row["message"].to_string();
        Ok(row["verdict"] == "fail" && report["verdict"] == "blocked")
    })?;
    let is_named = old.iter().any(|(pod, _)| told.contains(pod));
    ensure!(told.contains("api_keys") && is_named, "{old:?}: {told}");

    let tree = kubectl
        .run("upgrade-check", &["locks", "coder", "-o", "json"])?
        .expect(2)?
        .json()?;
    let roots = tree["roots"].as_array().context("a report has roots")?;
    ensure!(roots.len() == 2, "each replica holds the table: {tree}");
    for root in roots {
        let pid = root["party"]["pid"].to_string();
        let words = ["locks", "coder", "--terminate", &pid, "--yes"];
        kubectl.run("upgrade-check", &words)?.expect(0)?;
    }
    let rolled_out = ["rollout", "status", "deployment/coder", "--timeout=180s"];
    world.place.kubectl(&rolled_out)?;
    world
        .place
        .wait_until_leaving_pods_are_gone("app.kubernetes.io/name=coder")?;
    app.wait_until_it_answers()
}
