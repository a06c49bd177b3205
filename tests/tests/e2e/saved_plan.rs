//! A plan that is saved, looked at, and run later: exactly that one, or refused with what moved.

use std::path::Path;

use anyhow::{Result, ensure};
use e2e::{Ended, Left, ReleaseState, SafeUpgrade, World};
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const KEEP: &str = "--reset-then-reuse-values";

fn save(safe: &SafeUpgrade<'_>, chart: &Path, file: &Path, secret: &str) -> Result<Ended> {
    let mut command = safe.command();
    command
        .arg("books")
        .arg(chart)
        .args([KEEP, "--profile", PROFILE, "--set", secret, "-o", "markdown"])
        .arg("--backup-to")
        .arg(safe.backups())
        .arg("--save-plan")
        .arg(file);
    Ended::of(&mut command)
}

fn run(safe: &SafeUpgrade<'_>, file: &Path, arguments: &[&str]) -> Result<Ended> {
    let mut command = safe.command();
    command
        .arg("--plan")
        .arg(file)
        .args(arguments)
        .args(["--yes", "-o", "json"]);
    Ended::of(&mut command)
}

fn scale_workers(world: &World, count: u32) -> Result<()> {
    let count = format!("--replicas={count}");
    world
        .place
        .kubectl(&["scale", "statefulset/books-worker", &count])?;
    world
        .place
        .kubectl(&["rollout", "status", "statefulset/books-worker", "--timeout=120s"])?;
    Ok(())
}

#[test]
fn a_saved_plan_runs_as_it_is_or_says_what_moved() -> Result<()> {
    let world = World::new("saved-plan")?;
    let line = HelmLine::Four;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=300"])?;
    let state = ReleaseState::read(&world.place)?;
    let safe = SafeUpgrade::new(&world, line)?;
    let chart = app.chart("1.1.0")?;
    let password = world.password("books-postgres")?;
    let secret = format!("postgres.password={password}");
    let file = world.folder.path().join("plan.json");

    let saved = save(&safe, &chart, &file, &secret)?.expect(0)?;
    ensure!(ReleaseState::read(&world.place)? == state, "nothing was changed");
    let left = Left::read(&world.place)?;
    ensure!(left.heads.is_empty() && left.others.is_empty(), "{left:?}");
    ensure!(
        saved.stdout.starts_with("# Change: upgrade books in ")
            && saved.stdout.contains("--set postgres.password=…"),
        "{saved}"
    );
    let text = std::fs::read_to_string(&file)?;
    ensure!(
        text.contains("--set postgres.password\""),
        "what is left out is named: {text}"
    );
    for written in [text.as_str(), &saved.stdout, &saved.stderr] {
        ensure!(!written.contains(&password), "the password is written down");
    }

    let refused = run(&safe, &file, &[])?.expect(1)?;
    ensure!(refused.stderr.contains("--set postgres.password"), "{refused}");
    let wrong = run(&safe, &file, &["--set", "postgres.password=another"])?.expect(2)?;
    ensure!(wrong.stderr.contains("the values went from"), "{wrong}");

    let workers = state.replicas["StatefulSet/books-worker"];
    scale_workers(&world, u32::try_from(workers)? + 1)?;
    let moved = run(&safe, &file, &["--set", &secret])?.expect(2)?;
    let told = format!(
        "replicas of statefulset/books-worker went from {workers} to {}",
        workers + 1
    );
    ensure!(moved.stderr.contains(&told), "{moved}");
    ensure!(
        moved.stderr.contains("--save-plan"),
        "the next command is told: {moved}"
    );
    scale_workers(&world, u32::try_from(workers)?)?;

    // A longer life, and a file of somebody else's among the words: neither is used.
    let changed_file = world.folder.path().join("changed.json");
    for (was, is) in [
        ("\"validUntil\": \"2", "\"validUntil\": \"3"),
        (
            "\"command\": [",
            "\"command\": [ \"--kubeconfig\", \"/dev/null\",",
        ),
    ] {
        ensure!(text.contains(was), "{text}");
        std::fs::write(&changed_file, text.replacen(was, is, 1))?;
        let changed = run(&safe, &changed_file, &["--set", &secret])?.expect(2)?;
        ensure!(
            changed.stderr.contains("was changed after it was written") && !changed.stderr.contains("next:"),
            "{changed}"
        );
    }
    let newer = world.folder.path().join("newer.json");
    std::fs::write(
        &newer,
        text.replacen(model::API_VERSION, "safe-upgrade.dev/v9", 1),
    )?;
    let unread = run(&safe, &newer, &["--set", &secret])?.expect(1)?;
    ensure!(
        unread.stderr.contains("run it with the version that made it"),
        "{unread}"
    );

    let holds = run(&safe, &file, &["--set", &secret, "--dry-run"])?.expect(0)?;
    ensure!(holds.json()?["kind"] == "SavedPlan", "{holds}");
    ensure!(
        holds.stderr.contains("nothing has moved") && ReleaseState::read(&world.place)? == state,
        "{holds}"
    );

    let ended = run(&safe, &file, &["--set", &secret])?.expect(0)?;
    ensure!(ended.json()?["outcome"] == "upgraded", "{ended}");
    app.wait_until_it_answers()?;
    ensure!(app.database().schema_version()? == 4);
    ensure!(ReleaseState::read(&world.place)?.replicas == state.replicas);

    let again = run(&safe, &file, &["--set", &secret])?.expect(2)?;
    ensure!(
        again.stderr.contains("the revision in force went from 1 to"),
        "{again}"
    );
    Ok(())
}
