//! gocdnext's runbook, on the stand-in for gocdnext and with the built-in profile: `docs/runbooks/gocdnext.md`.

use std::process::Stdio;

use anyhow::{Result, ensure};
use e2e::{Ended, Left, ReleaseState, SafeUpgrade, World, wait_for};
use test_apps::{Gocdnext, HelmLine};

const AGENTS: &str = "statefulset/gocdnext-gocdnext-agent";

/// Whether a run of the release is at the step that waits for jobs.
fn waits_for_jobs(safe: &SafeUpgrade<'_>) -> Result<bool> {
    let ended = safe.elsewhere("status", "gocdnext", &[])?;
    if ended.code != 11 {
        return Ok(false);
    }
    let runs = ended.json()?;
    Ok(runs[0]["steps"].as_array().is_some_and(|steps| {
        steps.iter().any(|step| {
            step["state"] == "running" && step["id"].as_str().is_some_and(|id| id.ends_with("wait-idle"))
        })
    }))
}

/// All three parts run a version; counts are those of before but for the agents', and every pod is ready.
fn runs(version: &str, agents: i64, before: &ReleaseState, world: &World) -> Result<()> {
    let after = ReleaseState::read(&world.place)?;
    let mut counts = before.replicas.clone();
    counts.insert("StatefulSet/gocdnext-gocdnext-agent".to_owned(), agents);
    ensure!(
        after.replicas == counts && after.ready == counts,
        "{before:?} became {after:?}"
    );
    for part in [
        "Deployment/gocdnext-gocdnext-server",
        "StatefulSet/gocdnext-gocdnext-agent",
        "Deployment/gocdnext-gocdnext-web",
    ] {
        ensure!(after.images[part].ends_with(version), "{part}: {after:?}");
    }
    Ok(())
}

#[test]
fn gocdnext_waits_for_its_job_and_goes_back_by_helm_alone_under_helm_4() -> Result<()> {
    let world = World::new("gocdnext")?;
    let line = HelmLine::Four;
    let app = Gocdnext::new(&world.place, line, &world.subfolder("charts")?);
    app.install("0.4.34")?;
    // Three agents by hand, where the chart says two.
    world.place.kubectl(&["scale", AGENTS, "--replicas=3"])?;
    world
        .place
        .kubectl(&["rollout", "status", AGENTS, "--timeout=90s"])?;
    app.keep_secret("token")?;
    let done = app.queue_job()?;
    app.let_finish(done)?;
    wait_for("a job is done and three agents are registered", || {
        let jobs = app.jobs()?;
        Ok(jobs.succeeded == 1 && jobs.agents_online == 3)
    })?;
    let running = app.queue_job()?;
    wait_for("a job runs", || Ok(app.jobs()?.running == 1))?;
    let state = ReleaseState::read(&world.place)?;

    // Nothing is touched while the job runs.
    let (safe, target) = (SafeUpgrade::new(&world, line)?, app.chart("0.6.4")?);
    let mut command = safe.upgrade_command("gocdnext", &target, &[]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    wait_for("the run waits for the job", || waits_for_jobs(&safe))?;
    ensure!(
        ReleaseState::read(&world.place)? == state,
        "nothing is stopped yet"
    );
    ensure!(app.jobs()?.running == 1, "the job goes on");
    app.let_finish(running)?;
    wait_for("the agents are at 0", || {
        let counts = ReleaseState::read(&world.place)?.replicas;
        Ok(counts["StatefulSet/gocdnext-gocdnext-agent"] == 0)
    })?;
    let ended = Ended::from_output(&child.wait_with_output()?).expect(0)?;
    for told in [
        r#""msg":"OK   00036_runs_has_services.sql ("#,
        "goose: successfully migrated database to version: 39",
        "schema from version 35 to 39",
    ] {
        ensure!(ended.stderr.contains(told), "no {told:?} in {ended}");
    }

    app.wait_until_it_answers()?;
    runs("0.6.4", 3, &state, &world)?;
    all_is_there(&app, 2, 3)?;
    ensure!(app.database().schema_version()? == 39);
    let left = Left::read(&world.place)?;
    ensure!(left.heads.len() == 1 && left.others.is_empty(), "{left:?}");

    // The older server runs on the newer schema, so that helm alone goes back and what was written since stays.
    let late = app.queue_job()?;
    app.let_finish(late)?;
    all_is_there(&app, 3, 3)?;
    let mut command = safe.command();
    command.args(["rollback", "gocdnext", "--yes", "-o", "json", "--backup-to"]);
    Ended::of(command.arg(safe.backups()))?.expect(0)?;
    app.wait_until_it_answers()?;
    // It gives the agents the count that the older revision's manifest says.
    runs("0.4.34", 2, &state, &world)?;
    all_is_there(&app, 3, 2)?;
    ensure!(app.database().schema_version()? == 39, "the schema stays");
    let swapped = "select count(*) from pg_database where datname like 'gocdnext\\_%'";
    ensure!(app.database().query(swapped)? == "0", "no database was swapped");
    Ok(())
}

/// Waits until so many jobs have ended well and so many agents are registered; none was run twice, no row and no byte is
/// missing, and the key still opens the secret.
fn all_is_there(app: &Gocdnext, count: u64, agents: u64) -> Result<()> {
    wait_for("the jobs are done and the agents are registered", || {
        let jobs = app.jobs()?;
        Ok(jobs.succeeded == count && jobs.agents_online == agents)
    })?;
    let jobs = app.jobs()?;
    ensure!(
        jobs.jobs == count && jobs.run_twice == 0 && jobs.log_lines == count,
        "{jobs:?}"
    );
    ensure!(jobs.artefacts == count && jobs.artefacts_ok == count, "{jobs:?}");
    ensure!(jobs.secrets == 1 && jobs.secrets_open == 1, "{jobs:?}");
    Ok(())
}
