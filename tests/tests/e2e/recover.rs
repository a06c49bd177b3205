//! Upgrades that plain helm began and that crash or hang: finished where they were only not let finish, turned back where
//! the newer version does not work.

use anyhow::{Context as _, Result, ensure};
use e2e::{Ended, KubectlPlugins, Left, PsqlSession, ReleaseState, SafeUpgrade, World, wait_for};
use serde_json::Value;
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const WEB: &str = "app.kubernetes.io/instance=books,app.kubernetes.io/component=web";

/// `helm upgrade`, as a person types it who does not wait for the end.
fn plain_upgrade(world: &World, line: HelmLine, app: &Ledger, version: &str, values: &[&str]) -> Result<()> {
    let chart = app.chart(version)?.display().to_string();
    let mut words = vec!["upgrade", "books", &chart, "--reset-then-reuse-values"];
    for value in values {
        words.extend(["--set", value]);
    }
    world.place.helm(line, &words).map(drop)
}

fn recover(safe: &SafeUpgrade<'_>, arguments: &[&str]) -> Result<Ended> {
    let mut command = safe.command();
    command.args(["recover", "books", "--profile", PROFILE, "-o", "json"]);
    command.args(arguments).arg("--backup-to").arg(safe.backups());
    Ended::of(&mut command)
}

fn history(world: &World, line: HelmLine) -> Result<Vec<String>> {
    let history = Left::history(&world.place, line, "books")?;
    Ok(history
        .into_iter()
        .map(|(number, status)| format!("{number} {status}"))
        .collect())
}

/// What the database holds, by everything that a version has.
fn entries(app: &Ledger) -> Result<String> {
    app.database()
        .query("select count(*), md5(string_agg(e::text, ',' order by e::text)) from entries e")
}

/// Waits until a web pod has crashed so often that it is waited for with it.
fn wait_for_crashes(world: &World) -> Result<()> {
    wait_for("a web pod crashes again and again", || {
        let list: Value = serde_json::from_str(&world.place.kubectl(&[
            "get",
            "pods",
            "--selector",
            WEB,
            "--output",
            "json",
        ])?)?;
        let pods = list["items"].as_array().context("a list has items")?;
        let mut containers = pods.iter().map(|pod| &pod["status"]["containerStatuses"][0]);
        Ok(containers.any(|container| {
            container["restartCount"].as_i64() >= Some(2)
                && container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        }))
    })
}

/// The ids of a plan's steps, without their numbers.
fn steps(plan: &Value) -> Result<Vec<String>> {
    let steps = plan["steps"].as_array().context("a plan has steps")?;
    let ids = steps.iter().filter_map(|step| step["id"].as_str());
    Ok(ids.map(|id| id[3..].to_owned()).collect())
}

