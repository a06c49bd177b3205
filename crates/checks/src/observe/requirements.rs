//! What the profile requires of the cluster, looked for.

use cluster::{Cluster, ServedKinds};
use futures::future::join_all;
use model::profile::{RequiredOperator, RequiredWebhook, Requires};
use model::{CrdFacts, OperatorFacts, RequirementFacts, Seen, WebhookFacts, causes};

/// Looks for all of it. Where nothing is required, nothing is asked.
pub(super) async fn requirements(
    cluster: &Cluster,
    namespace: &str,
    requires: &Requires,
) -> RequirementFacts {
    let (crds, operators, webhooks) = tokio::join!(
        crds(cluster, requires),
        join_all(requires.operators.iter().map(|one| operator(cluster, one))),
        join_all(
            requires
                .webhooks
                .iter()
                .map(|one| webhook(cluster, namespace, one))
        ),
    );
    RequirementFacts {
        crds,
        operators,
        webhooks,
    }
}

/// The API server's own list of kinds answers for the definitions: whoever may log in may read it, and a definition that
/// is not served yet is of no use.
async fn crds(cluster: &Cluster, requires: &Requires) -> Vec<CrdFacts> {
    if requires.crds.is_empty() {
        return Vec::new();
    }
    let served = cluster.served_kinds().await.map_err(|error| causes(&error));
    let fact = |name: &String| CrdFacts {
        name: name.clone(),
        served: versions(served.as_ref(), name),
    };
    requires.crds.iter().map(|crd| fact(&crd.name)).collect()
}

fn versions(served: Result<&ServedKinds, &String>, name: &str) -> Seen<Vec<String>> {
    match served.map(|served| served.versions_of(name)) {
        Ok(versions) if versions.is_empty() => Seen::Absent,
        Ok(versions) => Seen::Present(versions),
        Err(why) => Seen::Unreadable(why.clone()),
    }
}

async fn operator(cluster: &Cluster, wanted: &RequiredOperator) -> OperatorFacts {
    let found = cluster
        .deployments_labelled(wanted.namespace.as_deref(), &wanted.labels)
        .await;
    OperatorFacts {
        name: wanted.name.clone(),
        deployments: Seen::from_result(found.map(|found| (!found.is_empty()).then_some(found))),
    }
}

async fn webhook(cluster: &Cluster, own: &str, wanted: &RequiredWebhook) -> WebhookFacts {
    let namespace = wanted.namespace.as_deref().unwrap_or(own);
    WebhookFacts {
        service: wanted.service.clone(),
        namespace: namespace.to_owned(),
        ready: Seen::from_result(cluster.ready_endpoints(namespace, &wanted.service).await),
    }
}
