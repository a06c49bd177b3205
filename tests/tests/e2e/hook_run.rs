//! OpenFGA, a real application whose schema a Helm hook migrates, taken from version to version by `helm safe-upgrade`.

use anyhow::{Result, ensure};
use e2e::{Left, ReleaseState, SafeUpgrade, World};
use test_apps::{HelmLine, OpenFga};

fn upgrades(line: HelmLine, postgres: u32, from: &str, to: &str, schema: i64) -> Result<()> {
    let world = World::new("hook-run")?;
    let app = OpenFga::new(&world.place, line, "authz", &world.subfolder("charts")?);
    app.install(from, postgres)?;
    let store = app.write(40)?;
    let (before, state) = (app.snapshot(&store)?, ReleaseState::read(&world.place)?);

    let safe = SafeUpgrade::new(&world, line)?;
    let ended = safe
        .upgrade("authz", &app.chart(to)?, &["--reset-then-reuse-values"])?
        .expect(0)?;
    ensure!(ended.json()?["outcome"] == "upgraded", "{ended}");

    let after = ReleaseState::read(&world.place)?;
    ensure!(
        after.replicas == state.replicas,
        "counts before {:?}, after {:?}",
        state.replicas,
        after.replicas
    );
    ensure!(after.ready == after.replicas, "every pod is ready: {after:?}");
    ensure!(after.images["Deployment/authz"].ends_with(to), "{after:?}");
    ensure!(
        app.snapshot(&store)? == before,
        "the application's own answers are equal"
    );
    ensure!(app.database().schema_version()? == schema);

    let left = Left::read(&world.place)?;
    ensure!(
        left.heads.len() == 1 && left.others.is_empty(),
        "only the journal head is left: {left:?}"
    );
    let history = Left::history(&world.place, line, "authz")?;
    ensure!(
        history.values().filter(|status| *status == "deployed").count() == 1,
        "{history:?}"
    );
    ensure!(
        !history.contains_key(&2),
        "the gated revision 2 is out of the history: {history:?}"
    );
    Ok(())
}

#[test]
fn openfga_goes_from_1_3_0_to_1_22_1_under_helm_3() -> Result<()> {
    upgrades(HelmLine::Three, 15, "1.3.0", "1.22.1", 6)
}

#[test]
fn openfga_goes_from_1_8_4_to_1_22_1_under_helm_4() -> Result<()> {
    upgrades(HelmLine::Four, 17, "1.8.4", "1.22.1", 6)
}

#[test]
fn a_hook_that_fails_leaves_the_old_version_serving_the_old_data() -> Result<()> {
    let world = World::new("hook-fails")?;
    let line = HelmLine::Four;
    let app = OpenFga::new(&world.place, line, "authz", &world.subfolder("charts")?);
    app.install("1.3.0", 18)?;
    let store = app.write(40)?;
    let (before, state) = (app.snapshot(&store)?, ReleaseState::read(&world.place)?);
    // Migration 5 adds this column: migration 4 goes through, 5 fails, and the schema stands half-way.
    app.database()
        .query("alter table changelog add column condition_name text")?;

    let safe = SafeUpgrade::new(&world, line)?;
    let ended = safe
        .upgrade(
            "authz",
            &app.chart("1.22.1")?,
            &["--reset-then-reuse-values", "--timeout", "60s"],
        )?
        .expect(10)?;
    ensure!(ended.json()?["outcome"] == "restored", "{ended}");

    ensure!(
        ReleaseState::read(&world.place)? == state,
        "everything is as before"
    );
    ensure!(
        app.snapshot(&store)? == before,
        "the old version serves the old data"
    );
    ensure!(app.database().schema_version()? == 3);
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 1 && left.others.is_empty(), "{left:?}");
    Ok(())
}
