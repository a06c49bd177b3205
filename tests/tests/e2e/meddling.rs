//! Others who touch the release before and during a run.

use anyhow::{Result, ensure};
use e2e::{ReleaseState, SafeUpgrade, World};
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const KEEP: &str = "--reset-then-reuse-values";
const LINE: HelmLine = HelmLine::Four;

/// The write of the journal after which the database is remembered and helm is not started.
const BEFORE_HELM: &str = "kill:after:19";

#[test]
fn an_upgrade_by_somebody_else_and_what_it_wrote_outlive_the_run_that_gives_way() -> Result<()> {
    let world = World::new("meddling")?;
    let app = Ledger::new(&world.place, LINE, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=300"])?;
    let safe = SafeUpgrade::new(&world, LINE)?;
    let killed = safe.upgrade(
        "books",
        &app.chart("1.1.0")?,
        &[KEEP, "--profile", PROFILE, "--fault", BEFORE_HELM],
    )?;
    ensure!(killed.code != 0, "{killed}");

    app.upgrade("1.0.0", &["worker.replicas=1"])?;
    app.write(10)?;
    let written = app.summary_of("test")?;
    let ended = safe.elsewhere("resume", "books", &[])?.expect(10)?;
    ensure!(
        ended
            .to_string()
            .contains("revision 2 of books was written by somebody else"),
        "{ended}"
    );
    app.wait_until_it_answers()?;
    ensure!(app.summary_of("test")?.same_entries(&written));
    let counts = ReleaseState::read(&world.place)?.replicas;
    ensure!(
        counts["StatefulSet/books-worker"] == 1 && counts["Deployment/books-web"] == 2,
        "the counts of somebody else's upgrade stay: {counts:?}"
    );
    let history = e2e::Left::history(&world.place, LINE, "books")?;
    ensure!(
        history.get(&2).is_some_and(|status| status == "deployed"),
        "{history:?}"
    );
    let kept = app
        .database()
        .query("select count(*) from pg_database where datname like '%pre%'")?;
    ensure!(
        kept.trim() == "0",
        "the database was put back over what somebody else wrote"
    );
    Ok(())
}

#[test]
fn a_count_that_somebody_gave_while_the_run_was_down_stays_and_is_told() -> Result<()> {
    let world = World::new("scaled")?;
    let app = Ledger::new(&world.place, LINE, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=300"])?;
    let safe = SafeUpgrade::new(&world, LINE)?;
    let chart = app.chart("1.1.0")?;
    safe.upgrade(
        "books",
        &chart,
        &[KEEP, "--profile", PROFILE, "--fault", BEFORE_HELM],
    )?;
    world
        .place
        .kubectl(&["scale", "deployment/books-web", "--replicas=1"])?;
    let ended = safe.elsewhere("abort", "books", &[])?.expect(10)?;
    ensure!(
        ended
            .to_string()
            .contains("was given 1 by somebody else, which stays (it had 2)"),
        "{ended}"
    );
    let counts = ReleaseState::read(&world.place)?.replicas;
    ensure!(
        counts["Deployment/books-web"] == 1 && counts["StatefulSet/books-worker"] == 2,
        "{counts:?}"
    );
    Ok(())
}

/// With `autoscaling.enabled` the chart says no count, so that helm leaves one pod behind the gate and one after it.
fn counts_come_back(values: &[&str]) -> Result<()> {
    let world = World::new("counts")?;
    let app = Ledger::new(&world.place, LINE, "books", &world.subfolder("charts")?);
    app.install("1.0.0", values)?;
    let deployment = "deployment/books-web";
    if values.is_empty() {
        world.place.kubectl(&["scale", deployment, "--replicas=3"])?;
    }
    world.place.kubectl(&[
        "wait",
        deployment,
        "--for=jsonpath={.status.readyReplicas}=3",
        "--timeout=90s",
    ])?;
    let before = ReleaseState::read(&world.place)?;
    SafeUpgrade::new(&world, LINE)?
        .upgrade("books", &app.chart("1.1.0")?, &[KEEP, "--profile", PROFILE])?
        .expect(0)?;
    let after = ReleaseState::read(&world.place)?;
    ensure!(after.replicas == before.replicas, "{before:?} {after:?}");
    let owners = world.place.kubectl(&[
        "get",
        deployment,
        "--show-managed-fields",
        "-o",
        "jsonpath={.metadata.managedFields[*].manager}",
    ])?;
    ensure!(!owners.contains("safe-upgrade"), "{owners}");
    // A plain upgrade meets no owner of the count but helm.
    app.upgrade("1.1.0", &["web.drainSeconds=1"])
}

#[test]
fn a_count_set_by_hand_comes_back_and_leaves_no_conflict() -> Result<()> {
    counts_come_back(&[])
}

#[test]
fn a_count_that_an_autoscaler_keeps_comes_back_at_once() -> Result<()> {
    counts_come_back(&["autoscaling.enabled=true", "autoscaling.minReplicas=3"])
}
