//! Going back to an older revision: by helm alone where the schema has not moved, else with the database.

use anyhow::{Result, ensure};
use e2e::{Ended, Left, ReleaseState, SafeUpgrade, World};
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const KEEP: &str = "--reset-then-reuse-values";

fn rollback(safe: &SafeUpgrade<'_>, arguments: &[&str]) -> Result<Ended> {
    let mut command = safe.command();
    command
        .args(["rollback", "books", "--profile", PROFILE, "--yes", "-o", "json"])
        .args(arguments);
    command.arg("--backup-to").arg(safe.backups());
    Ended::of(&mut command)
}

#[test]
fn a_moved_schema_is_put_back_with_consent_and_refused_without() -> Result<()> {
    let world = World::new("rollback")?;
    let line = HelmLine::Four;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=300"])?;
    app.write(10)?;
    let (before, state) = (app.summary_of("test")?, ReleaseState::read(&world.place)?);
    let safe = SafeUpgrade::new(&world, line)?;
    safe.upgrade("books", &app.chart("3.0.0")?, &[KEEP, "--profile", PROFILE])?
        .expect(0)?;
    app.wait_until_it_answers()?;
    app.write(5)?;
    let upgraded = ReleaseState::read(&world.place)?;

    let refused = rollback(&safe, &[])?.expect(2)?;
    ensure!(refused.stderr.contains("--accept-loss"), "{refused}");
    ensure!(
        ReleaseState::read(&world.place)? == upgraded,
        "nothing was changed"
    );

    let ended = rollback(&safe, &["--accept-loss"])?.expect(0)?;
    ensure!(ended.json()?["outcome"] == "upgraded", "{ended}");
    app.wait_until_it_answers()?;
    ensure!(
        app.summary_of("test")? == before,
        "the data is that of the older version"
    );
    ensure!(app.database().schema_version()? == 2);
    let after = ReleaseState::read(&world.place)?;
    ensure!(after == state, "{state:?} became {after:?}");
    let kept = app
        .database()
        .query("select count(*) from pg_database where datname like 'ledger_pre_%'")?;
    ensure!(kept.trim() == "1", "what was in use is kept: {kept}");
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 2 && left.others.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn an_unmoved_schema_goes_back_by_helm_alone() -> Result<()> {
    let world = World::new("rollback-helm")?;
    let line = HelmLine::Three;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.1.0", &["seedRows=300"])?;
    let state = ReleaseState::read(&world.place)?;
    let safe = SafeUpgrade::new(&world, line)?;
    let drained = [
        KEEP,
        "--profile",
        PROFILE,
        "--set",
        "web.terminationGracePeriodSeconds=20",
    ];
    safe.upgrade("books", &app.chart("1.1.0")?, &drained)?.expect(0)?;
    app.wait_until_it_answers()?;
    app.write(7)?;
    let written = app.summary_of("test")?;

    rollback(&safe, &[])?.expect(0)?;
    app.wait_until_it_answers()?;
    ensure!(app.summary_of("test")? == written, "what was written stays");
    let after = ReleaseState::read(&world.place)?;
    ensure!(after == state, "{state:?} became {after:?}");
    let databases = app
        .database()
        .query("select count(*) from pg_database where datname like 'ledger_%'")?;
    ensure!(databases.trim() == "0", "no database was swapped: {databases}");
    Ok(())
}

#[test]
fn a_revision_of_which_nothing_is_known_is_refused() -> Result<()> {
    let world = World::new("rollback-unknown")?;
    let line = HelmLine::Four;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=300"])?;
    app.upgrade("1.1.0", &[])?;
    let state = ReleaseState::read(&world.place)?;
    let safe = SafeUpgrade::new(&world, line)?;
    let refused = rollback(&safe, &["1"])?.expect(2)?;
    ensure!(
        refused.stderr.contains("nothing is known of the schema"),
        "{refused}"
    );
    rollback(&safe, &[])?.expect(1)?;
    ensure!(ReleaseState::read(&world.place)? == state);
    Ok(())
}
