//! The cluster and our rights.

use model::Phase;

use crate::fixture::{Case, hidden, present};

#[test]
fn an_old_cluster_cannot_prove_a_dump() {
    Case::healthy().says("cluster-version", "pass", &["v1.34.4"]);
    Case::with(|case| case.seen.cluster.version = "v1.29.8".into()).says(
        "cluster-version",
        "fail",
        &["v1.29.8"],
    );
    Case::with(|case| case.seen.cluster.version = "v1.30.0-eks-1".into()).says(
        "cluster-version",
        "pass",
        &[],
    );
    Case::with(|case| case.seen.cluster.version = "unknown".into()).says("cluster-version", "unknown", &[]);
}

#[test]
fn a_missing_right_is_named_by_verb_and_resource_in_its_own_phase() {
    let case = Case::with(|case| {
        for decision in present(&mut case.seen.access) {
            let request = &decision.request;
            if request.phase == Phase::Backup && request.verb == "create" && request.resource == "pods" {
                decision.allowed = false;
            }
        }
    });
    case.says("access-backup", "fail", &["create pods/exec in shop"]);
    case.says("access-quiesce", "pass", &["rights are yours"]);
    let row = case.row("access-backup");
    assert_eq!(
        row.remedy[0].command.as_deref(),
        Some("kubectl auth can-i create pods --subresource=exec -n shop")
    );
    assert!(row.blocks());
}

#[test]
fn a_right_in_an_api_group_is_asked_for_with_its_group() {
    let case = Case::with(|case| {
        for decision in present(&mut case.seen.access) {
            let request = &decision.request;
            if request.phase == Phase::Quiesce && request.verb == "patch" && request.resource == "deployments"
            {
                decision.allowed = false;
            }
        }
    });
    case.says(
        "access-quiesce",
        "fail",
        &["patch deployments/scale.apps in shop"],
    );
    assert_eq!(
        case.row("access-quiesce").remedy[0].command.as_deref(),
        Some("kubectl auth can-i patch deployments.apps --subresource=scale -n shop")
    );
}

#[test]
fn a_phase_that_needs_no_right_is_skipped_and_unread_rights_are_unknown() {
    Case::with(|case| {
        present(&mut case.seen.access).retain(|decision| decision.request.phase != Phase::Backup);
    })
    .says("access-backup", "skip", &[]);
    for phase in ["observe", "journal", "quiesce", "backup", "upgrade", "turn-back"] {
        Case::with(|case| case.seen.access = hidden()).says(
            &format!("access-{phase}"),
            "unknown",
            &["your rights"],
        );
    }
}
