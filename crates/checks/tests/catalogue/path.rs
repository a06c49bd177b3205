//! The way from version to version.

use model::{ChangedSecret, DryRunOutcome, FieldConflict, LeaseFacts, Seen};

use crate::fixture::{Case, answered, chart, generic, hidden, present};

fn conflict(kind: &str, name: &str, manager: &str, field: &str) -> Case {
    Case::with(|case| {
        case.target().dry_run = Seen::Present(vec![answered(
            kind,
            name,
            DryRunOutcome::Conflicts {
                fields: vec![FieldConflict {
                    manager: manager.into(),
                    field: field.into(),
                }],
            },
        )]);
    })
}

#[test]
fn a_lease_that_is_renewed_blocks_and_a_silent_one_warns() {
    let held = |renewed: &str| {
        Case::with(|case| {
            case.seen.lease = Seen::Present(LeaseFacts {
                holder: "run-1 by ann@laptop".into(),
                renewed: Some(renewed.into()),
            });
        })
    };
    Case::healthy().says("run-lease", "pass", &[]);
    held("2026-01-01T11:59:40Z").says("run-lease", "fail", &["ann@laptop"]);
    held("2026-01-01T11:50:00Z").says("run-lease", "warn", &["silent for 10 min"]);
    Case::with(|case| case.seen.lease = hidden()).says("run-lease", "unknown", &[]);
    Case::with(|case| {
        case.seen.lease = Seen::Present(LeaseFacts {
            holder: "x".into(),
            renewed: None,
        });
    })
    .says("run-lease", "fail", &[]);
}

#[test]
fn an_unfinished_run_blocks_with_both_ways_out() {
    Case::healthy().says("run-unfinished", "pass", &[]);
    let case = Case::with(|case| case.seen.unfinished_run = Seen::Present("run-7".into()));
    case.says("run-unfinished", "fail", &["run-7"]);
    let commands: Vec<_> = case
        .row("run-unfinished")
        .remedy
        .into_iter()
        .filter_map(|remedy| remedy.command)
        .collect();
    assert_eq!(
        commands,
        [
            "helm safe-upgrade resume shop -n shop",
            "helm safe-upgrade abort shop -n shop"
        ]
    );
    Case::with(|case| case.seen.unfinished_run = hidden()).says("run-unfinished", "unknown", &[]);
}

#[test]
fn the_generic_profile_says_that_it_only_observes() {
    Case::healthy().says("profile", "pass", &["profile ledger"]);
    Case::with(|case| case.profile = generic()).says("profile", "warn", &["generic", "observed"]);
}

#[test]
fn going_back_a_version_warns_and_staying_is_said() {
    let to = |version: &str| Case::with(|case| case.target().chart = chart(version));
    Case::healthy().says("version-jump", "pass", &["1.0.0 to 1.1.0"]);
    to("3.0.0").says("version-jump", "pass", &["major version"]);
    to("0.9.0").says("version-jump", "warn", &["goes back"]);
    to("1.0.0").says("version-jump", "pass", &["the same version"]);
    to("edge").says("version-jump", "pass", &["cannot be put in order"]);
    Case::with(|case| case.target().chart.name = "other".into()).says(
        "version-jump",
        "warn",
        &["replaced by chart other"],
    );
    Case::with(|case| case.target().is_upgrade = false).says("version-jump", "skip", &[]);
    Case::with(|case| case.seen.release = hidden()).says("version-jump", "unknown", &[]);
}

#[test]
fn image_changes_are_listed_and_an_older_one_warns() {
    Case::healthy().says(
        "image-change",
        "pass",
        &["ledger:1.0.0 to localhost/ledger:1.1.0"],
    );
    Case::with(|case| case.target().workloads[0].containers[0].image = "localhost/ledger:0.9.0".into()).says(
        "image-change",
        "warn",
        &["older image", "0.9.0"],
    );
    Case::with(|case| case.seen.workloads = hidden()).says("image-change", "unknown", &[]);
    Case::with(|case| case.target = None).says("image-change", "skip", &[]);
}

