//! From a host to the pod that runs Postgres.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A host name that may be a Service: its name and namespace. An address or a name outside the cluster is none.
///
/// `host`, `host.namespace`, `host.namespace.svc` and `host.namespace.svc.<cluster domain>` are how pods may write it.
/// Whether there is such a Service is for the cluster to say.
pub(crate) fn service_of(host: &str, own_namespace: &str) -> Option<(String, String)> {
    let host = host.trim_end_matches('.');
    if host.is_empty() || host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let labels: Vec<&str> = host.split('.').collect();
    match labels.as_slice() {
        [name] => Some(((*name).to_owned(), own_namespace.to_owned())),
        [name, namespace] | [name, namespace, "svc", ..] => {
            Some(((*name).to_owned(), (*namespace).to_owned()))
        }
        _ => None,
    }
}

/// A pod's own name under a headless Service: `db-0.db`, `db-0.db.shop.svc…`: pod, Service and namespace.
pub(crate) fn pod_of(host: &str, own_namespace: &str) -> Option<(String, String, String)> {
    let labels: Vec<&str> = host.trim_end_matches('.').split('.').collect();
    match labels.as_slice() {
        [pod, service] => Some(((*pod).to_owned(), (*service).to_owned(), own_namespace.to_owned())),
        [pod, service, namespace] | [pod, service, namespace, "svc", ..] => {
            Some(((*pod).to_owned(), (*service).to_owned(), (*namespace).to_owned()))
        }
        _ => None,
    }
}

/// Whether a host means the pod that writes it.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The repository of an image without registry, folders, tag and digest.
fn image_name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(':').next().unwrap_or(last)
}

/// Whether a container runs a Postgres server: by its image's name, or because PGDATA is set for it.
pub(crate) fn runs_postgres(container: &Container) -> bool {
    let image = container
        .image
        .as_deref()
        .map(image_name)
        .unwrap_or_default()
        .to_ascii_lowercase();
    if is_pooler(container) || image.contains("exporter") || image.contains("operator") {
        return false;
    }
    let by_image = [
        "postgres",
        "postgis",
        "pgvector",
        "timescaledb",
        "harbor-db",
        "spilo",
    ]
    .iter()
    .any(|known| image.contains(known));
    by_image
        || container
            .env
            .iter()
            .flatten()
            .any(|variable| variable.name == "PGDATA")
}

/// Whether a container only passes connections on: sessions and dumps must go to the server itself.
pub(crate) fn is_pooler(container: &Container) -> bool {
    let image = container
        .image
        .as_deref()
        .map(image_name)
        .unwrap_or_default()
        .to_ascii_lowercase();
    ["pgbouncer", "pgcat", "odyssey", "pgpool", "supavisor"]
        .iter()
        .any(|known| image.contains(known))
}

/// The pod, container and port that answer a Service's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) pod: String,
    pub(crate) container: String,
    pub(crate) port: u16,
    /// Whether the container itself says that it is Postgres, and not merely that it listens there.
    pub(crate) surely_postgres: bool,
    /// Why it will not do, where it only passes connections on.
    pub(crate) pooler: Option<String>,
}

/// What is said of a pooler whose server is not known.
pub(crate) fn pooler_words(pod: &str, container: &Container) -> String {
    format!(
        "pod {pod} runs a connection pooler ({}), not the server: name the server itself with --dsn, --secret or --pod",
        container.image.as_deref().unwrap_or_default()
    )
}

/// Chooses among the pods that a Service selects.
pub(crate) fn choose(service: &Service, pods: &[Pod], port: u16) -> Result<Chosen, String> {
    let name = service.metadata.name.as_deref().unwrap_or_default();
    let spec = service.spec.as_ref();
    let headless = spec.and_then(|spec| spec.cluster_ip.as_deref()) == Some("None");
    let offered = spec
        .and_then(|spec| spec.ports.as_ref())
        .into_iter()
        .flatten()
        .find(|offered| offered.port == i32::from(port));
    // Behind a headless Service clients speak to the pod's port itself, whatever the Service lists.
    let target = match offered {
        Some(offered) if !headless => offered
            .target_port
            .clone()
            .unwrap_or(IntOrString::Int(offered.port)),
        Some(_) | None if headless => IntOrString::Int(i32::from(port)),
        Some(_) | None => return Err(format!("Service {name} offers no port {port}")),
    };
    let pod = best_pod(pods).ok_or_else(|| format!("Service {name} selects no pod that runs"))?;
    in_pod(pod, &target)
}

/// The container of a pod that answers a port, by number or by name.
pub(crate) fn in_pod(pod: &Pod, target: &IntOrString) -> Result<Chosen, String> {
    let pod_name = pod.metadata.name.clone().unwrap_or_default();
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    let listens = |container: &&Container| {
        container.ports.iter().flatten().any(|listening| match target {
            IntOrString::Int(number) => listening.container_port == *number,
            IntOrString::String(name) => listening.name.as_ref() == Some(name),
        })
    };
    let container = containers
        .iter()
        .find(|container| listens(container) && runs_postgres(container))
        .or_else(|| containers.iter().find(listens))
        .or_else(|| containers.iter().find(|container| runs_postgres(container)))
        .ok_or_else(|| format!("no container of pod {pod_name} listens on the port or runs Postgres"))?;
    let port = match target {
        IntOrString::Int(number) => u16::try_from(*number).ok(),
        IntOrString::String(name) => container
            .ports
            .iter()
            .flatten()
            .find(|listening| listening.name.as_ref() == Some(name))
            .and_then(|listening| u16::try_from(listening.container_port).ok()),
    }
    .ok_or_else(|| format!("pod {pod_name} has no port {target:?}"))?;
    Ok(Chosen {
        pooler: is_pooler(container).then(|| pooler_words(&pod_name, container)),
        pod: pod_name,
        container: container.name.clone(),
        port,
        surely_postgres: runs_postgres(container),
    })
}

/// The pod to speak to: one that runs, ready before not ready, the primary before others, then by name.
fn best_pod(pods: &[Pod]) -> Option<&Pod> {
    pods.iter()
        .filter(|pod| runs(pod))
        .min_by_key(|pod| (!is_ready(pod), !is_primary(pod), pod.metadata.name.clone()))
}

fn runs(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    pod.metadata.deletion_timestamp.is_none() && phase == Some("Running")
}

fn is_ready(pod: &Pod) -> bool {
    pod.status
        .as_ref()
        .and_then(|status| status.conditions.as_ref())
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn is_primary(pod: &Pod) -> bool {
    let empty = BTreeMap::new();
    let labels = pod.metadata.labels.as_ref().unwrap_or(&empty);
    [
        "cnpg.io/instanceRole",
        "role",
        "spilo-role",
        "postgres-operator.crunchydata.com/role",
        "app.kubernetes.io/component",
    ]
    .iter()
    .filter_map(|key| labels.get(*key))
    .any(|role| role == "primary" || role == "master")
}
