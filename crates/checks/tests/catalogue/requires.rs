//! What the profile requires of the cluster.

use model::{CrdFacts, OperatorFacts, Seen, WebhookFacts, Workload, WorkloadKind};

use crate::fixture::{Case, hidden, workload};

/// A healthy release whose profile requires something, with what was seen of it.
fn requiring(requires: &str, see: impl FnOnce(&mut Case)) -> Case {
    let text = format!(
        "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: shop\nrequires:\n  {requires}\n"
    );
    Case::with(|case| {
        let profile = model::profile::parse("shop.yaml", &text);
        case.profile.requires = profile.unwrap_or_else(|error| panic!("{error}\n{text}")).requires;
        see(case);
    })
}

#[test]
fn a_kind_of_objects_has_to_be_served_in_the_version_that_is_needed() {
    let with = |version: &str, served: Seen<Vec<String>>| {
        let requires = format!("crds: [{{ name: pools.example.org{version} }}]");
        requiring(&requires, |case| {
            case.seen.requirements.crds = vec![CrdFacts {
                name: "pools.example.org".into(),
                served,
            }];
        })
    };
    let served = || Seen::Present(vec!["v1".to_owned(), "v1beta1".to_owned()]);
    Case::healthy().says("requires-crds", "skip", &["requires no kind"]);
    with("", served()).says("requires-crds", "pass", &["served as v1, v1beta1"]);
    with(", version: v1", served()).says("requires-crds", "pass", &[]);
    let older = with(", version: v2", served());
    older.says("requires-crds", "fail", &["and not as v2"]);
    assert_eq!(
        older.row("requires-crds").remedy[0].command.as_deref(),
        Some("kubectl get crd pools.example.org")
    );
    with("", Seen::Absent).says("requires-crds", "fail", &["pools.example.org is not served"]);
    with("", hidden()).says("requires-crds", "unknown", &["the right is missing"]);
    requiring("crds: [{ name: pools.example.org }]", |_| {}).says(
        "requires-crds",
        "unknown",
        &["not looked for in this observation"],
    );
}

fn deployment(image: &str, ready: i32, desired: i32) -> Workload {
    Workload {
        ready,
        ..workload(WorkloadKind::Deployment, "pooler", image, Some(desired))
    }
}

fn operator(more: &str, deployments: Seen<Vec<Workload>>) -> Case {
    let requires =
        format!("operators: [{{ name: pooler, namespace: ops, labels: {{ app: pooler }}{more} }}]");
    requiring(&requires, |case| {
        case.seen.requirements.operators = vec![OperatorFacts {
            name: "pooler".into(),
            deployments,
        }];
    })
}

#[test]
fn an_operator_has_to_be_there_and_ready() {
    let one = |ready, desired| Seen::Present(vec![deployment("quay.io/pool/pooler:v1.24.1", ready, desired)]);
    Case::healthy().says("requires-operators", "skip", &["requires no operator"]);
    operator("", one(2, 2)).says(
        "requires-operators",
        "pass",
        &["pooler (deployment/pooler in shop) is ready"],
    );
    operator("", one(1, 2)).says("requires-operators", "warn", &["1 of 2 pods ready"]);
    operator("", one(0, 1)).says("requires-operators", "fail", &["no ready pod"]);
    operator("", one(0, 0)).says("requires-operators", "fail", &["no ready pod"]);
    let absent = operator("", Seen::Absent);
    absent.says("requires-operators", "fail", &["no Deployment in namespace ops"]);
    assert_eq!(
        absent.row("requires-operators").remedy[0].command.as_deref(),
        Some("kubectl get deployments -n ops -l app=pooler -o wide")
    );
    operator("", hidden()).says("requires-operators", "unknown", &["pooler: the right is missing"]);
    requiring("operators: [{ name: pooler, labels: { app: pooler } }]", |_| {}).says(
        "requires-operators",
        "unknown",
        &["not looked for"],
    );
}

#[test]
fn an_operator_s_version_is_its_image_s_tag() {
    let of = |image: &str| Seen::Present(vec![deployment(image, 1, 1)]);
    let version = ", version: '>=1.24 <2'";
    operator(version, of("quay.io/pool/pooler:v1.24.1")).says("requires-operators", "pass", &["1.24.1"]);
    operator(version, of("quay.io/pool/pooler:v1.23.0")).says(
        "requires-operators",
        "fail",
        &["runs in version 1.23.0, and >=1.24 <2 is needed"],
    );
    operator(version, of("quay.io/pool/pooler:latest")).says("requires-operators", "unknown", &["latest"]);
    operator(version, of("quay.io/pool/pooler@sha256:00")).says(
        "requires-operators",
        "unknown",
        &["not written"],
    );
    // Another Deployment of the product carries the same labels: the image tells which is the operator.
    let both = Seen::Present(vec![
        deployment("quay.io/pool/webhook:v0.1.0", 0, 1),
        deployment("quay.io/pool/pooler:v1.24.1", 1, 1),
    ]);
    let image = ", image: pool/pooler, version: '>=1.24'";
    operator(image, both).says("requires-operators", "pass", &["1.24.1"]);
    operator(image, of("quay.io/pool/webhook:v0.1.0")).says(
        "requires-operators",
        "fail",
        &["runs pool/pooler"],
    );
}

#[test]
fn a_webhook_s_service_has_to_have_a_ready_endpoint() {
    let with = |ready: Seen<usize>| {
        requiring("webhooks: [{ service: pooler-webhook }]", |case| {
            case.seen.requirements.webhooks = vec![WebhookFacts {
                service: "pooler-webhook".into(),
                namespace: "shop".into(),
                ready,
            }];
        })
    };
    Case::healthy().says("requires-webhooks", "skip", &["requires no webhook"]);
    with(Seen::Present(1)).says("requires-webhooks", "pass", &["1 ready endpoint"]);
    with(Seen::Present(2)).says("requires-webhooks", "pass", &["2 ready endpoints"]);
    with(Seen::Present(0)).says("requires-webhooks", "fail", &["no ready endpoint"]);
    with(Seen::Absent).says(
        "requires-webhooks",
        "fail",
        &["there is no service pooler-webhook in shop"],
    );
    with(hidden()).says("requires-webhooks", "unknown", &["the right is missing"]);
    requiring("webhooks: [{ service: pooler-webhook }]", |_| {}).says(
        "requires-webhooks",
        "unknown",
        &["not looked for"],
    );
}

#[test]
fn what_is_missing_is_told_before_what_is_not_known() {
    requiring(
        "crds: [{ name: pools.example.org }, { name: taps.example.org }]",
        |case| {
            case.seen.requirements.crds = vec![
                CrdFacts {
                    name: "pools.example.org".into(),
                    served: hidden(),
                },
                CrdFacts {
                    name: "taps.example.org".into(),
                    served: Seen::Absent,
                },
            ];
        },
    )
    .says("requires-crds", "fail", &["taps.example.org is not served"]);
}
