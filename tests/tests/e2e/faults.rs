//! What happens to an upgrade when the world around it breaks: each ends with a true sentence and a state that is whole.

use std::process::Stdio;

use anyhow::{Result, ensure};
use e2e::{
    Ended, Left, PsqlSession, ReleaseState, SafeUpgrade, Stage, World, plugin_below, signal, wait_for,
};
use test_apps::{Ledger, Place, Postgres};

#[test]
fn a_hook_that_hangs_is_ended_after_its_limit_and_everything_is_put_back() -> Result<()> {
    let stage = Stage::new("hook-hangs", &["seedRows=100", "migrate.mode=hook"])?;
    let hang = ["--set", "behaviour.slowMigration=3:600", "--timeout", "12s"];
    let ended = stage.upgrade(&hang)?.expect(10)?;
    let report = ended.json()?.to_string();
    ensure!(
        report.contains("books-migrate did not end within 12 s and was ended"),
        "{ended}"
    );
    stage.is_as_before()
}

#[test]
fn the_wait_for_a_hook_that_hangs_is_cut_short_by_an_interrupt() -> Result<()> {
    let stage = Stage::new("hook-cut", &["seedRows=100", "migrate.mode=hook"])?;
    let child = stage.begin(&["--set", "behaviour.slowMigration=3:600", "--timeout", "10m"])?;
    stage.until_it_migrates()?;
    let plugin = plugin_below(&child)?;
    signal(plugin, "INT")?;
    wait_for("helm has ended, so that the way back waits for the hook", || {
        let newest = Left::history(&stage.world.place, Stage::LINE, "books")?;
        Ok(newest.get(&2).is_some_and(|status| status == "failed"))
    })?;
    signal(plugin, "INT")?;
    let ended = Ended::waited_for(child)?.expect(10)?;
    ensure!(ended.stderr.contains("press again within 5 s"), "{ended}");
    ensure!(
        ended
            .json()?
            .to_string()
            .contains("on the user's word and was ended"),
        "{ended}"
    );
    stage.is_as_before()
}

#[test]
fn a_hook_that_waits_for_a_lock_is_told_with_who_holds_it_and_everything_is_put_back() -> Result<()> {
    let stage = Stage::new("hook-locked", &["seedRows=100", "migrate.mode=hook"])?;
    // Its first statement sleeps, so that the table can be taken before the second wants it.
    let child = stage.begin(&["--set", "behaviour.slowMigration=3:12", "--timeout", "40s"])?;
    stage.until_it_migrates()?;
    let holder = PsqlSession::holding_entries(&stage.world, &stage.app.database(), "forgotten")?;
    let ended = Ended::waited_for(child)?.expect(10)?;
    drop(holder);
    let reason = ended.json()?["reason"].to_string();
    ensure!(
        reason.contains("(ledger-migrate) had waited") && reason.contains("(forgotten), idle in transaction"),
        "{ended}"
    );
    stage.is_whole(&ended)
}

#[test]
fn a_failing_hook_under_the_gate_after_is_turned_back_because_nobody_was_served() -> Result<()> {
    let stage = Stage::new("after-hook", &["seedRows=100", "migrate.mode=hook"])?;
    let broken = ["--set", "behaviour.failingMigration=4", "--gate", "after"];
    let ended = stage.upgrade(&broken)?.expect(10)?;
    ensure!(ended.json()?["outcome"] == "restored", "{ended}");
    stage.is_as_before()
}