#[test]
fn a_migration_that_a_probe_kills_is_finished_without_it_and_the_chart_is_as_its_author_wrote_it()
-> Result<()> {
    let world = World::new("recover-forward")?;
    let line = HelmLine::Four;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.1.0", &["seedRows=500"])?;
    app.write(20)?;
    let (before, state) = (app.summary_of("test")?, ReleaseState::read(&world.place)?);
    let safe = SafeUpgrade::new(&world, line)?;
    let nothing = recover(&safe, &["--yes"])?.expect(0)?;
    ensure!(nothing.stderr.contains("nothing is to be recovered"), "{nothing}");
    ensure!(nothing.json()?["kind"] == "CheckReport", "{nothing}");
    let left = recover(&safe, &["--back", "--yes"])?.expect(2)?;
    ensure!(left.stderr.contains("safe-upgrade rollback books"), "{left}");

    let slow = ["behaviour.killSlowStart=true", "behaviour.slowMigration=5:10"];
    plain_upgrade(&world, line, &app, "2.0.0", &slow)?;
    wait_for("a probe kills the migration", || {
        let killing = [
            "get",
            "events",
            "--field-selector",
            "reason=Killing",
            "--output",
            "yaml",
        ];
        Ok(world.place.kubectl(&killing)?.contains("failed liveness probe"))
    })?;
    // Somebody's open transaction would hold the migration up as well.
    let stranger = PsqlSession::open(&world, "payroll", "begin; select count(*) from entries;")?;
    wait_for("the stranger is there", || {
        let there = "select count(*) from pg_stat_activity where application_name = 'payroll'";
        Ok(app.database().query(there)?.trim() == "1")
    })?;
    let refused = recover(&safe, &["--yes"])?.expect(2)?;
    ensure!(
        refused.stderr.contains("payroll") && refused.stderr.contains("--end-sessions"),
        "{refused}"
    );
    let crashing = history(&world, line)?;
    let plan = recover(&safe, &["--dry-run", "--end-sessions"])?
        .expect(0)?
        .json()?;
    let planned = steps(&plan)?;
    ensure!(
        planned[..10]
            == [
                "suspend",
                "quiesce",
                "drain",
                "end-sessions",
                "drain",
                "anchor-release",
                "back-up",
                "anchor-database",
                "helm-pass",
                "gate"
            ],
        "{planned:?}"
    );
    ensure!(plan["notices"].to_string().contains("finished forward"), "{plan}");
    ensure!(
        history(&world, line)? == crashing && app.database().schema_version()? == 4,
        "a look changed something"
    );

    let ended = recover(&safe, &["--yes", "--end-sessions"])?.expect(0)?;
    drop(stranger);
    ensure!(ended.json()?["outcome"] == "upgraded", "{ended}");
    app.wait_until_it_answers()?;
    ensure!(app.summary_of("test")?.same_entries(&before));
    ensure!(app.database().schema_version()? == 6);
    let after = ReleaseState::read(&world.place)?;
    ensure!(
        after.replicas == state.replicas
            && after.ready == after.replicas
            && after.suspended == state.suspended,
        "{state:?} became {after:?}"
    );
    ensure!(
        after.images["Deployment/books-web"].ends_with("2.0.0"),
        "{after:?}"
    );
    let template = [
        "get",
        "deployment/books-web",
        "--output",
        "jsonpath={.spec.template.spec}",
    ];
    let template: Value = serde_json::from_str(&world.place.kubectl(&template)?)?;
    ensure!(
        template["containers"][0]["livenessProbe"]["failureThreshold"] == 3
            && template["readinessGates"].is_null(),
        "the probe is back, the gate is gone: {template}"
    );
    ensure!(
        history(&world, line)? == ["1 superseded", "2 superseded", "4 deployed"],
        "{:?}",
        history(&world, line)?
    );
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 1 && left.others.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn a_version_that_does_not_work_is_turned_back_by_helm_alone_or_with_the_database() -> Result<()> {
    let world = World::new("recover-back")?;
    let line = HelmLine::Three;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=300"])?;
    app.write(10)?;
    let (before, state) = (entries(&app)?, ReleaseState::read(&world.place)?);
    let safe = SafeUpgrade::new(&world, line)?;

    plain_upgrade(&world, line, &app, "1.1.0", &["behaviour.failingMigration=3"])?;
    wait_for_crashes(&world)?;
    let ended = recover(&safe, &["--yes"])?.expect(0)?;
    ensure!(
        ended.stderr.contains("helm alone goes back") && ended.stderr.contains("exit code 4"),
        "{ended}"
    );
    app.wait_until_it_answers()?;
    ensure!(
        ReleaseState::read(&world.place)? == state,
        "everything is as before"
    );
    ensure!(entries(&app)? == before && app.database().schema_version()? == 2);
    ensure!(history(&world, line)? == ["1 superseded", "2 superseded", "3 deployed"]);

    let store = safe.backups().display().to_string();
    let kubectl = KubectlPlugins::new(&world)?;
    kubectl
        .run("pgbackup", &["create", "books", "--to", &store])?
        .expect(0)?;
    app.write(5)?;
    plain_upgrade(&world, line, &app, "3.0.0", &["behaviour.crashAfterSeconds=3"])?;
    wait_for_crashes(&world)?;
    ensure!(
        app.database().schema_version()? == 9,
        "the destructive migration came through"
    );
    let refused = recover(&safe, &["--yes"])?.expect(2)?;
    ensure!(refused.stderr.contains("--accept-loss"), "{refused}");

    // Killed half-way, it is a run like any other: another recover keeps off, resume needs nothing but the cluster.
    let killed = recover(&safe, &["--yes", "--accept-loss", "--fault", "kill:after:12"])?;
    ensure!(killed.code != 0 && !killed.stdout.contains("outcome"), "{killed}");
    let refused = recover(&safe, &["--yes", "--accept-loss"])?.expect(2)?;
    ensure!(
        refused.stderr.contains("is upgrading this release now"),
        "{refused}"
    );
    wait_for("the lease of the dead falls silent", || {
        let refused = recover(&safe, &["--yes", "--accept-loss"])?.expect(2)?;
        Ok(refused.stderr.contains("helm safe-upgrade resume books"))
    })?;
    safe.elsewhere("resume", "books", &[])?.expect(0)?;
    app.wait_until_it_answers()?;
    ensure!(
        entries(&app)? == before && app.database().schema_version()? == 2,
        "the data is that of the backup"
    );
    ensure!(ReleaseState::read(&world.place)? == state, "{state:?}");
    ensure!(
        history(&world, line)?.last().map(String::as_str) == Some("5 deployed"),
        "{:?}",
        history(&world, line)?
    );
    let kept = "select count(*) from pg_database where datname like 'ledger_pre_%'";
    ensure!(
        app.database().query(kept)?.trim() == "1",
        "what was in use is kept"
    );
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 2 && left.others.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn a_hook_that_hangs_under_a_killed_helm_is_ended_and_the_pending_revision_is_let_go() -> Result<()> {
    let world = World::new("recover-hook")?;
    let line = HelmLine::Four;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["migrate.mode=hook", "seedRows=100"])?;
    app.write(5)?;
    let (before, state) = (entries(&app)?, ReleaseState::read(&world.place)?);
    let safe = SafeUpgrade::new(&world, line)?;
    let chart = app.chart("1.1.0")?.display().to_string();
    let mut helm = world.place.helm_command(line);
    helm.args(["upgrade", "books", &chart, "--reset-then-reuse-values"]);
    let mut helm = helm.args(["--set", "behaviour.slowMigration=3:600"]).spawn()?;
    wait_for("the hook migrates", || {
        let sleeping =
            "select count(*) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()";
        Ok(app.database().query(sleeping)?.trim() != "0")
    })?;
    helm.kill()?;
    helm.wait()?;

    let young = recover(&safe, &["--yes"])?.expect(2)?;
    ensure!(young.stderr.contains("it may be at work"), "{young}");
    let ended = recover(
        &safe,
        &["--yes", "--older-than", "1s", "--back", "--timeout", "3s"],
    )?
    .expect(0)?;
    ensure!(
        ended
            .to_string()
            .contains("hook job books-migrate did not end within 3 s and was ended"),
        "{ended}"
    );
    app.wait_until_it_answers()?;
    ensure!(ReleaseState::read(&world.place)? == state, "{state:?}");
    ensure!(entries(&app)? == before && app.database().schema_version()? == 2);
    ensure!(
        history(&world, line)? == ["1 superseded", "2 failed", "3 deployed"],
        "{:?}",
        history(&world, line)?
    );
    let orphans = "select count(*) from pg_stat_activity where application_name = 'ledger-migrate'";
    ensure!(
        app.database().query(orphans)?.trim() == "0",
        "no session is left of it"
    );
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 1 && left.others.is_empty(), "{left:?}");
    Ok(())
}
