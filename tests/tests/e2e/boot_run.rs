//! Ledger, an application that migrates when it boots, taken through the traffic gate.

use anyhow::{Context, Result, ensure};
use e2e::{Ended, Hidden, Left, ReleaseState, SafeUpgrade, World};
use test_apps::{HelmLine, Ledger, Probe};

/// The profile that says what ledger is.
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const KEEP: &str = "--reset-then-reuse-values";

fn installed(world: &World, line: HelmLine, version: &str, values: &[&str]) -> Result<Ledger> {
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install(version, values)?;
    app.write(25)?;
    Ok(app)
}

fn upgrades_behind_the_gate(line: HelmLine, postgres: &str) -> Result<()> {
    let world = World::new("boot-run")?;
    let app = installed(
        &world,
        line,
        "1.0.0",
        &["seedRows=2000", &format!("postgres.major={postgres}")],
    )?;
    let (before, state) = (app.summary_of("test")?, ReleaseState::read(&world.place)?);
    let probe = Probe::start(&app.address()?, "/version");
    let hidden = Hidden::watch(&world, &[&world.password("books-postgres")?])?;

    let safe = SafeUpgrade::new(&world, line)?;
    let ended = safe
        .upgrade("books", &app.chart("1.1.0")?, &[KEEP, "--profile", PROFILE])?
        .expect(0)?;
    let answers = probe.stop()?;
    hidden.are_nowhere(&world, &[&ended], &[safe.backups()])?;

    let report = ended.json()?;
    let opened = step_started(&report, "open-traffic")?;
    let first = answers
        .first("1.1.0")
        .context("the new version answers in the end")?;
    let since = std::time::Instant::now() - first;
    let first = std::time::SystemTime::now() - since;
    ensure!(
        first >= opened,
        "no request reached the new version before the gate opened: {report}"
    );

    let after = ReleaseState::read(&world.place)?;
    ensure!(
        after.replicas == state.replicas && after.suspended == state.suspended,
        "{state:?} became {after:?}"
    );
    ensure!(after.ready == after.replicas, "{after:?}");
    app.wait_until_it_answers()?;
    ensure!(app.summary_of("test")?.same_entries(&before));
    ensure!(app.database().schema_version()? == 4);
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 1 && left.others.is_empty(), "{left:?}");
    lands_on_no_gated_revision(&world, line)
}

/// When a step of the report began.
fn step_started(report: &serde_json::Value, word: &str) -> Result<std::time::SystemTime> {
    let steps = report["steps"].as_array().context("a report has steps")?;
    let step = steps
        .iter()
        .find(|step| step["id"].as_str().is_some_and(|id| id.ends_with(word)))
        .with_context(|| format!("a step {word}"))?;
    let text = step["startedAt"]
        .as_str()
        .with_context(|| format!("{word} has begun"))?;
    Ok(text.parse::<jiff::Timestamp>()?.into())
}

/// A numberless `helm rollback` goes to the revision before the newest, which must not be one that parked everything.
fn lands_on_no_gated_revision(world: &World, line: HelmLine) -> Result<()> {
    let state = ReleaseState::read(&world.place)?;
    let ended = Ended::of(world.place.helm_command(line).args(["rollback", "books"]))?;
    if ended.code != 0 {
        ensure!(ended.stderr.contains("has no"), "the gap is said: {ended}");
    }
    let after = ReleaseState::read(&world.place)?;
    ensure!(after.replicas == state.replicas, "nothing is parked: {after:?}");
    Ok(())
}

#[test]
fn ledger_is_upgraded_behind_the_gate_under_helm_3() -> Result<()> {
    upgrades_behind_the_gate(HelmLine::Three, "15")
}

#[test]
fn ledger_is_upgraded_behind_the_gate_under_helm_4() -> Result<()> {
    upgrades_behind_the_gate(HelmLine::Four, "17")
}

fn turns_back(line: HelmLine, version: &str, misbehaviour: &str, extra: &[&str]) -> Result<()> {
    let world = World::new("turns-back")?;
    let app = installed(&world, line, "1.0.0", &["seedRows=500"])?;
    let (before, state) = (app.summary_of("test")?, ReleaseState::read(&world.place)?);
    let probe = Probe::start(&app.address()?, "/version");

    let safe = SafeUpgrade::new(&world, line)?;
    let mut arguments = vec![KEEP, "--profile", PROFILE, "--set", misbehaviour];
    arguments.extend(extra);
    let ended = safe
        .upgrade("books", &app.chart(version)?, &arguments)?
        .expect(10)?;
    let answers = probe.stop()?;

    ensure!(ended.json()?["outcome"] == "restored", "{ended}");
    ensure!(
        answers.first(version).is_none(),
        "nobody was served by the new version"
    );
    ensure!(
        ReleaseState::read(&world.place)? == state,
        "everything is as before"
    );
    ensure!(
        app.summary_of("test")? == before,
        "the old version serves the old data"
    );
    ensure!(app.database().schema_version()? == 2);
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 1 && left.others.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn a_boot_migration_that_fails_half_way_is_turned_back_under_helm_4() -> Result<()> {
    turns_back(HelmLine::Four, "1.1.0", "behaviour.failingMigration=4", &[])
}

#[test]
fn a_destructive_version_that_never_gets_ready_is_turned_back_under_helm_3() -> Result<()> {
    turns_back(
        HelmLine::Three,
        "3.0.0",
        "behaviour.neverReady=true",
        &["--timeout", "40s"],
    )
}

#[test]
fn a_chart_with_post_upgrade_hooks_falls_back_to_the_gate_after() -> Result<()> {
    let world = World::new("gate-after")?;
    let line = HelmLine::Four;
    let app = installed(&world, line, "1.0.0", &["seedRows=500"])?;
    let (before, state) = (app.summary_of("test")?, ReleaseState::read(&world.place)?);
    let safe = SafeUpgrade::new(&world, line)?;
    let arguments = [KEEP, "--profile", PROFILE, "--set", "hooks.postUpgrade=true"];
    let chart = app.chart("1.1.0")?;

    let mut asked = arguments.to_vec();
    asked.extend(["--gate", "traffic"]);
    let refused = safe.upgrade("books", &chart, &asked)?.expect(2)?;
    ensure!(refused.stderr.contains("post-upgrade"), "{refused}");
    ensure!(ReleaseState::read(&world.place)? == state, "nothing was changed");

    safe.upgrade("books", &chart, &arguments)?.expect(0)?;
    let after = ReleaseState::read(&world.place)?;
    ensure!(
        after.replicas == state.replicas && after.ready == after.replicas,
        "{after:?}"
    );
    app.wait_until_it_answers()?;
    ensure!(app.summary_of("test")?.same_entries(&before));
    ensure!(app.database().schema_version()? == 4);
    Ok(())
}
