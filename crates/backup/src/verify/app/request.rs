//! What to boot on a restored copy, read from a workload as it runs now.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::{ApiError, Cluster};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use model::{DatabaseLocation, DatabaseRoute, Secret, Workload, WorkloadKind};
use postgres_room::{Credentials, FindError, surroundings};
use thiserror::Error;

use super::door::{Door, choose};
use super::shape::{App, booted, left_out, refused};
use crate::helper_pod::Like;

/// What an application is asked over HTTP once it is ready: any 2xx is a good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppQuestion {
    /// The container port.
    pub port: u16,
    /// The path.
    pub path: String,
}

/// Why an application cannot be booted on a copy. Nothing was done yet.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AppError {
    /// Its pod template, or what that refers to.
    #[error("failed to read what {workload} runs")]
    Template {
        /// The workload.
        workload: String,
        /// Why.
        #[source]
        source: FindError,
    },
    /// Its claims or pods.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// It is not there.
    #[error("{0} does not exist")]
    Gone(String),
    /// It would not run on the copy alone, or nobody knows whether it would.
    #[error("{workload} cannot be booted on a restored copy: {reason}")]
    NotBootable {
        /// The workload.
        workload: String,
        /// Why, in words.
        reason: String,
    },
}

/// An application to boot on a restored copy.
#[derive(Debug, Clone)]
pub struct AppRequest {
    /// The workload in words: `deployment/web`.
    pub(super) workload: String,
    pub(super) namespace: String,
    pub(super) app: App,
    /// The claim of each volume that has one, by the volume's name.
    pub(super) claims: BTreeMap<String, String>,
    pub(super) image: String,
    pub(super) version: Option<String>,
    /// Machines that it is told by number, in words.
    pub(super) numbers: Vec<String>,
    /// What is not as in use, in words.
    pub(super) notes: Vec<String>,
    /// What none of its words may show.
    pub(super) secrets: Vec<Secret>,
    /// The database in use.
    pub(super) live: Live,
    /// How long it may take to be ready.
    pub(super) limit: Duration,
}

/// The database in use, which must not see anything of all this.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) location: DatabaseLocation,
    pub(super) credentials: Credentials,
    /// Address and port of its server, where known.
    pub(super) address: Option<(String, u16)>,
}

impl AppRequest {
    /// The container of a workload that uses a database: the one that is named, else the one that is told where it is.
    ///
    /// # Errors
    /// See [`AppError`]; [`AppError::NotBootable`] where it could reach the database in use, or would not find the copy.
    pub async fn find(
        cluster: &Cluster,
        workload: &Workload,
        container: Option<&str>,
        (location, credentials): (&DatabaseLocation, &Credentials),
        questions: Vec<AppQuestion>,
        limit: Duration,
    ) -> Result<Self, AppError> {
        let name = &workload.name;
        let words = name.to_string();
        let not_bootable = |reason| AppError::NotBootable {
            workload: words.clone(),
            reason,
        };
        let found = surroundings(cluster, name, location)
            .await
            .map_err(|source| AppError::Template {
                workload: words.clone(),
                source,
            })?
            .ok_or_else(|| AppError::Gone(words.clone()))?;
        let container = choose(&found, &words, container)
            .map_err(not_bootable)?
            .to_owned();
        if let Some(reason) = refused(&found.template, &container) {
            return Err(not_bootable(reason));
        }
        let kept = booted(&found.template, &container);
        let names: Vec<&str> = kept.iter().map(|kept| kept.name.as_str()).collect();
        let door = Door::of(&found, &names).map_err(not_bootable)?;
        let of_ours = |(of, place): &(String, String)| {
            names
                .contains(&of.as_str())
                .then(|| format!("container {of}, {place}"))
        };
        let numbers = found.numbers.iter().filter_map(of_ours).collect();
        let image = kept.first().and_then(|app| app.image.clone()).unwrap_or_default();
        let notes = notes(&found.template, &container);
        let claims = claims(cluster, workload, &found.template).await?;
        Ok(Self {
            namespace: name.namespace.clone(),
            claims,
            image,
            version: workload.labels.get("app.kubernetes.io/version").cloned(),
            numbers,
            notes,
            secrets: found.secrets,
            live: Live {
                location: location.clone(),
                credentials: credentials.clone(),
                address: address(cluster, location).await,
            },
            limit,
            app: App {
                pull_secrets: pull_secrets(cluster, workload).await?,
                template: found.template,
                container,
                door,
                questions,
            },
            workload: words,
        })
    }

