//! A release that a killed helm left pending: what still works on it keeps it locked, what is dead lets it go.

use anyhow::{Context as _, Result, ensure};
use e2e::{Left, ReleaseState, SafeUpgrade, World, wait_for};
use test_apps::{HelmLine, Ledger};

const LINE: HelmLine = HelmLine::Four;

fn newest(world: &World) -> Result<String> {
    let history = Left::history(&world.place, LINE, "books")?;
    let (revision, status) = history.last_key_value().context("a revision")?;
    Ok(format!("{revision} {status}"))
}

#[test]
fn a_pending_release_is_unlocked_once_nothing_works_on_it_and_the_edit_can_be_taken_back() -> Result<()> {
    let world = World::new("unlock")?;
    let app = Ledger::new(&world.place, LINE, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["migrate.mode=hook", "seedRows=100"])?;
    app.write(5)?;
    let (entries, before) = (app.summary_of("test")?, ReleaseState::read(&world.place)?);
    let safe = SafeUpgrade::new(&world, LINE)?;
    let unlock = |arguments: &[&str]| safe.elsewhere("unlock", "books", arguments);
    let ended = unlock(&["--yes"])?.expect(0)?;
    ensure!(ended.json()?["changed"] == false, "nothing was locked: {ended}");

    let mut helm = world.place.helm_command(LINE);
    let chart = app.chart("1.1.0")?.display().to_string();
    let slow = [
        "--reset-then-reuse-values",
        "--set",
        "behaviour.slowMigration=3:600",
    ];
    helm.args(["upgrade", "books", &chart]).args(slow);
    let mut helm = helm.spawn()?;
    // A Job of this name is there since the installation.
    wait_for("the new hook migrates", || {
        let sleeping =
            "select count(*) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()";
        Ok(newest(&world)? == "2 pending-upgrade" && app.database().query(sleeping)?.trim() != "0")
    })?;
    helm.kill()?;
    helm.wait()?;
    ensure!(newest(&world)? == "2 pending-upgrade", "{}", newest(&world)?);

    let young = unlock(&["--yes"])?.expect(2)?;
    ensure!(young.to_string().contains("s only"), "{young}");
    let working = unlock(&["--yes", "--older-than", "1s"])?.expect(2)?;
    ensure!(
        working.to_string().contains("hook job books-migrate still runs"),
        "{working}"
    );
    ensure!(
        newest(&world)? == "2 pending-upgrade",
        "a refusal changed it: {}",
        newest(&world)?
    );

    world
        .place
        .kubectl(&["delete", "job/books-migrate", "--grace-period=0"])?;
    // Its session sleeps on: nothing makes the server look whether the client is still there.
    app.database().query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ledger-migrate'",
    )?;
    wait_for("the revision is older than a second", || {
        Ok(unlock(&["--older-than", "1s"])?.code != 2)
    })?;
    let asked = unlock(&["--older-than", "1s"])?.expect(1)?;
    ensure!(
        asked.to_string().contains("--yes"),
        "nobody was there to agree: {asked}"
    );
    let ended = unlock(&["--yes", "--older-than", "1s"])?.expect(0)?;
    let report = ended.json()?;
    ensure!(
        report["status"] == "failed" && report["changed"] == true,
        "{ended}"
    );
    ensure!(
        report["evidence"]["workloads"]["value"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty() && rows.iter().all(|row| row["stands"] != "newest")),
        "nothing of the new version had begun: {ended}"
    );
    ensure!(newest(&world)? == "2 failed", "{}", newest(&world)?);

    unlock(&["--undo"])?.expect(0)?;
    ensure!(newest(&world)? == "2 pending-upgrade", "{}", newest(&world)?);
    unlock(&["--undo"])?.expect(1)?;
    unlock(&["--yes", "--older-than", "1s"])?.expect(0)?;

    ensure!(
        ReleaseState::read(&world.place)? == before,
        "an unlock touches helm's record alone"
    );
    app.upgrade("1.1.0", &["migrate.mode=hook"])?;
    ensure!(newest(&world)? == "3 deployed", "{}", newest(&world)?);
    ensure!(app.summary_of("test")?.same_entries(&entries));
    Ok(())
}
