//! The table as a whole.

use std::collections::BTreeSet;

use checks::{evaluate, registry};
use model::{CheckVerdict, Seen, Severity, Verdict};

use crate::fixture::{Case, hidden};

#[test]
fn a_healthy_release_is_ready_and_is_told_the_upgrade_to_type() {
    let case = Case::healthy();
    let report = evaluate(&case.seen, case.target.as_ref(), &case.profile);
    let others: Vec<_> = report
        .checks
        .iter()
        .filter(|check| !matches!(check.verdict, Verdict::Pass(_) | Verdict::Skip(_)))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(report.verdict, CheckVerdict::Ready);
    assert_eq!(
        report.next[0].command.as_deref(),
        Some("helm safe-upgrade shop ./ledger -n shop")
    );
}

#[test]
fn ids_are_unique_and_titles_begin_small() {
    let ids: Vec<&str> = registry().map(|check| check.id).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len());
    for check in registry() {
        assert!(!check.title.ends_with('.'), "{}", check.title);
        assert!(
            check.title.starts_with(char::is_lowercase) || check.title.starts_with("Helm"),
            "{}",
            check.title
        );
    }
}

#[test]
fn where_nothing_could_be_read_nothing_blocking_is_green() {
    let mut case = Case::healthy();
    let seen = &mut case.seen;
    seen.cluster.version = "unknown".into();
    seen.release = hidden();
    seen.history = hidden();
    seen.lease = hidden();
    seen.unfinished_run = hidden();
    seen.workloads = hidden();
    seen.pods = hidden();
    seen.scalers = hidden();
    seen.hook_jobs = hidden();
    seen.owners = hidden();
    seen.location = hidden();
    seen.database = hidden();
    seen.backups = hidden();
    seen.access = hidden();
    seen.last_migration_seconds = hidden();
    let target = case.target();
    target.values = hidden();
    target.dry_run = hidden();
    target.changed_secrets = hidden();
    let report = evaluate(&case.seen, case.target.as_ref(), &case.profile);
    let green: Vec<&str> = report
        .checks
        .iter()
        .filter(|check| check.severity == Severity::Block && matches!(check.verdict, Verdict::Pass(_)))
        .map(|check| check.id.as_str())
        .collect();
    assert_eq!(green, Vec::<&str>::new());
    assert_eq!(report.verdict, CheckVerdict::Incomplete);
    assert!(report.next.iter().all(|step| {
        step.command
            .as_deref()
            .is_none_or(|command| !command.starts_with("helm safe-upgrade shop"))
    }));
}

#[test]
fn without_a_target_the_running_revision_is_judged_and_the_rest_is_skipped() {
    let mut case = Case::healthy();
    case.target = None;
    let report = evaluate(&case.seen, None, &case.profile);
    assert_eq!(report.verdict, CheckVerdict::Ready, "{:#?}", report.checks);
    assert_eq!(report.target, None);
    case.says("apply-refused", "skip", &["no target"]);
}

#[test]
fn a_release_that_cannot_be_read_is_still_named_in_the_report() {
    let case = Case::with(|case| case.seen.release = hidden());
    let report = evaluate(&case.seen, case.target.as_ref(), &case.profile);
    assert_eq!(report.release.name, "shop");
    assert_eq!(report.release.revision, 0);
}

#[test]
fn every_row_that_fails_says_what_to_do() {
    let mut case = Case::healthy();
    case.seen.owners = Seen::Present(vec!["Flux HelmRelease shop".into()]);
    case.seen.unfinished_run = Seen::Present("run-1".into());
    case.database().server.in_recovery = true;
    case.database().server.version_num = 120_004;
    let report = evaluate(&case.seen, case.target.as_ref(), &case.profile);
    let failed: Vec<_> = report
        .checks
        .iter()
        .filter(|check| matches!(check.verdict, Verdict::Fail(_)))
        .collect();
    assert!(failed.len() >= 4, "{failed:#?}");
    for check in failed {
        assert!(!check.remedy.is_empty(), "{} has no remedy", check.id);
    }
}