    /// The namespace of its pod: what its environment refers to is there.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What is booted, in words: `deployment/web, container web, image web:1`.
    pub fn words(&self) -> String {
        let Self { workload, image, .. } = self;
        format!("{workload}, container {}, image {image}", self.app.container)
    }
}

fn notes(template: &PodSpec, container: &str) -> Vec<String> {
    let mut notes: Vec<String> = left_out(template, container)
        .iter()
        .map(|name| format!("container {name}, which runs beside it in use, was left out"))
        .collect();
    if template
        .host_aliases
        .as_ref()
        .is_some_and(|aliases| !aliases.is_empty())
    {
        notes.push("the workload's own hostAliases were left out".to_owned());
    }
    notes
}

/// The claims of a workload's volumes; of a StatefulSet's own those of its first pod.
async fn claims(
    cluster: &Cluster,
    workload: &Workload,
    template: &PodSpec,
) -> Result<BTreeMap<String, String>, ApiError> {
    let named = template.volumes.iter().flatten().filter_map(|volume| {
        let claim = volume.persistent_volume_claim.as_ref()?;
        Some((volume.name.clone(), claim.claim_name.clone()))
    });
    let mut claims: BTreeMap<String, String> = named.collect();
    let name = &workload.name;
    if name.kind == WorkloadKind::StatefulSet {
        let sets: Api<StatefulSet> = Api::namespaced(cluster.client.clone(), &name.namespace);
        let read = sets.get(&name.name).await;
        let set = read.map_err(|error| ApiError::new(format!("read {name}"), error))?;
        let templates = set.spec.and_then(|spec| spec.volume_claim_templates);
        claims.extend(templates.into_iter().flatten().map(|template| {
            let volume = template.name_any();
            let claim = format!("{volume}-{}-0", name.name);
            (volume, claim)
        }));
    }
    Ok(claims)
}

/// The Secrets that a pod in use fetches its images with: those of its ServiceAccount are among them.
async fn pull_secrets(cluster: &Cluster, workload: &Workload) -> Result<Vec<String>, ApiError> {
    let labels = workload
        .selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    let labels = labels.collect::<Vec<_>>().join(",");
    let namespace = &workload.name.namespace;
    if labels.is_empty() {
        return Ok(Vec::new());
    }
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let listed = pods.list(&ListParams::default().labels(&labels)).await;
    let listed =
        listed.map_err(|error| ApiError::new(format!("list pods in namespace {namespace}"), error))?;
    let secrets = listed
        .items
        .into_iter()
        .find_map(|pod| pod.spec?.image_pull_secrets);
    Ok(secrets.into_iter().flatten().map(|secret| secret.name).collect())
}

/// Where the database's server listens, as a pod would reach it without a name.
async fn address(cluster: &Cluster, location: &DatabaseLocation) -> Option<(String, u16)> {
    match &location.route {
        DatabaseRoute::Pod {
            namespace,
            pod,
            container,
            port,
            workload: _,
        } => {
            let like = Like::of(cluster, namespace, pod, container).await.ok()?;
            Some((like.address?, *port))
        }
        DatabaseRoute::Direct => {
            let looked = tokio::net::lookup_host((location.host.as_str(), location.port)).await;
            let address = looked.ok()?.next()?;
            Some((address.ip().to_string(), address.port()))
        }
    }
}
