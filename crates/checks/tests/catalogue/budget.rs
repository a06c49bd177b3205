//! How long a migration takes, and who does not wait for it.

use model::profile::RunBy;
use model::{Confidence, RehearsedMigration, Seen};

use crate::fixture::{Case, generic, hidden, hook};

/// A case in which the migration from one chart's version to another was rehearsed.
fn rehearsed(from: &str, to: &str, seconds: u64, bytes: u64) -> Case {
    Case::with(|case| {
        case.seen.rehearsed = Some(RehearsedMigration {
            seconds,
            bytes,
            at: "2026-11-29T21:50:54Z".into(),
            from: from.into(),
            to: to.into(),
            backup: "20261129T210000Z-0a1b2c3d".into(),
        });
    })
}

#[test]
fn a_rehearsal_of_this_very_upgrade_comes_before_every_other_word() {
    let case = rehearsed("1.0.0", "1.1.0", 400, 10_000_000);
    let told = ["6 min 40 s", "rehearsed on 2026-11-29 on a copy of 9.5 MiB"];
    case.says("startup-budget", "fail", &told);
    case.says("helm-timeout", "fail", &told);
    assert_eq!(case.row("startup-budget").confidence, Confidence::Observed);
    let row = case.row("helm-timeout");
    assert!(!row.blocks(), "a run of ours waits longer by itself");
    assert!(row.remedy[0].text.contains("--timeout 1200s"), "{:?}", row.remedy);

    // Shorter than the profile's word: what was measured counts.
    let quick = rehearsed("1.0.0", "1.1.0", 2, 10_000_000);
    quick.says("startup-budget", "pass", &["takes 2 s"]);
    // The database has doubled since.
    let grown = rehearsed("1.0.0", "1.1.0", 200, 5_000_000);
    grown.says("startup-budget", "fail", &["6 min 40 s"]);
    // Another upgrade says nothing of this one.
    for other in [
        rehearsed("1.0.0", "2.0.0", 400, 10_000_000),
        rehearsed("0.9.0", "1.1.0", 400, 10_000_000),
    ] {
        other.says("startup-budget", "pass", &["20 s (by the profile)"]);
        assert_eq!(other.row("startup-budget").confidence, Confidence::Inferred);
    }
    let mut unread = rehearsed("1.0.0", "1.1.0", 400, 10_000_000);
    unread.seen.release = hidden();
    unread.says("helm-timeout", "pass", &["by the profile"]);

    let mut by_hook = rehearsed("1.0.0", "1.1.0", 700, 10_000_000);
    by_hook.target().hooks = vec![hook("shop-migrate", "pre-upgrade")];
    by_hook.says(
        "hook-deadline",
        "fail",
        &["killed after 10 min 0 s", "11 min 40 s"],
    );
}

#[test]
fn a_probe_that_kills_a_migrating_start_warns() {
    let budget = |seconds: Option<u32>| {
        Case::with(|case| case.target().workloads[0].containers[0].budget.start_seconds = seconds)
    };
    Case::healthy().says("startup-budget", "pass", &["5 min 0 s", "by the profile"]);
    budget(Some(3)).says("startup-budget", "warn", &["after 3 s", "takes 20 s"]);
    budget(None).says("startup-budget", "pass", &["no probe ever kills"]);
    Case::with(|case| case.seen.last_migration_seconds = Seen::Present(900)).says(
        "startup-budget",
        "warn",
        &["15 min 0 s (measured last time)"],
    );
    Case::with(|case| case.profile.migrations.run = Some(RunBy::Hook)).says(
        "startup-budget",
        "skip",
        &["hook Job"],
    );
    let untold = Case::with(|case| case.profile.budgets.usual_seconds = None);
    untold.says("startup-budget", "pass", &["takes 1 s", "an estimate", "9.5 MiB"]);
    let deadline =
        |seconds| Case::with(|case| case.target().workloads[0].progress_deadline_seconds = Some(seconds));
    deadline(400).says("startup-budget", "pass", &["5 min 0 s"]);
    deadline(15).says("startup-budget", "warn", &["progressDeadlineSeconds"]);
    Case::with(|case| case.seen.last_migration_seconds = hidden()).says("startup-budget", "unknown", &[]);
    Case::with(|case| case.seen.workloads = hidden()).says("startup-budget", "unknown", &[]);
}

#[test]
fn a_hook_job_that_is_killed_too_early_warns() {
    let deadline = |seconds: Option<i64>| {
        Case::with(|case| {
            let mut migrate = hook("shop-migrate", "pre-upgrade");
            migrate.active_deadline_seconds = seconds;
            case.target().hooks = vec![migrate];
        })
    };
    Case::healthy().says("hook-deadline", "skip", &["no pre-upgrade hook Job"]);
    deadline(Some(600)).says("hook-deadline", "pass", &[]);
    deadline(None).says("hook-deadline", "pass", &[]);
    deadline(Some(10)).says("hook-deadline", "warn", &["killed after 10 s"]);
    let mut untold = deadline(Some(10));
    untold.profile = generic();
    untold.says("hook-deadline", "pass", &["an estimate"]);
    untold.seen.database = hidden();
    untold.says("hook-deadline", "unknown", &["the size of the database"]);
    untold.seen.database = Seen::Absent;
    untold.says("hook-deadline", "skip", &["nobody says"]);
    untold.seen.last_migration_seconds = hidden();
    untold.says("hook-deadline", "unknown", &[]);
}

#[test]
fn a_helm_that_gives_up_too_early_warns() {
    Case::healthy().says("helm-timeout", "pass", &["helm waits 5 min"]);
    Case::with(|case| case.target().timeout_seconds = 10).says(
        "helm-timeout",
        "warn",
        &["gives up after 10 s"],
    );
    let untold = |bytes: i64| {
        Case::with(|case| {
            case.profile = generic();
            case.database().size_bytes = bytes;
        })
    };
    untold(1_000_000).says("helm-timeout", "pass", &["an estimate"]);
    untold(41_000_000_000).says(
        "helm-timeout",
        "warn",
        &["34 min 10 s", "38.2 GiB rewritten once"],
    );
    Case::with(|case| case.seen.last_migration_seconds = hidden()).says("helm-timeout", "unknown", &[]);
}
