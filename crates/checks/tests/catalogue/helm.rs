//! The Helm release.

use model::{DefinitionState, HookJob, ObjectName, ReleaseStatus, RevisionSummary, Seen};

use crate::fixture::{Case, hidden, hook, present};

fn history(numbers: &[(u32, ReleaseStatus)]) -> Seen<Vec<RevisionSummary>> {
    Seen::Present(
        numbers
            .iter()
            .map(|(revision, status)| RevisionSummary {
                revision: *revision,
                status: *status,
                modified_at: None,
            })
            .collect(),
    )
}

fn job(name: &str, active: bool) -> HookJob {
    HookJob {
        name: name.into(),
        active,
        succeeded: !active,
    }
}

#[test]
fn a_pending_revision_blocks_with_its_age_and_the_way_back_by_number() {
    Case::healthy().says("helm-pending", "pass", &["not pending"]);
    let case = Case::with(|case| {
        case.release().status = ReleaseStatus::PendingUpgrade;
        case.release().description = "Preparing upgrade".into();
        case.seen.hook_jobs = Seen::Present(vec![job("shop-migrate", true)]);
    });
    case.says(
        "helm-pending",
        "fail",
        &["1 h 0 min", "Preparing upgrade", "shop-migrate still runs"],
    );
    let commands: Vec<_> = case
        .row("helm-pending")
        .remedy
        .into_iter()
        .filter_map(|remedy| remedy.command)
        .collect();
    assert!(
        commands.contains(&"helm rollback shop 1 -n shop".to_owned()),
        "{commands:?}"
    );
    case.says("helm-release", "skip", &["helm-pending"]);
}

#[test]
fn an_object_whose_kind_the_cluster_has_no_more_blocks_with_the_plugin_that_mends_the_record() {
    Case::healthy().says("helm-removed-kinds", "pass", &[]);
    let case = Case::with(|case| {
        case.seen.unserved = Seen::Present(vec![ObjectName {
            api_version: "policy/v1beta1".into(),
            kind: "PodDisruptionBudget".into(),
            namespace: String::new(),
            name: "web".into(),
        }]);
    });
    case.says(
        "helm-removed-kinds",
        "fail",
        &["PodDisruptionBudget web of policy/v1beta1"],
    );
    assert_eq!(
        case.row("helm-removed-kinds").remedy[0].command.as_deref(),
        Some("helm mapkubeapis shop -n shop")
    );
    Case::with(|case| case.seen.unserved = Seen::Absent).says(
        "helm-removed-kinds",
        "skip",
        &["no such release"],
    );
    Case::with(|case| case.seen.unserved = hidden()).says("helm-removed-kinds", "unknown", &[]);
}

#[test]
fn a_definition_that_the_chart_brings_and_the_cluster_lacks_fails_and_another_schema_warns() {
    let with =
        |state: DefinitionState| Case::with(|case| present(&mut case.target().definitions)[0].state = state);
    let versions = vec!["v2".to_owned()];
    Case::healthy().says("custom-definitions", "pass", &["1 definitions"]);
    let missing = with(DefinitionState::Missing);
    missing.says(
        "custom-definitions",
        "fail",
        &["widgets.example.com is not there"],
    );
    for (reference, words) in [
        ("./ledger", "./ledger"),
        ("repo/ledger", "repo/ledger --version 3.0.0"),
        ("./my charts/ledger", "'./my charts/ledger'"),
    ] {
        let mut missing = with(DefinitionState::Missing);
        reference.clone_into(&mut missing.target().reference);
        missing.target().chart.version = "3.0.0".into();
        assert_eq!(
            missing.row("custom-definitions").remedy[0].command,
            Some(format!(
                "helm show crds {words} | kubectl apply --server-side --force-conflicts -f -"
            ))
        );
    }
    with(DefinitionState::Lacks {
        versions: versions.clone(),
    })
    .says("custom-definitions", "fail", &["lacks v2"]);
    with(DefinitionState::Differs { versions }).says(
        "custom-definitions",
        "warn",
        &["another schema for v2"],
    );
    Case::with(|case| case.target().definitions = Seen::Absent).says(
        "custom-definitions",
        "skip",
        &["folder crds"],
    );
    Case::with(|case| case.target = None).says("custom-definitions", "skip", &["no target"]);
    Case::with(|case| case.target().definitions = hidden()).says("custom-definitions", "unknown", &[]);
}

#[test]
fn a_pending_revision_of_our_own_run_is_for_resume() {
    let case = Case::with(|case| {
        case.release().status = ReleaseStatus::PendingUpgrade;
        case.seen.unfinished_run = Seen::Present("20260101-ab12".into());
    });
    assert_eq!(
        case.row("helm-pending").remedy[0].command.as_deref(),
        Some("helm safe-upgrade resume shop -n shop")
    );
}

