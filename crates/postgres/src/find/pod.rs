//! A database by its server's pod: what the pod's own specification says of it.

use cluster::Cluster;
use k8s_openapi::api::core::v1::{Container, Pod, Service};
use kube::Api;
use model::{CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute};

use super::environment::{self, Variable};
use super::mention::{self, DEFAULT_PORT};
use super::resolve::{resolve, workload_of};
use super::template::{self, unreadable};
use super::{Candidate, FindError, server_pod};

/// The administrator of images that are told nothing else.
const ADMINISTRATOR: &str = "postgres";

fn not_usable(reason: impl Into<String>) -> FindError {
    FindError::Unreachable {
        reason: reason.into(),
    }
}

/// The database of a server's pod. `database` is what the user says; else the pod's environment has to.
pub(crate) async fn by_pod(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    container: Option<&str>,
    database: Option<&str>,
) -> Result<Candidate, FindError> {
    let pod = read(cluster, namespace, name).await?;
    let spec = pod.spec.as_ref();
    let containers = spec.map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let names = || {
        containers
            .iter()
            .map(|found| found.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let server = match container {
        Some(wanted) => containers
            .iter()
            .find(|found| found.name == wanted)
            .ok_or_else(|| not_usable(format!("pod {name} has no container {wanted}; it has {}", names())))?,
        None => containers.iter().find(|found| server_pod::runs_postgres(found)).ok_or_else(|| {
            not_usable(format!(
                "no container of pod {name} runs Postgres by its image or PGDATA; choose one with --pod {name}/CONTAINER: {}",
                names()
            ))
        })?,
    };
    if server_pod::is_pooler(server) {
        return Err(not_usable(server_pod::pooler_words(name, server)));
    }
    of_container(cluster, namespace, &pod, server, database, format!("pod {name}")).await
}

/// The database behind a Service.
pub(crate) async fn by_service(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    database: Option<&str>,
) -> Result<Candidate, FindError> {
    let service = Api::<Service>::namespaced(cluster.client.clone(), namespace)
        .get_opt(name)
        .await
        .map_err(|error| not_usable(unreadable("Service", name, &error)))?
        .ok_or_else(|| not_usable(format!("there is no Service {name} in namespace {namespace}")))?;
    let ports: Vec<u16> = service
        .spec
        .iter()
        .flat_map(|spec| spec.ports.iter().flatten())
        .filter_map(|offered| u16::try_from(offered.port).ok())
        .collect();
    let port = ports
        .iter()
        .find(|port| **port == DEFAULT_PORT)
        .or(ports.first())
        .copied()
        .unwrap_or(DEFAULT_PORT);
    let resolved = resolve(cluster, namespace, None, name, port)
        .await
        .map_err(not_usable)?;
    let DatabaseRoute::Pod {
        namespace,
        pod,
        container,
        ..
    } = &resolved.route
    else {
        return Err(not_usable(format!(
            "Service {name} leads out of the cluster, to {}: name the database with --dsn or --secret",
            resolved.host
        )));
    };
    let found = read(cluster, namespace, pod).await?;
    let server = found
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .find(|here| here.name == *container)
        .ok_or_else(|| not_usable(format!("pod {pod} has no container {container}")))?;
    let mut words = format!("service {name}, pod {pod}");
    if let Some(note) = &resolved.note {
        words.push_str(&format!(" ({note})"));
    }
    let candidate = of_container(cluster, namespace, &found, server, database, words).await?;
    Ok(Candidate {
        location: DatabaseLocation {
            host: name.to_owned(),
            port,
            ..candidate.location
        },
        ..candidate
    })
}

async fn read(cluster: &Cluster, namespace: &str, name: &str) -> Result<Pod, FindError> {
    Api::<Pod>::namespaced(cluster.client.clone(), namespace)
        .get_opt(name)
        .await
        .map_err(|error| not_usable(unreadable("Pod", name, &error)))?
        .ok_or_else(|| not_usable(format!("there is no pod {name} in namespace {namespace}")))
}

async fn of_container(
    cluster: &Cluster,
    namespace: &str,
    pod: &Pod,
    container: &Container,
    database: Option<&str>,
    found_in: String,
) -> Result<Candidate, FindError> {
    let name = pod.metadata.name.clone().unwrap_or_default();
    let variables = variables(cluster, namespace, container).await;
    let mention = mention::of_the_server(container, &variables);
    let said = mention.as_ref().map(|mention| mention.database.clone());
    let database = database.map(str::to_owned).or(said).ok_or_else(|| {
        not_usable(format!(
            "the environment of pod {name} does not say which database: name it with --database, or back up all with \
             create --all"
        ))
    })?;
    let port = mention
        .as_ref()
        .map_or_else(|| listening(container), |mention| mention.port);
    let found_in = format!("{found_in}, container {}", container.name);
    Ok(Candidate {
        named_in: vec![found_in.clone()],
        location: DatabaseLocation {
            host: "localhost".into(),
            port,
            database,
            user: mention
                .as_ref()
                .map_or_else(|| ADMINISTRATOR.to_owned(), |mention| mention.user.clone()),
            sslmode: None,
            origin: DatabaseOrigin {
                found_in,
                secret: mention.and_then(|mention| mention.secret),
                source: CredentialSource::Pod {
                    namespace: namespace.to_owned(),
                    pod: name.clone(),
                    container: container.name.clone(),
                },
            },
            route: DatabaseRoute::Pod {
                namespace: namespace.to_owned(),
                workload: workload_of(cluster, namespace, pod).await,
                pod: name,
                container: container.name.clone(),
                port,
            },
        },
    })
}

/// The port that a container says it listens on.
pub(crate) fn listening(container: &Container) -> u16 {
    let ports = container.ports.iter().flatten();
    let numbers: Vec<u16> = ports
        .filter_map(|port| u16::try_from(port.container_port).ok())
        .collect();
    numbers
        .iter()
        .find(|port| **port == DEFAULT_PORT)
        .or(numbers.first())
        .copied()
        .unwrap_or(DEFAULT_PORT)
}

/// What a container's environment holds, with everything that it refers to.
pub(crate) async fn variables(cluster: &Cluster, namespace: &str, container: &Container) -> Vec<Variable> {
    let names = environment::references([container]);
    let referenced = template::read_referenced(cluster, namespace, &names).await;
    environment::resolve(container, &referenced)
}

/// The login that a server's own container was given; `None` where it was given none.
pub(crate) async fn login_of(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    container: &str,
) -> Result<Option<crate::Credentials>, FindError> {
    let found = read(cluster, namespace, pod).await?;
    let Some(server) = found
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .find(|here| here.name == container)
    else {
        return Ok(None);
    };
    let variables = variables(cluster, namespace, server).await;
    Ok(
        mention::of_the_server(server, &variables).map(|mention| crate::Credentials {
            user: mention.user,
            password: mention.password,
        }),
    )
}
