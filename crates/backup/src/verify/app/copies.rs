//! Secrets and ConfigMaps that the target's chart brings, for the time of a rehearsal: copies under names of ours that go
//! with the Job, and a pod template that refers to them.

use std::collections::BTreeMap;

use cluster::{Cluster, RequestError};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Container, PodSpec, Secret as KubeSecret, Volume};
use kube::api::{Api, ObjectMeta, PostParams};
use postgres_room::RenderedData;

use super::objects::owner;

/// New names by old ones.
type Names = BTreeMap<String, String>;

/// What is made beside the Job.
#[derive(Clone, Default)]
pub(super) struct Copies {
    secrets: Vec<KubeSecret>,
    config_maps: Vec<ConfigMap>,
}

impl std::fmt::Debug for Copies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} Secrets, {} ConfigMaps",
            self.secrets.len(),
            self.config_maps.len()
        )
    }
}

impl Copies {
    /// The template with references to copies of what is brought, and the copies. `prefix` begins their names.
    pub(super) fn of(mut template: PodSpec, brought: &RenderedData, prefix: &str) -> (PodSpec, Self) {
        let mut copies = Self::default();
        let (mut secrets, mut config_maps) = (Names::new(), Names::new());
        for (name, secret) in &brought.secrets {
            let new = format!("{prefix}-{}", secrets.len());
            copies.secrets.push(KubeSecret {
                metadata: named(&new),
                immutable: None,
                ..secret.clone()
            });
            secrets.insert(name.clone(), new);
        }
        for (name, map) in &brought.config_maps {
            let new = format!("{prefix}-{}", config_maps.len());
            copies.config_maps.push(ConfigMap {
                metadata: named(&new),
                immutable: None,
                ..map.clone()
            });
            config_maps.insert(name.clone(), new);
        }
        let init = template.init_containers.iter_mut().flatten();
        for container in template.containers.iter_mut().chain(init) {
            in_container(container, &secrets, &config_maps);
        }
        for volume in template.volumes.iter_mut().flatten() {
            in_volume(volume, &secrets, &config_maps);
        }
        (template, copies)
    }

    /// Makes them; they go with the Job.
    pub(super) async fn create(
        &self,
        cluster: &Cluster,
        namespace: &str,
        job: &Job,
    ) -> Result<(), RequestError> {
        let secrets: Api<KubeSecret> = Api::namespaced(cluster.client.clone(), namespace);
        for secret in &self.secrets {
            let mut secret = secret.clone();
            going_with(&mut secret.metadata, job);
            secrets.create(&PostParams::default(), &secret).await?;
        }
        let config_maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), namespace);
        for map in &self.config_maps {
            let mut map = map.clone();
            going_with(&mut map.metadata, job);
            config_maps.create(&PostParams::default(), &map).await?;
        }
        Ok(())
    }

    /// The resources that are made of them.
    pub(super) fn resources(&self) -> Vec<&'static str> {
        let of = |there: bool, resource: &'static str| there.then_some(resource);
        [
            of(!self.secrets.is_empty(), "secrets"),
            of(!self.config_maps.is_empty(), "configmaps"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What they are, in words; nothing where there are none.
    pub(super) fn words(&self) -> Option<String> {
        let names = |count: usize, kind: &str| (count > 0).then(|| format!("{count} {kind}"));
        let told: Vec<String> = [
            names(self.secrets.len(), "Secrets"),
            names(self.config_maps.len(), "ConfigMaps"),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!told.is_empty()).then(|| {
            format!(
                "{} as the target renders them, in copies of ours",
                told.join(" and ")
            )
        })
    }
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}

fn going_with(metadata: &mut ObjectMeta, job: &Job) {
    metadata.labels = job.metadata.labels.clone();
    metadata.owner_references = Some(vec![owner(job)]);
}

fn renamed(name: &mut String, names: &Names) {
    if let Some(new) = names.get(name) {
        name.clone_from(new);
    }
}

fn in_container(container: &mut Container, secrets: &Names, config_maps: &Names) {
    for source in container.env_from.iter_mut().flatten() {
        if let Some(secret) = &mut source.secret_ref {
            renamed(&mut secret.name, secrets);
        }
        if let Some(map) = &mut source.config_map_ref {
            renamed(&mut map.name, config_maps);
        }
    }
    let sources = container.env.iter_mut().flatten();
    for source in sources.filter_map(|variable| variable.value_from.as_mut()) {
        if let Some(secret) = &mut source.secret_key_ref {
            renamed(&mut secret.name, secrets);
        }
        if let Some(map) = &mut source.config_map_key_ref {
            renamed(&mut map.name, config_maps);
        }
    }
}

fn in_volume(volume: &mut Volume, secrets: &Names, config_maps: &Names) {
    if let Some(name) = volume
        .secret
        .as_mut()
        .and_then(|secret| secret.secret_name.as_mut())
    {
        renamed(name, secrets);
    }
    if let Some(map) = &mut volume.config_map {
        renamed(&mut map.name, config_maps);
    }
    let projected = volume.projected.iter_mut();
    for source in projected.flat_map(|all| all.sources.iter_mut().flatten()) {
        if let Some(secret) = &mut source.secret {
            renamed(&mut secret.name, secrets);
        }
        if let Some(map) = &mut source.config_map {
            renamed(&mut map.name, config_maps);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_reference_to_what_is_brought_leads_to_its_copy_and_no_other() {
        let template = json!({
            "initContainers": [{ "name": "init", "envFrom": [{ "configMapRef": { "name": "conf" } }] }],
            "containers": [{
                "name": "web",
                "envFrom": [{ "secretRef": { "name": "db" } }, { "secretRef": { "name": "kept" } }],
                "env": [
                    { "name": "A", "valueFrom": { "secretKeyRef": { "name": "db", "key": "url" } } },
                    { "name": "B", "valueFrom": { "configMapKeyRef": { "name": "conf", "key": "b" } } },
                ],
            }],
            "volumes": [
                { "name": "a", "secret": { "secretName": "db" } },
                { "name": "b", "configMap": { "name": "conf" } },
                { "name": "c", "projected": { "sources": [
                    { "secret": { "name": "db" } }, { "configMap": { "name": "kept" } },
                ] } },
            ],
        });
        let brought = RenderedData::of(
            &[
                json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "db", "labels": { "a": "b" } },
                        "immutable": true, "stringData": { "url": "x" } }),
                json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "conf" } }),
            ],
            "shop",
        );
        let (found, copies) = Copies::of(
            serde_json::from_value(template.clone()).unwrap(),
            &brought,
            "ours",
        );
        let wanted = template
            .to_string()
            .replace("\"db\"", "\"ours-0\"")
            .replace("\"conf\"", "\"ours-0\"");
        assert_eq!(serde_json::to_value(&found).unwrap().to_string(), wanted);
        let secret = serde_json::to_value(&copies.secrets).unwrap();
        assert_eq!(secret[0]["metadata"], json!({ "name": "ours-0" }));
        assert_eq!(secret[0]["stringData"], json!({ "url": "x" }));
        assert!(secret[0]["immutable"].is_null());
        assert!(copies.words().unwrap().contains("1 Secrets and 1 ConfigMaps"));
        assert_eq!(copies.resources(), ["secrets", "configmaps"]);
        assert_eq!(
            (Copies::default().words(), Copies::default().resources().len()),
            (None, 0)
        );
    }
}