#[test]
fn what_writers_that_go_on_have_written_is_not_taken_back_without_consent() -> Result<()> {
    let values = ["seedRows=100", "migrate.mode=hook", "worker.entrySeconds=1"];
    let stage = Stage::new("serving", &values)?;
    let text = std::fs::read_to_string(Stage::PROFILE)?.replace("quiesce: required", "quiesce: optional");
    let profile = stage.world.subfolder("profile")?.join("ledger.yaml");
    std::fs::write(&profile, text)?;
    let profile = profile.display().to_string();
    let arguments = [
        Stage::KEEP,
        "--profile",
        &profile,
        "--set",
        "behaviour.failingMigration=4",
        "--gate",
        "after",
    ];
    let safe = SafeUpgrade::new(&stage.world, Stage::LINE)?;
    let ended = safe
        .upgrade("books", &stage.app.chart("1.1.0")?, &arguments)?
        .expect(11)?;
    let reason = ended.json()?["reason"].to_string();
    ensure!(
        reason.contains("statefulset/books-worker") && reason.contains("went on writing since"),
        "{ended}"
    );
    let swapped = "select count(*) from pg_database where datname like '%\\_pre\\_%'";
    ensure!(
        stage.app.database().query(swapped)?.trim() == "0",
        "nothing was put back"
    );
    ensure!(stage.app.summary_of("test")?.same_entries(&stage.entries));

    // Whoever agrees to the loss gets the database of before.
    let agreed = safe.elsewhere("abort", "books", &["--accept-loss"])?.expect(10)?;
    ensure!(agreed.json()?["outcome"] == "restored", "{agreed}");
    ensure!(
        stage.app.database().query(swapped)?.trim() == "1",
        "it was put back"
    );
    ensure!(stage.app.summary_of("test")?.same_entries(&stage.entries));
    Ok(())
}

#[test]
fn what_turning_back_costs_is_told_once_the_gate_was_open_and_a_run_can_be_left_as_it_is() -> Result<()> {
    let stage = Stage::new("priced", &["seedRows=100"])?;
    let ended = stage.upgrade(&["--fault", "error:11-roll-out"])?.expect(11)?;
    let reason = ended.json()?["reason"].to_string();
    ensure!(
        reason.contains("revision 3 may have served since") && reason.contains("restored from backup"),
        "{reason}"
    );
    let safe = SafeUpgrade::new(&stage.world, Stage::LINE)?;
    let refused = safe.elsewhere("abort", "books", &[])?.expect(2)?;
    ensure!(refused.stderr.contains("may have served since"), "{refused}");

    let before = ReleaseState::read(&stage.world.place)?;
    let left = safe.elsewhere("abort", "books", &["--leave"])?.expect(11)?;
    ensure!(left.json()?["outcome"] == "left", "{left}");
    let after = ReleaseState::read(&stage.world.place)?;
    ensure!(
        after.suspended == stage.state.suspended,
        "nothing is held: {after:?}"
    );
    ensure!(
        after.replicas == before.replicas && after.images == before.images,
        "all else stays: {after:?}"
    );
    ensure!(stage.app.database().schema_version()? == 4);
    safe.elsewhere("resume", "books", &[])?.expect(1)?;
    stage.nothing_is_left()
}

#[test]
fn a_migration_that_takes_longer_than_the_probes_allow_comes_through() -> Result<()> {
    let stage = Stage::new("slow-boot", &["seedRows=100"])?;
    let slow = [
        "--set",
        "behaviour.slowMigration=3:15",
        "--set",
        "behaviour.killSlowStart=true",
    ];
    stage.upgrade(&slow)?.expect(0)?;
    stage.is_upgraded()
}

fn interrupted_while_it_migrates(prefix: &str, name: &str) -> Result<()> {
    let stage = Stage::new(prefix, &["seedRows=100"])?;
    let child = stage.begin(&["--set", "behaviour.slowMigration=3:60"])?;
    stage.until_it_migrates()?;
    signal(plugin_below(&child)?, name)?;
    let ended = Ended::waited_for(child)?.expect(10)?;
    ensure!(
        ended.json()?["reason"]
            .to_string()
            .contains("interrupted by the user"),
        "{ended}"
    );
    stage.is_as_before()
}

#[test]
fn an_interrupt_before_the_gate_puts_everything_back() -> Result<()> {
    interrupted_while_it_migrates("interrupted", "INT")
}

#[test]
fn a_polite_kill_before_the_gate_puts_everything_back() -> Result<()> {
    interrupted_while_it_migrates("terminated", "TERM")
}

#[test]
fn a_database_pod_that_goes_away_during_the_migration_leaves_everything_as_it_was() -> Result<()> {
    let stage = Stage::new("pod-gone", &["seedRows=100", "migrate.mode=hook"])?;
    let child = stage.begin(&["--set", "behaviour.slowMigration=3:20", "--timeout", "60s"])?;
    stage.until_it_migrates()?;
    stage
        .world
        .place
        .kubectl(&["delete", "pod", "books-postgres-0", "--wait=false"])?;
    // The hook's one try fails with the server; the way back finds the server's new pod.
    stage.is_whole(&Ended::waited_for(child)?)
}

