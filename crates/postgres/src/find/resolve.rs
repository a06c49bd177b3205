//! Asking the cluster which pod stands behind a host.

use cluster::Cluster;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::ListParams;
use model::{DatabaseRoute, WorkloadKind, WorkloadName};

use super::pooler;
use super::server_pod::{self, Chosen};
use super::template::unreadable;

/// How a host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The host to write down: another one than the application's only for a Service that is an alias.
    pub(crate) host: String,
    pub(crate) route: DatabaseRoute,
    /// Whether the container in the pod says that it is Postgres.
    pub(crate) surely_postgres: bool,
    /// What was found on the way, for the user: a pooler.
    pub(crate) note: Option<String>,
}

/// Follows a host to its pod, or says that it is outside the cluster. `Err` says why it cannot be used. A pooler on the
/// way is followed to the server behind it.
pub(crate) async fn resolve(
    cluster: &Cluster,
    namespace: &str,
    owner: Option<&WorkloadName>,
    host: &str,
    port: u16,
) -> Result<Resolved, String> {
    resolve_to(cluster, namespace, owner, host, port, Poolers::Followed).await
}

/// What becomes of a pooler on the way. One behind another is refused: they could lead round in a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Poolers {
    /// Followed to the server behind it.
    Followed,
    /// Refused.
    Refused,
}

/// Like [`resolve`], with a say on poolers.
pub(crate) async fn resolve_to(
    cluster: &Cluster,
    namespace: &str,
    owner: Option<&WorkloadName>,
    host: &str,
    port: u16,
    poolers: Poolers,
) -> Result<Resolved, String> {
    if server_pod::is_loopback(host) || host.starts_with('/') {
        return match owner {
            Some(owner) => beside(cluster, owner, host, port, poolers).await,
            None => Ok(direct(host)),
        };
    }
    if let Some((name, service_namespace)) = server_pod::service_of(host, namespace)
        && let Some(service) = get_service(cluster, &service_namespace, &name).await?
    {
        return behind(cluster, &service_namespace, &service, host, port, poolers).await;
    }
    if let Some((pod, service, pod_namespace)) = server_pod::pod_of(host, namespace)
        && get_service(cluster, &pod_namespace, &service).await?.is_some()
    {
        let pods = Api::<Pod>::namespaced(cluster.client.clone(), &pod_namespace);
        let found = pods
            .get_opt(&pod)
            .await
            .map_err(|error| unreadable("Pod", &pod, &error))?
            .ok_or_else(|| format!("host {host} means pod {pod}, which does not exist"))?;
        let chosen = server_pod::in_pod(&found, &IntOrString::Int(i32::from(port)))?;
        return in_pod(cluster, &pod_namespace, &found, chosen, host, poolers).await;
    }
    // A single word can only be a name inside the cluster.
    if !host.contains(['.', ':']) {
        return Err(format!(
            "host {host} is no Service of namespace {namespace} and no full name"
        ));
    }
    Ok(direct(host))
}

fn direct(host: &str) -> Resolved {
    Resolved {
        host: host.to_owned(),
        route: DatabaseRoute::Direct,
        surely_postgres: false,
        note: None,
    }
}

async fn get_service(cluster: &Cluster, namespace: &str, name: &str) -> Result<Option<Service>, String> {
    // A label that no Service can have would be refused by the API server; it is simply no Service.
    let valid = !name.is_empty()
        && name.len() <= 63
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !valid {
        return Ok(None);
    }
    Api::<Service>::namespaced(cluster.client.clone(), namespace)
        .get_opt(name)
        .await
        .map_err(|error| unreadable("Service", &format!("{name} in namespace {namespace}"), &error))
}

