//! The table as a whole.

use std::collections::BTreeSet;

use checks::{Rules, evaluate, evaluate_by, load_observation, registry, save_observation};
use model::{CheckVerdict, SavedObservation, Seen, Severity, Verdict};

use crate::fixture::{Case, flux, hidden};

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
fn a_look_that_was_kept_is_judged_as_it_was() {
    let case = Case::with(|case| case.seen.lease = hidden());
    let now = evaluate(&case.seen, case.target.as_ref(), &case.profile);
    let file = tempfile::NamedTempFile::new().unwrap();
    let saved = SavedObservation::new(case.seen, case.target, case.profile);
    save_observation(file.path(), &saved).unwrap();
    let read = load_observation(file.path()).unwrap();
    assert_eq!(read, saved);
    assert_eq!(
        evaluate(&read.observation, read.target.as_ref(), &read.profile),
        now
    );

    std::fs::write(file.path(), serde_json::to_vec(&now).unwrap()).unwrap();
    let told = load_observation(file.path()).unwrap_err().to_string();
    assert!(
        told.contains("CheckReport") && told.contains("Observation"),
        "{told}"
    );
}

/// What versions before this one did not look for, and the rows that judge by it.
const LATER: [(&str, &[&str]); 6] = [
    ("/observation/unserved", &["helm-removed-kinds"]),
    ("/observation/sharers", &["database-shared"]),
    (
        "/observation/database/value/health",
        &["ddl-rights", "connection-room", "rewrite-cost"],
    ),
    (
        "/observation/database/value/health/value/largeTables",
        &["rewrite-cost"],
    ),
    ("/target/definitions", &["custom-definitions"]),
    ("/target/claims", &["volume-overlap"]),
];

#[test]
fn what_the_version_that_kept_a_look_did_not_ask_is_unknown() {
    let case = Case::healthy();
    let saved = SavedObservation::new(case.seen, case.target, case.profile);
    let whole = serde_json::to_value(&saved).unwrap();
    for (pointer, rows) in LATER {
        let mut older = whole.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let fields = older
            .pointer_mut(parent)
            .and_then(|parent| parent.as_object_mut());
        fields.unwrap().remove(key).expect(pointer);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), older.to_string()).unwrap();
        let read = load_observation(file.path()).unwrap();
        let report = evaluate(&read.observation, read.target.as_ref(), &read.profile);
        for id in rows {
            let row = report.checks.iter().find(|check| check.id == *id).unwrap();
            let Verdict::Unknown(judged) = &row.verdict else {
                panic!("{id} without {pointer}: {:?}", row.verdict)
            };
            assert!(judged.contains("kept before this was asked"), "{id}: {judged}");
        }
    }
}

#[test]
fn rows_that_are_left_out_are_shown_and_rows_that_were_not_asked_for_are_not() {
    let case = Case::with(|case| case.seen.lease = hidden());
    let judged = |only: &[&str], skip: &[&str]| {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let rules = Rules {
            only: ids(only),
            skip: ids(skip),
            ..Rules::default()
        };
        rules.check().unwrap();
        evaluate_by(&rules, &case.seen, case.target.as_ref(), &case.profile)
    };
    assert_eq!(judged(&[], &[]).verdict, CheckVerdict::Incomplete);
    let report = judged(&[], &["run-lease"]);
    assert_eq!(report.verdict, CheckVerdict::Ready);
    assert_eq!(report.checks.len(), registry().count());
    assert!(
        report
            .checks
            .iter()
            .any(|row| row.id == "run-lease" && row.verdict.word() == "skip")
    );

    let report = judged(&["lock-waits", "run-unfinished"], &[]);
    assert_eq!(report.checks.len(), 2);
    assert!(
        report.next.is_empty(),
        "two rows are no reason to propose an upgrade: {:?}",
        report.next
    );
    let rules = Rules {
        skip: vec!["run-leases".into()],
        ..Rules::default()
    };
    assert!(
        rules
            .check()
            .unwrap_err()
            .to_string()
            .contains("--skip: no check is called run-leases")
    );
}

#[test]
fn what_is_new_and_what_is_gone_is_told_and_only_new_warnings_count() {
    use model::ExitCode;
    let healthy = Case::healthy();
    let before = evaluate(&healthy.seen, healthy.target.as_ref(), &healthy.profile);
    let case = Case::with(|case| case.seen.backups = Seen::Present(Default::default()));
    let mut now = evaluate(&case.seen, case.target.as_ref(), &case.profile);
    assert_eq!(
        (now.verdict, now.exit_code(true)),
        (CheckVerdict::Warnings, ExitCode::Blocked)
    );

    let again = now.clone();
    now.compare(&before);
    let changes = now.changes.clone().unwrap();
    assert!(
        changes.appeared.contains(&"backup-fresh".into()) && changes.gone.is_empty(),
        "{changes:?}"
    );
    assert_eq!(now.exit_code(true), ExitCode::Blocked);
    now.compare(&again);
    assert_eq!(now.exit_code(true), ExitCode::Done, "nothing is new");

    let mut later = before;
    later.compare(&again);
    assert!(later.changes.unwrap().gone.contains(&"backup-fresh".into()));
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
    seen.unserved = hidden();
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
    target.definitions = hidden();
    target.claims = hidden();
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
fn a_target_that_was_named_and_not_rendered_leaves_its_rows_unknown() {
    let mut case = Case::healthy();
    case.target = None;
    case.seen.target_unread = Some("you may not list secrets".into());
    for id in ["apply-refused", "values-kept", "helm-hook-leftover", "path-known"] {
        case.says(id, "unknown", &["the target was not judged", "list secrets"]);
    }
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
    case.seen.owners = Seen::Present(vec![flux()]);
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