/// Once when the writers are stopped and helm has not begun, and once when the gate was open. Whoever carries the run on
/// meets a server that goes or comes.
#[test]
fn a_database_pod_that_goes_away_before_helm_and_after_the_gate_is_outlived() -> Result<()> {
    let stage = Stage::new("pod-gone-twice", &["seedRows=100"])?;
    let safe = SafeUpgrade::new(&stage.world, Stage::LINE)?;
    let delete = ["delete", "pod", "books-postgres-0", "--wait=false"];
    let killed = stage.upgrade(&["--fault", "kill:after:19"])?;
    ensure!(killed.code != 0, "{killed}");
    let (history, held) = (
        Left::history(&stage.world.place, Stage::LINE, "books")?,
        ReleaseState::read(&stage.world.place)?,
    );
    ensure!(
        history.len() == 1 && held.replicas != stage.state.replicas,
        "writers are stopped and helm has not begun: {history:?}, {held:?}"
    );
    stage.world.place.kubectl(&delete)?;
    let ended = safe.elsewhere("resume", "books", &["--fault", "error:11-roll-out"])?;
    if ended.code == 10 {
        return stage.is_whole(&ended);
    }
    let ended = ended.expect(11)?;
    ensure!(
        ended.json()?["reason"]
            .to_string()
            .contains("may have served since"),
        "{ended}"
    );
    stage.world.place.kubectl(&delete)?;
    let ended = safe.elsewhere("resume", "books", &[])?.expect(0)?;
    stage.is_whole(&ended)
}

#[test]
fn an_image_that_cannot_be_pulled_is_named_and_everything_is_put_back() -> Result<()> {
    let stage = Stage::new("no-image", &["seedRows=100"])?;
    let ended = stage.upgrade(&["--set", "image.tag=never-built"])?.expect(10)?;
    let reason = ended.json()?["reason"].to_string();
    ensure!(reason.contains("ImagePullBackOff"), "{ended}");
    stage.is_as_before()
}

/// The migration takes more memory than its container may have, with its first half committed and its second at work.
fn killed_by_its_memory_limit(prefix: &str, values: &[&str], limit: &str) -> Result<()> {
    let stage = Stage::new(prefix, values)?;
    let hungry = ["--set", "behaviour.hungryMigration=4:512", "--set", limit];
    let ended = stage.upgrade(&hungry)?.expect(10)?;
    let reason = ended.json()?["reason"].to_string();
    ensure!(
        reason.contains("exit code 137 (OOMKilled: killed for its memory, the limit is 64Mi)"),
        "{ended}"
    );
    stage.is_whole(&ended)
}

#[test]
fn a_hook_that_its_memory_limit_kills_is_named_and_everything_is_put_back() -> Result<()> {
    let values = ["seedRows=100", "migrate.mode=hook"];
    killed_by_its_memory_limit("hook-memory", &values, "migrate.memoryLimit=64Mi")
}

#[test]
fn a_boot_that_its_memory_limit_kills_is_named_and_everything_is_put_back() -> Result<()> {
    killed_by_its_memory_limit("boot-memory", &["seedRows=100"], "web.memoryLimit=64Mi")
}

#[test]
fn a_killed_helm_is_cleared_away_and_a_count_that_somebody_gave_meanwhile_stays() -> Result<()> {
    let stage = Stage::new("helm-killed", &["seedRows=100", "migrate.mode=hook"])?;
    let place = &stage.world.place;
    let child = stage.begin(&["--set", "behaviour.slowMigration=3:15"])?;
    stage.until_it_migrates()?;
    place.kubectl(&["scale", "statefulset/books-worker", "--replicas=1"])?;
    stage.kill_helm()?;
    let ended = Ended::waited_for(child)?.expect(10)?;
    let report = ended.json()?;
    ensure!(
        report["reason"].to_string().contains("helm upgrade failed"),
        "{ended}"
    );
    ensure!(
        report
            .to_string()
            .contains("statefulset/books-worker was given 1 by somebody else, which stays (it had 2)"),
        "{ended}"
    );
    let mut expected = stage.state.clone();
    for counts in [&mut expected.replicas, &mut expected.ready] {
        counts.insert("StatefulSet/books-worker".into(), 1);
    }
    Stage {
        state: expected,
        ..stage
    }
    .is_as_before()
}

