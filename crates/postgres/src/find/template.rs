//! Reading a workload's pod template with every Secret and ConfigMap that it refers to.

use std::collections::BTreeMap;

use cluster::Cluster;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Container, PodSpec, Secret as KubeSecret};
use kube::Api;
use model::{Secret, WorkloadKind, WorkloadName};

use super::environment::{Data, Referenced, References};

/// Every container of a template, init containers last: they are gone when one looks for who holds a connection.
pub(crate) fn containers(template: &PodSpec) -> impl Iterator<Item = &Container> {
    template
        .containers
        .iter()
        .chain(template.init_containers.iter().flatten())
}

/// The pod template of a workload; `None` when the workload does not exist.
pub(crate) async fn read_template(
    cluster: &Cluster,
    name: &WorkloadName,
) -> Result<Option<PodSpec>, kube::Error> {
    let namespace = &name.namespace;
    let client = cluster.client.clone();
    Ok(match name.kind {
        WorkloadKind::Deployment => Api::<Deployment>::namespaced(client, namespace)
            .get_opt(&name.name)
            .await?
            .and_then(|object| object.spec)
            .and_then(|spec| spec.template.spec),
        WorkloadKind::StatefulSet => Api::<StatefulSet>::namespaced(client, namespace)
            .get_opt(&name.name)
            .await?
            .and_then(|object| object.spec)
            .and_then(|spec| spec.template.spec),
        WorkloadKind::DaemonSet => Api::<DaemonSet>::namespaced(client, namespace)
            .get_opt(&name.name)
            .await?
            .and_then(|object| object.spec)
            .and_then(|spec| spec.template.spec),
        WorkloadKind::Job => Api::<Job>::namespaced(client, namespace)
            .get_opt(&name.name)
            .await?
            .and_then(|object| object.spec)
            .and_then(|spec| spec.template.spec),
        WorkloadKind::CronJob => Api::<CronJob>::namespaced(client, namespace)
            .get_opt(&name.name)
            .await?
            .and_then(|object| object.spec)
            .and_then(|spec| spec.job_template.spec)
            .and_then(|spec| spec.template.spec),
    })
}

/// Reads what is referred to. One that cannot be read is kept with the reason and never ends the look.
pub(crate) async fn read_referenced(cluster: &Cluster, namespace: &str, names: &References) -> Referenced {
    let secrets = Api::<KubeSecret>::namespaced(cluster.client.clone(), namespace);
    let config_maps = Api::<ConfigMap>::namespaced(cluster.client.clone(), namespace);
    let mut referenced = Referenced::default();
    for name in &names.secrets {
        let data = match secrets.get_opt(name).await {
            Ok(secret) => Ok(secret.map(secret_data)),
            Err(error) => Err(unreadable("Secret", name, &error)),
        };
        referenced.secrets.insert(name.clone(), data);
    }
    for name in &names.config_maps {
        let data: Data = match config_maps.get_opt(name).await {
            Ok(map) => Ok(map.map(|map| {
                map.data
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(key, value)| (key, Secret::new(value)))
                    .collect()
            })),
            Err(error) => Err(unreadable("ConfigMap", name, &error)),
        };
        referenced.config_maps.insert(name.clone(), data);
    }
    referenced
}

/// The keys of a Secret whose data is text.
pub(crate) fn secret_data(secret: KubeSecret) -> BTreeMap<String, Secret> {
    secret
        .data
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(key, value)| Some((key, Secret::new(String::from_utf8(value.0).ok()?))))
        .collect()
}

/// Why an object could not be read, in words that name the missing right.
pub(crate) fn unreadable(kind: &str, name: &str, error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            format!(
                "{kind} {name} may not be read with these credentials (needs get on {}s)",
                kind.to_lowercase()
            )
        }
        other => format!("{kind} {name} could not be read: {}", model::causes(other)),
    }
}