#[test]
fn an_unread_record_is_unknown_and_a_missing_one_skipped() {
    for id in [
        "helm-pending",
        "helm-release",
        "helm-record-size",
        "helm-rollback-target",
    ] {
        Case::with(|case| case.seen.release = hidden()).says(id, "unknown", &["the right is missing"]);
        Case::with(|case| case.seen.release = Seen::Absent).says(id, "skip", &[]);
    }
}

#[test]
fn a_failed_revision_warns_where_another_was_in_force_and_blocks_where_none_was() {
    Case::healthy().says("helm-release", "pass", &["revision 2 is deployed"]);
    Case::with(|case| case.release().status = ReleaseStatus::Failed).says(
        "helm-release",
        "warn",
        &["revision 2 failed", "revision 1 was the last"],
    );
    Case::with(|case| {
        case.release().status = ReleaseStatus::Failed;
        case.release().revision = 1;
        case.seen.history = history(&[(1, ReleaseStatus::Failed)]);
    })
    .says("helm-release", "fail", &["nothing to turn back to"]);
    Case::with(|case| case.release().status = ReleaseStatus::Uninstalled).says("helm-release", "fail", &[]);
}

#[test]
fn a_job_in_the_place_of_a_hook_blocks_while_it_runs_or_where_the_hook_does_not_replace_it() {
    let with = |jobs: Vec<HookJob>, policies: &[&str]| {
        Case::with(|case| {
            let mut migrate = hook("shop-migrate", "pre-upgrade");
            migrate.delete_policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
            case.target().hooks = vec![migrate];
            case.seen.hook_jobs = Seen::Present(jobs);
        })
    };
    Case::healthy().says("helm-hook-leftover", "skip", &["no upgrade hook Job"]);
    with(Vec::new(), &[]).says("helm-hook-leftover", "pass", &["1 hook Jobs"]);
    with(vec![job("shop-migrate", false)], &[]).says("helm-hook-leftover", "pass", &[]);
    with(vec![job("shop-migrate", false)], &["before-hook-creation"]).says("helm-hook-leftover", "pass", &[]);
    with(vec![job("another", true)], &["hook-succeeded"]).says("helm-hook-leftover", "pass", &[]);
    let left = with(vec![job("shop-migrate", false)], &["hook-succeeded"]);
    left.says("helm-hook-leftover", "fail", &["shop-migrate", "Helm 4"]);
    assert_eq!(
        left.row("helm-hook-leftover").remedy[0].command.as_deref(),
        Some("kubectl delete job shop-migrate -n shop")
    );
    with(vec![job("shop-migrate", true)], &[]).says("helm-hook-leftover", "fail", &["still runs"]);
    Case::with(|case| case.seen.hook_jobs = hidden()).says("helm-hook-leftover", "unknown", &[]);
}

#[test]
fn post_upgrade_hooks_are_told_with_what_they_cost() {
    Case::healthy().says("helm-post-upgrade-hooks", "pass", &[]);
    Case::with(|case| case.target().hooks = vec![hook("shop-after", "post-upgrade")]).says(
        "helm-post-upgrade-hooks",
        "warn",
        &["shop-after", "gate `after`"],
    );
    Case::with(|case| case.target = None).says("helm-post-upgrade-hooks", "skip", &[]);
}

#[test]
fn a_record_near_the_limit_of_a_secret_warns() {
    Case::healthy().says("helm-record-size", "pass", &["19.5 KiB"]);
    Case::with(|case| case.release().stored_bytes = 900_000).says("helm-record-size", "warn", &["878.9 KiB"]);
}

#[test]
fn a_rollback_without_a_number_that_lands_on_a_failed_revision_is_told() {
    Case::healthy().says("helm-rollback-target", "pass", &["revision 1"]);
    let case = Case::with(|case| {
        case.release().revision = 3;
        case.seen.history = history(&[
            (1, ReleaseStatus::Superseded),
            (2, ReleaseStatus::Failed),
            (3, ReleaseStatus::Deployed),
        ]);
    });
    case.says("helm-rollback-target", "warn", &["revision 2"]);
    assert_eq!(
        case.row("helm-rollback-target").remedy[0].command.as_deref(),
        Some("helm rollback shop 1 -n shop")
    );
    Case::with(|case| {
        present(&mut case.seen.history).retain(|line| line.revision == 2);
    })
    .says("helm-rollback-target", "skip", &["first revision"]);
    Case::with(|case| case.seen.history = hidden()).says("helm-rollback-target", "unknown", &[]);
}
