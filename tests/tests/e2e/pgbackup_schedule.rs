//! `kubectl pgbackup schedule`: the program in an image, started by the cluster's own clock.

use anyhow::{Context, Result, ensure};
use e2e::{KubectlPlugins, World, program_image};
use serde_json::Value;
use test_apps::{HelmLine, Ledger};

const STORE: &str = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: backups }
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 1Gi } }
";

#[test]
fn the_cluster_s_clock_makes_a_backup_that_is_listed() -> Result<()> {
    let world = World::new("pgbackup-clock")?;
    let image = program_image(&world, "kubectl-pgbackup")?;
    let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &[])?;
    let claim = world.folder.path().join("claim.yaml");
    std::fs::write(&claim, STORE)?;
    let claim = claim.display().to_string();
    world.place.kubectl(&["apply", "-f", &claim])?;
    let kubectl = KubectlPlugins::new(&world)?;
    let set = [
        "schedule",
        "books",
        "--cron",
        "* * * * *",
        "--verify",
        "quarterly",
        "--claim",
        "backups",
        "--image",
        image.as_str(),
        "-o",
        "json",
    ];
    let printed = kubectl
        .run("pgbackup", &[&set[..], &["--print"]].concat())?
        .expect(0)?;
    ensure!(printed.stdout.contains("kind: CronJob"), "{printed}");
    let none = [
        "get",
        "cronjobs",
        "--selector",
        "safe-upgrade.dev/schedule",
        "--output",
        "name",
    ];
    ensure!(
        world.place.kubectl(&none)?.trim().is_empty(),
        "printing changes nothing"
    );
    kubectl
        .run("pgbackup", &set)?
        .expect_one_clear_line(1, &["--yes"])?;
    // Who grants rights has to hold them: those of the backup and of its test beside those of keeping a schedule.
    let account = kubectl.account_with("schedule,create,verify", &[])?;
    kubectl
        .run("pgbackup", &[&set[..], &["--yes", "--as", &account]].concat())?
        .expect(0)?;

    // Due within a minute; the backup itself takes seconds.
    let done = [
        "wait",
        "cronjob/pgbackup-books",
        "--for=jsonpath={.status.lastSuccessfulTime}",
        "--timeout=150s",
    ];
    if let Err(error) = world.place.kubectl(&done) {
        let pods = world.place.kubectl(&[
            "describe",
            "pods",
            "--selector",
            "safe-upgrade.dev/schedule=pgbackup-books",
        ]);
        let logs = world
            .place
            .kubectl(&["logs", "--selector", "safe-upgrade.dev/schedule=pgbackup-books"]);
        anyhow::bail!("{error:#}\n{pods:?}\n{logs:?}");
    }
    let volume =
        world
            .place
            .kubectl(&["get", "pvc", "backups", "--output", "jsonpath={.spec.volumeName}"])?;
    let volume: Value =
        serde_json::from_str(
            &world
                .place
                .kubectl(&["get", "pv", volume.trim(), "--output", "json"])?,
        )?;
    let folder = ["hostPath", "local"]
        .iter()
        .find_map(|kind| volume["spec"][kind]["path"].as_str())
        .context("a folder of this machine")?;
    let listed = kubectl.run("pgbackup", &["list", "books", "--from", folder, "-o", "json"])?;
    let listed = listed.expect(0)?.json()?;
    ensure!(listed["items"][0]["database"] == "ledger", "{listed}");

    the_scheduled_test_proves_it(&world, &kubectl, folder)?;
    let schedules = kubectl
        .run("pgbackup", &["schedule", "list", "-o", "json"])?
        .expect(0)?
        .json()?;
    ensure!(schedules["items"][0]["lastResult"].is_string(), "{schedules}");
    ensure!(
        schedules["items"][1]["name"] == "pgbackup-books-verify"
            && schedules["items"][1]["lastResult"] == "complete",
        "{schedules}"
    );
    for name in ["pgbackup-books", "pgbackup-books-verify"] {
        kubectl
            .run("pgbackup", &["schedule", "remove", name, "--yes"])?
            .expect(0)?;
    }
    let left = [
        "get",
        "cronjobs,roles,rolebindings,serviceaccounts",
        "--selector",
        "safe-upgrade.dev/schedule",
        "--output",
        "name",
    ];
    ensure!(world.place.kubectl(&left)?.trim().is_empty());
    Ok(())
}

/// What the clock would start next quarter is started now, with the account and the rights of the schedule.
fn the_scheduled_test_proves_it(world: &World, kubectl: &KubectlPlugins, folder: &str) -> Result<()> {
    world
        .place
        .kubectl(&["create", "job", "try", "--from=cronjob/pgbackup-books-verify"])?;
    let done = ["wait", "job/try", "--for=condition=complete", "--timeout=150s"];
    if let Err(error) = world.place.kubectl(&done) {
        let logs = world.place.kubectl(&["logs", "job/try"]);
        anyhow::bail!("{error:#}\n{logs:?}");
    }
    let listed = kubectl.run("pgbackup", &["list", "books", "--from", folder, "-o", "json"])?;
    let listed = listed.expect(0)?.json()?;
    let items = listed["items"].as_array().into_iter().flatten();
    let proven = items.filter(|item| item["grade"] == "A").count();
    ensure!(proven == 1, "{listed}");
    Ok(())
}
