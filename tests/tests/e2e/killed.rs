//! The plugin killed while helm works, and others that a run keeps away or is kept away by. Deaths between two acts are in
//! `deaths`.

use std::process::{Child, Stdio};

use anyhow::{Result, ensure};
use e2e::{Ended, Left, ReleaseState, SafeUpgrade, World, plugin_below, processes, signal, wait_for};
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const KEEP: &str = "--reset-then-reuse-values";

fn nothing_left(world: &World) -> Result<()> {
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 1 && left.others.is_empty(), "{left:?}");
    Ok(())
}

/// Kills the plugin itself while helm waits for a slow hook, as a power cut would.
#[test]
fn helm_dies_with_the_plugin_and_the_hook_is_waited_for() -> Result<()> {
    let world = World::new("killed-helm")?;
    let line = HelmLine::Four;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=300", "migrate.mode=hook"])?;
    app.write(10)?;
    let before = app.summary_of("test")?;
    let safe = SafeUpgrade::new(&world, line)?;
    let slow = [
        "--set",
        "behaviour.slowMigration=3:20",
        "--gate",
        "schema",
        KEEP,
        "--profile",
        PROFILE,
    ];
    let mut command = safe.upgrade_command("books", &app.chart("1.1.0")?, &slow);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // The installation had a job of the same name: this one belongs to the revision that helm is writing.
    let there = |kind: &str, name: &str, field: &str| {
        world.place.kubectl(&[
            "get",
            kind,
            name,
            "--ignore-not-found",
            "-o",
            &format!("jsonpath={{{field}}}"),
        ])
    };
    wait_for("helm writes revision 2", || {
        Ok(!there("secret", "sh.helm.release.v1.books.v2", ".kind")?.is_empty())
    })?;
    wait_for("the hook job runs", || {
        Ok(there("job", "books-migrate", ".status.active")? == "1")
    })?;
    kill_plugin(&mut child)?;
    wait_for("no helm upgrade is left", || Ok(!any_helm_of(&world)?))?;

    let ended = safe.elsewhere("resume", "books", &[])?.expect(0)?;
    ensure!(ended.json()?["outcome"] == "upgraded", "{ended}");
    app.wait_until_it_answers()?;
    ensure!(app.summary_of("test")?.same_entries(&before));
    ensure!(app.database().schema_version()? == 4);
    nothing_left(&world)
}

/// Kills the plugin below the outer helm, and the outer helm with it.
fn kill_plugin(outer: &mut Child) -> Result<()> {
    signal(plugin_below(outer)?, "KILL")?;
    outer.kill()?;
    outer.wait()?;
    Ok(())
}

/// Whether a `helm upgrade` of this test's namespace is still there.
fn any_helm_of(world: &World) -> Result<bool> {
    Ok(processes()?.iter().any(|process| {
        let line = process.line();
        line.contains(" upgrade ") && line.contains(&world.place.namespace) && line.contains("--reset-values")
    }))
}

#[test]
fn a_second_run_is_refused_by_name() -> Result<()> {
    let world = World::new("refused")?;
    let line = HelmLine::Four;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=300"])?;
    let chart = app.chart("1.1.0")?;
    let safe = SafeUpgrade::new(&world, line)?;
    let state = ReleaseState::read(&world.place)?;
    let slow = [
        "--set",
        "behaviour.slowMigration=3:15",
        KEEP,
        "--profile",
        PROFILE,
    ];
    let first = safe
        .upgrade_command("books", &chart, &slow)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    wait_for("the first run holds its lease", || {
        Ok(!world
            .place
            .kubectl(&[
                "get",
                "lease",
                "safe-upgrade.books",
                "--ignore-not-found",
                "-o",
                "name",
            ])?
            .is_empty())
    })?;
    let second = safe
        .upgrade("books", &chart, &[KEEP, "--profile", PROFILE])?
        .expect(2)?;
    ensure!(
        second.stderr.contains("books") || second.stdout.contains("books"),
        "{second}"
    );
    let first = Ended::from_output(&first.wait_with_output()?).expect(0)?;
    let run = first.json()?["run"].as_str().unwrap_or_default().to_owned();
    ensure!(
        format!("{second}").contains(&run),
        "the second names run {run}: {second}"
    );
    ensure!(ReleaseState::read(&world.place)?.replicas == state.replicas);
    Ok(())
}

/// A kubeconfig of a ServiceAccount that may do everything in its namespace but change scales.
fn without_scale(world: &World) -> Result<std::path::PathBuf> {
    let namespace = &world.place.namespace;
    let manifest = format!(
        r#"
apiVersion: v1
kind: ServiceAccount
metadata: {{name: nearly, namespace: {namespace}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: nearly, namespace: {namespace}}}
rules:
- {{apiGroups: [""], resources: ["*"], verbs: ["*"]}}
- {{apiGroups: ["batch", "coordination.k8s.io", "autoscaling", "policy", "networking.k8s.io"], resources: ["*"], verbs: ["*"]}}
- {{apiGroups: ["apps"], resources: ["deployments", "statefulsets", "daemonsets", "replicasets"], verbs: ["*"]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: nearly, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: nearly}}
subjects: [{{kind: ServiceAccount, name: nearly, namespace: {namespace}}}]
"#
    );
    world.node.apply(namespace, &manifest)?;
    world.kubeconfig_of("nearly")
}

#[test]
fn a_withheld_right_is_named_before_anything_changes() -> Result<()> {
    let world = World::new("withheld")?;
    let line = HelmLine::Three;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=300"])?;
    let state = ReleaseState::read(&world.place)?;
    let safe = SafeUpgrade::new(&world, line)?;
    let mut command = safe.upgrade_command("books", &app.chart("1.1.0")?, &[KEEP, "--profile", PROFILE]);
    let refused = Ended::of(command.env("KUBECONFIG", without_scale(&world)?))?.expect(2)?;
    ensure!(
        refused.stderr.contains("patch deployments/scale"),
        "verb and resource are named: {refused}"
    );
    ensure!(ReleaseState::read(&world.place)? == state, "nothing was changed");
    ensure!(Left::read(&world.place)?.heads.is_empty(), "no run was begun");
    Ok(())
}