async fn behind(
    cluster: &Cluster,
    namespace: &str,
    service: &Service,
    host: &str,
    port: u16,
    poolers: Poolers,
) -> Result<Resolved, String> {
    let name = service.metadata.name.as_deref().unwrap_or_default();
    let spec = service.spec.as_ref();
    if let Some(alias) = spec.and_then(|spec| spec.external_name.as_deref()) {
        return Ok(direct(alias));
    }
    let selector = spec
        .and_then(|spec| spec.selector.as_ref())
        .filter(|selector| !selector.is_empty());
    let Some(selector) = selector else {
        return Err(format!(
            "Service {name} has no selector, so its server is not known: name it with --dsn"
        ));
    };
    let labels = selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>()
        .join(",");
    let pods = Api::<Pod>::namespaced(cluster.client.clone(), namespace)
        .list(&ListParams::default().labels(&labels))
        .await
        .map_err(|error| unreadable("Pod", &format!("list behind Service {name}"), &error))?
        .items;
    let chosen = server_pod::choose(service, &pods, port)?;
    let pod = pods
        .iter()
        .find(|pod| pod.metadata.name.as_ref() == Some(&chosen.pod))
        .ok_or_else(|| format!("Service {name} selects no pod that runs"))?;
    in_pod(cluster, namespace, pod, chosen, host, poolers).await
}

/// A host that means the pod itself: the server is a container beside the application.
async fn beside(
    cluster: &Cluster,
    owner: &WorkloadName,
    host: &str,
    port: u16,
    poolers: Poolers,
) -> Result<Resolved, String> {
    let pods = Api::<Pod>::namespaced(cluster.client.clone(), &owner.namespace)
        .list(&ListParams::default())
        .await
        .map_err(|error| unreadable("Pod", &format!("list of namespace {}", owner.namespace), &error))?
        .items;
    for pod in pods {
        let runs = pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running");
        let has_server = pod
            .spec
            .iter()
            .flat_map(|spec| &spec.containers)
            .any(server_pod::runs_postgres);
        if runs && has_server && workload_of(cluster, &owner.namespace, &pod).await.as_ref() == Some(owner) {
            let chosen = server_pod::in_pod(&pod, &IntOrString::Int(i32::from(port)))?;
            return in_pod(cluster, &owner.namespace, &pod, chosen, host, poolers).await;
        }
    }
    Err(format!(
        "host {host} means the pod itself, and no container of {owner} runs Postgres"
    ))
}

pub(crate) async fn in_pod(
    cluster: &Cluster,
    namespace: &str,
    pod: &Pod,
    chosen: Chosen,
    host: &str,
    poolers: Poolers,
) -> Result<Resolved, String> {
    if let Some(words) = chosen.pooler {
        if poolers == Poolers::Refused {
            return Err(words);
        }
        let server = pooler::behind(cluster, namespace, pod, &chosen.container)
            .await?
            .ok_or(words)?;
        return Ok(Resolved {
            host: host.to_owned(),
            note: Some(format!(
                "through the pooler in pod {}, to the server behind it",
                chosen.pod
            )),
            ..server
        });
    }
    Ok(Resolved {
        host: host.to_owned(),
        note: None,
        surely_postgres: chosen.surely_postgres,
        route: DatabaseRoute::Pod {
            namespace: namespace.to_owned(),
            workload: workload_of(cluster, namespace, pod).await,
            pod: chosen.pod,
            container: chosen.container,
            port: chosen.port,
        },
    })
}

/// The workload that owns a pod, a Deployment through its ReplicaSet; `None` where another kind owns it or the way
/// there may not be read (the name is a convenience, nothing depends on it).
pub(crate) async fn workload_of(cluster: &Cluster, namespace: &str, pod: &Pod) -> Option<WorkloadName> {
    let owner = pod
        .metadata
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))?;
    let (kind, name) = match owner.kind.as_str() {
        "StatefulSet" => (WorkloadKind::StatefulSet, owner.name.clone()),
        "DaemonSet" => (WorkloadKind::DaemonSet, owner.name.clone()),
        "Job" => (WorkloadKind::Job, owner.name.clone()),
        "ReplicaSet" => {
            let sets = Api::<ReplicaSet>::namespaced(cluster.client.clone(), namespace);
            let set = sets.get_opt(&owner.name).await.ok().flatten()?;
            let above = set
                .metadata
                .owner_references
                .into_iter()
                .flatten()
                .find(|above| above.kind == "Deployment")?;
            (WorkloadKind::Deployment, above.name)
        }
        _ => return None,
    };
    Some(WorkloadName {
        kind,
        namespace: namespace.to_owned(),
        name,
    })
}