#[test]
fn a_stolen_lease_ends_the_run_where_it_is_and_it_is_resumed_when_the_thief_is_silent() -> Result<()> {
    let stage = Stage::new("lease-stolen", &["seedRows=100", "migrate.mode=hook"])?;
    // The loss is noticed with the next renewal, which the migration outlasts.
    let child = stage.begin(&["--set", "behaviour.slowMigration=3:40"])?;
    stage.until_it_migrates()?;
    let thief = r#"{"spec":{"holderIdentity":"a thief"}}"#;
    let place = &stage.world.place;
    place.kubectl(&[
        "patch",
        "lease/safe-upgrade.books",
        "--type=merge",
        "--patch",
        thief,
    ])?;
    let ended = Ended::waited_for(child)?.expect(11)?;
    ensure!(ended.to_string().contains("a thief"), "{ended}");
    let held = ReleaseState::read(place)?;
    ensure!(
        held.replicas["Deployment/books-web"] == 0,
        "nothing was put back: {held:?}"
    );

    let safe = SafeUpgrade::new(&stage.world, Stage::LINE)?;
    safe.elsewhere("resume", "books", &[])?.expect(0)?;
    stage.is_upgraded()
}

#[test]
fn rights_that_are_withdrawn_on_the_way_stop_the_run_and_another_account_takes_it_back() -> Result<()> {
    let stage = Stage::new("withdrawn", &["seedRows=100", "migrate.mode=hook"])?;
    let place = &stage.world.place;
    let namespace = &place.namespace;
    let rights = format!("withdrawn-{namespace}");
    place.kubectl(&["create", "serviceaccount", "upgrader"])?;
    place.kubectl(&[
        "create",
        "clusterrolebinding",
        &rights,
        "--clusterrole=cluster-admin",
        &format!("--serviceaccount={namespace}:upgrader"),
    ])?;
    let safe = SafeUpgrade::new(&stage.world, Stage::LINE)?;
    let slow = Stage::arguments(&["--set", "behaviour.slowMigration=3:20"]);
    let child = safe
        .upgrade_command("books", &stage.app.chart("1.1.0")?, &slow)
        .env("KUBECONFIG", stage.world.kubeconfig_of("upgrader")?)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let migrates = stage.until_it_migrates();
    place.kubectl(&["delete", "clusterrolebinding", &rights])?;
    migrates?;
    let ended = Ended::waited_for(child)?.expect(11)?;
    ensure!(ended.to_string().contains("forbidden"), "{ended}");
    let held = ReleaseState::read(place)?;
    ensure!(
        held.replicas["Deployment/books-web"] == 0,
        "nothing was put back: {held:?}"
    );

    safe.elsewhere("abort", "books", &[])?.expect(10)?;
    stage.is_as_before()
}

/// A database that another namespace's Service leads to: nothing of it belongs to the release.
#[test]
fn a_database_of_another_namespace_is_backed_up_and_put_back() -> Result<()> {
    let world = World::new("outside")?;
    let elsewhere = world.node.namespace("database")?;
    let outside = Place::new(&world.node, elsewhere.name());
    let database = Postgres::install(&outside, Stage::LINE, "data", 17)?;
    let password = outside.kubectl(&[
        "get",
        "secret",
        "data-postgres",
        "-o",
        "go-template={{.data.password | base64decode}}",
    ])?;
    let url = format!(
        "database.url=postgres://app:{password}@data-postgres.{}.svc:5432/app?sslmode=disable",
        elsewhere.name()
    );
    let app = Ledger::new(&world.place, Stage::LINE, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=100", "postgres.enabled=false", &url])?;
    app.write(20)?;
    let (before, state) = (app.summary_of("test")?, ReleaseState::read(&world.place)?);
    let broken = [
        Stage::KEEP,
        "--profile",
        Stage::PROFILE,
        "--set",
        "behaviour.failingMigration=4",
    ];
    SafeUpgrade::new(&world, Stage::LINE)?
        .upgrade("books", &app.chart("1.1.0")?, &broken)?
        .expect(10)?;
    app.wait_until_it_answers()?;
    ensure!(ReleaseState::read(&world.place)? == state);
    ensure!(app.summary_of("test")? == before && database.schema_version()? == 2);
    Ok(())
}
