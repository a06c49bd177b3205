//! `kubectl upgrade-check` on a release of the node: what blocks, what it is called, and that it turns with the cluster.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, PsqlSession, World};
use serde_json::Value;
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const KEEP: &str = "--reset-then-reuse-values";

fn ledger(world: &World, line: HelmLine) -> Result<Ledger> {
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &[])?;
    Ok(app)
}

fn row<'a>(report: &'a Value, id: &str) -> Result<&'a Value> {
    let rows = report["checks"].as_array().context("a report has checks")?;
    rows.iter()
        .find(|row| row["id"] == id)
        .with_context(|| format!("no row {id}"))
}

/// Asks until the check ends with this code.
#[expect(
    clippy::disallowed_methods,
    reason = "neither a server nor a program can be watched for what it will answer"
)]
fn until(mut check: impl FnMut() -> Result<Ended>, code: i32) -> Result<Ended> {
    let begun = Instant::now();
    loop {
        let ended = check()?;
        if ended.code == code {
            return Ok(ended);
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(40),
            "it never ended with {code}: {ended}"
        );
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_held_lock_blocks_by_the_holder_s_number_until_it_is_gone() -> Result<()> {
    let world = World::new("check-lock")?;
    let app = ledger(&world, HelmLine::Four)?;
    let chart = app.chart("1.1.0")?.display().to_string();
    let kubectl = KubectlPlugins::new(&world)?;
    let helm = kubectl.helm(HelmLine::Four);
    let check = || {
        let target = [
            "books",
            &chart,
            KEEP,
            "--profile",
            PROFILE,
            "--helm-bin",
            &helm,
            "-o",
            "json",
        ];
        kubectl.run("upgrade-check", &target)
    };
    let ready = check()?.expect(0)?;
    ensure!(
        ready.json()?["kind"] == "CheckReport" && ready.stderr.is_empty(),
        "{ready}"
    );

    // What was seen is judged once more, without the cluster: word for word the same.
    let kept = world.folder.path().join("seen.json").display().to_string();
    let live = kubectl
        .run(
            "upgrade-check",
            &[
                "books",
                "--profile",
                PROFILE,
                "--save-observation",
                &kept,
                "-o",
                "yaml",
            ],
        )?
        .expect(0)?;
    let mut offline = std::process::Command::new(e2e::program("kubectl-upgrade_check")?);
    offline
        .args(["--observation", &kept, "-o", "yaml"])
        .env("KUBECONFIG", "/nonexistent");
    let again = Ended::of(&mut offline)?.expect(0)?;
    ensure!(again.stdout == live.stdout, "{live} became {again}");

    let holder = PsqlSession::holding_entries(&world, &app.database(), "forgotten")?;
    // The application runs into it by itself; this makes sure that somebody does.
    let waiter = PsqlSession::open(&world, "patient", "select count(*) from entries;")?;
    let blocked = until(check, 2)?;
    let report = blocked.json()?;
    ensure!(report["verdict"] == "blocked", "{report}");
    let pid = app
        .database()
        .query("select pid from pg_stat_activity where application_name = 'forgotten'")?;
    let lock = row(&report, "lock-waits")?;
    let told = lock["message"].as_str().unwrap_or_default();
    ensure!(lock["verdict"] == "fail", "{lock}");
    ensure!(
        told.contains(pid.trim()) && told.contains("entries") && told.contains("forgotten"),
        "pid {}: {told}",
        pid.trim()
    );

    // The tree says the same, a probe does not queue behind it, and whom a person names is ended.
    let locks = |more: &[&str]| {
        kubectl.run(
            "upgrade-check",
            &[&["locks", "books", "-o", "json"], more].concat(),
        )
    };
    let tree = locks(&["--probe"])?.expect(2)?.json()?;
    let number: i32 = pid.trim().parse()?;
    let roots = tree["roots"].as_array().context("a report has roots")?;
    let root = roots
        .iter()
        .find(|root| root["party"]["pid"] == number)
        .with_context(|| format!("no pid {number} in {tree}"))?;
    ensure!(root["waiters"].to_string().contains("patient"), "{root}");
    let probed = tree["probed"].as_array().context("tables were asked")?;
    ensure!(
        probed
            .iter()
            .any(|table| table["table"] == "public.entries" && table["outcome"] == "held"),
        "{tree}"
    );
    let refused = locks(&["--terminate", pid.trim()])?.expect(1)?;
    let needed = format!("--terminate {} is done only with --yes", pid.trim());
    ensure!(refused.stderr.contains(&needed), "{refused}");
    locks(&["--terminate", pid.trim(), "--yes"])?.expect(0)?;
    let left = app
        .database()
        .query("select count(*) from pg_stat_activity where application_name = 'forgotten'")?;
    ensure!(left.trim() == "0", "{left} are left");

    drop(holder);
    drop(waiter);
    until(check, 0)?;
    Ok(())
}

#[test]
fn a_right_withheld_is_named_by_verb_and_resource() -> Result<()> {
    let world = World::new("check-rights")?;
    let app = ledger(&world, HelmLine::Three)?;
    let chart = app.chart("1.1.0")?.display().to_string();
    let kubectl = KubectlPlugins::new(&world)?;
    let helm = kubectl.helm(HelmLine::Three);
    let reader = world.reader(&["secrets", "pods", "services", "configmaps"])?;
    let as_reader = ["--as", &reader, "-o", "json"];

    let ended = kubectl
        .run(
            "upgrade-check",
            &[&["books", &chart, KEEP, "--helm-bin", &helm], &as_reader[..]].concat(),
        )?
        .expect(2)?;
    let report = ended.json()?;
    let told = |id: &str| -> Result<String> {
        Ok(row(&report, id)?["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    };
    ensure!(
        told("access-quiesce")?.contains("patch deployments/scale"),
        "{ended}"
    );
    ensure!(told("access-backup")?.contains("create pods/exec"), "{ended}");
    ensure!(told("access-upgrade")?.contains("create secrets"), "{ended}");

    kubectl
        .run("pgbackup", &["create", "books", "--as", &reader])?
        .expect_one_clear_line(2, &["pods/exec"])?;
    Ok(())
}

#[test]
fn who_may_not_read_helms_records_is_judged_without_the_target_and_told_which_right() -> Result<()> {
    let world = World::new("check-secrets")?;
    let app = ledger(&world, HelmLine::Four)?;
    let chart = app.chart("1.1.0")?.display().to_string();
    let kubectl = KubectlPlugins::new(&world)?;
    let helm = kubectl.helm(HelmLine::Four);
    let reader = world.reader(&["pods", "services", "configmaps"])?;
    let ended = kubectl
        .run(
            "upgrade-check",
            &[
                "books",
                &chart,
                KEEP,
                "--helm-bin",
                &helm,
                "--as",
                &reader,
                "-o",
                "json",
            ],
        )?
        .expect(2)?;
    let report = ended.json()?;
    let told = row(&report, "access-observe")?["message"].to_string();
    ensure!(told.contains("secrets"), "{ended}");
    ensure!(ended.stderr.contains("the target was not judged"), "{ended}");
    let unread = row(&report, "helm-hook-leftover")?;
    ensure!(unread["verdict"] == "unknown", "{unread}");
    Ok(())
}

#[test]
fn a_word_is_a_command_and_release_is_always_the_release() -> Result<()> {
    let world = World::new("check-words")?;
    let kubectl = KubectlPlugins::new(&world)?;
    let mut explain = kubectl.bare()?;
    let explained = Ended::of(explain.args(["upgrade-check", "explain", "lock-waits"]))?.expect(0)?;
    ensure!(
        explained.stdout.contains("pg_") || explained.stdout.contains("wait"),
        "{explained}"
    );
    kubectl
        .run("upgrade-check", &["--release", "explain"])?
        .expect_one_clear_line(1, &["release explain not found"])?;
    let mut unknown = kubectl.bare()?;
    Ended::of(unknown.args(["upgrade-check", "explain", "lock-wait"]))?
        .expect_one_clear_line(1, &["did you mean lock-waits?"])?;
    let mut plugins = kubectl.bare()?;
    let listed = Ended::of(plugins.args(["plugin", "list"]))?;
    ensure!(
        listed.stdout.contains("kubectl-upgrade_check") && listed.stdout.contains("kubectl-pgbackup"),
        "{listed}"
    );
    Ok(())
}

#[test]
fn warnings_end_with_2_only_where_asked() -> Result<()> {
    let world = World::new("check-warn")?;
    ledger(&world, HelmLine::Three)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let running = |more: &[&str]| {
        let arguments = [&["books", "--profile", PROFILE, "-o", "json"], more].concat();
        kubectl.run("upgrade-check", &arguments)
    };
    let report = running(&[])?.expect(0)?.json()?;
    ensure!(
        report["verdict"] == "warnings",
        "there is no backup yet: {report}"
    );
    ensure!(row(&report, "backup-fresh")?["verdict"] == "warn", "{report}");
    running(&["--fail-on", "warn"])?.expect(2)?;
    Ok(())
}