#[test]
fn a_schema_that_is_not_the_running_versions_warns() {
    let at = |version: &str| {
        Case::with(|case| present(&mut case.database().migration).version = Some(version.into()))
    };
    Case::healthy().says("schema-known", "pass", &["schema 2"]);
    at("4").says("schema-known", "warn", &["is ahead"]);
    at("1").says("schema-known", "warn", &["is behind"]);
    Case::with(|case| case.profile = generic()).says("schema-known", "skip", &["generic"]);
    Case::with(|case| case.database().migration = Seen::Absent).says("schema-known", "skip", &[]);
    Case::with(|case| case.seen.database = hidden()).says("schema-known", "unknown", &[]);
}

#[test]
fn a_field_that_somebody_else_owns_blocks_and_names_both() {
    Case::healthy().says("apply-conflicts", "pass", &["2 objects"]);
    let case = conflict(
        "Deployment",
        "web",
        "kubectl-set",
        r#".spec.template.spec.containers[name="ledger"].env[name="X"].value"#,
    );
    case.says(
        "apply-conflicts",
        "fail",
        &["Deployment web", "kubectl-set", "env[name"],
    );
    assert_eq!(
        case.row("apply-conflicts").remedy[0].command.as_deref(),
        Some("kubectl get deployment web -n shop -o yaml --show-managed-fields")
    );
    Case::with(|case| case.target().dry_run = hidden()).says("apply-conflicts", "unknown", &[]);
    Case::with(|case| case.target().dry_run = Seen::Absent).says("apply-conflicts", "unknown", &[]);
    Case::with(|case| case.target = None).says("apply-conflicts", "skip", &[]);
}

#[test]
fn a_count_that_stopping_frees_only_warns() {
    conflict("Deployment", "web", "kube-controller-manager", ".spec.replicas").says(
        "apply-conflicts",
        "warn",
        &["web .spec.replicas", "plain `helm upgrade` fails"],
    );
    // The database is never stopped, so nothing frees its count.
    conflict("StatefulSet", "database", "kubectl", ".spec.replicas").says("apply-conflicts", "fail", &[]);
}

#[test]
fn what_the_api_server_refuses_blocks_and_what_it_was_not_asked_is_unknown() {
    let answer = |outcome: DryRunOutcome| {
        Case::with(|case| {
            case.target().dry_run = Seen::Present(vec![
                answered("Deployment", "web", DryRunOutcome::Accepted),
                answered("StatefulSet", "worker", outcome),
            ]);
        })
    };
    Case::healthy().says("apply-refused", "pass", &["2 objects accepted"]);
    answer(DryRunOutcome::Refused {
        reason: "spec: field is immutable".into(),
    })
    .says("apply-refused", "fail", &["StatefulSet worker", "immutable"]);
    answer(DryRunOutcome::Unknown {
        reason: "webhook does not support dry run".into(),
    })
    .says("apply-refused", "unknown", &["webhook"]);
    Case::with(|case| case.target().dry_run = hidden()).says("apply-refused", "unknown", &[]);
    Case::with(|case| case.target = None).says("apply-refused", "skip", &[]);
}

#[test]
fn values_that_would_get_lost_are_named() {
    Case::healthy().says("values-kept", "pass", &["--reset-then-reuse-values"]);
    Case::with(|case| {
        let values = present(&mut case.target().values);
        values.dropped = vec!["web.replicas".into()];
        values.mode = "--reset-values".into();
    })
    .says("values-kept", "warn", &["dropped", "web.replicas"]);
    Case::with(|case| {
        present(&mut case.target().values).missing_defaults = vec!["job.enabled".into()];
    })
    .says("values-kept", "warn", &["left out", "job.enabled"]);
    Case::with(|case| case.target().values = Seen::Absent).says("values-kept", "skip", &[]);
    Case::with(|case| case.target().values = hidden()).says("values-kept", "unknown", &[]);
}

#[test]
fn a_changed_database_password_blocks_and_another_secret_warns() {
    let changed = |name: &str| {
        Case::with(|case| {
            case.target().changed_secrets = Seen::Present(vec![ChangedSecret {
                name: name.into(),
                keys: vec!["password".into()],
            }]);
        })
    };
    Case::healthy().says("secret-change", "pass", &[]);
    changed("shop-database").says("secret-change", "fail", &["shop-database (password)"]);
    changed("shop-postgres").says("secret-change", "fail", &["the server will not know"]);
    changed("shop-cookies").says("secret-change", "warn", &["shop-cookies"]);
    Case::with(|case| case.target().changed_secrets = hidden()).says("secret-change", "unknown", &[]);
    Case::with(|case| case.target = None).says("secret-change", "skip", &[]);
}
