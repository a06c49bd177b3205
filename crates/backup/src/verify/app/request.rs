//! What to boot on a restored copy, read from a workload as it runs now.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::{ApiError, Cluster};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, PodSpec, ServiceAccount};
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use model::{DatabaseLocation, DatabaseRoute, Secret, Workload, WorkloadKind, WorkloadName};
use postgres_room::{Credentials, FindError, RenderedData, Surroundings, surroundings, surroundings_of};
use thiserror::Error;

use super::copies::Copies;
use super::door::{Door, choose};
use super::shape::{App, Edits, booted, left_out, refused};
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
    /// How long it may take to be ready, or to migrate.
    pub(super) limit: Duration,
    /// The migration, where one is rehearsed.
    pub(super) migration: Option<MigrationWanted>,
    /// What its chart brings and the cluster does not have.
    pub(super) copies: Copies,
}

/// How a migration ends well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationBy {
    /// A Job's container, which ends with 0.
    Job,
    /// A container that migrates when it boots, and is ready then.
    Boot,
}

/// What a migration is to come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationWanted {
    /// Who migrates.
    pub by: MigrationBy,
    /// The schema's version that it brings, where that is known.
    pub schema: Option<String>,
    /// The migration tool, where that is known.
    pub tool: Option<model::MigrationTool>,
}

/// The pod template of a version that does not run yet, and what its chart brings with it.
#[derive(Debug, Clone)]
pub struct TargetPod<'a> {
    /// The workload or hook Job.
    pub name: WorkloadName,
    /// Its pod template.
    pub template: PodSpec,
    /// The claim of each volume that has one, by the volume's name, beside those that the template names.
    pub claims: BTreeMap<String, String>,
    /// Secrets and ConfigMaps as the chart renders them.
    pub rendered: &'a RenderedData,
    /// The application's version.
    pub version: Option<String>,
    /// Environment variables that are empty in a rehearsal.
    pub blank: Vec<String>,
    /// The container, where the user names it.
    pub container: Option<String>,
    /// What is asked of its health; the first question tells when it is ready, where no probe does.
    pub questions: Vec<AppQuestion>,
    /// What its migration is to come to.
    pub migration: MigrationWanted,
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
        let found = surroundings(cluster, name, location)
            .await
            .map_err(|source| AppError::Template {
                workload: words.clone(),
                source,
            })?
            .ok_or_else(|| AppError::Gone(words.clone()))?;
        let flag = format!("--app {words}:CONTAINER");
        let mut claims = named_claims(&found.template);
        claims.extend(own_claims(cluster, name).await?);
        let pull_secrets = pull_secrets(cluster, workload).await?;
        let live = Live::of(cluster, location, credentials).await;
        let mut request = Self::of(name, found, (container, &flag), live, limit)?;
        request.claims = claims;
        request.version = workload.labels.get("app.kubernetes.io/version").cloned();
        request.app.pull_secrets = pull_secrets;
        request.app.questions = questions;
        Ok(request)
    }

    /// The container of a version that does not run yet and migrates the database: the one that is named, else the one that is
    /// told where it is.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn migrating(
        cluster: &Cluster,
        target: TargetPod<'_>,
        (location, credentials): (&DatabaseLocation, &Credentials),
        limit: Duration,
    ) -> Result<Self, AppError> {
        let TargetPod {
            name,
            template,
            claims,
            rendered,
            version,
            blank,
            container,
            questions,
            migration,
        } = target;
        let found = surroundings_of(cluster, &name, template, rendered, location).await;
        let pull_secrets = pull_secrets_of_account(cluster, &name.namespace, &found.template).await;
        let mut all_claims = named_claims(&found.template);
        all_claims.extend(claims);
        let live = Live::of(cluster, location, credentials).await;
        let mut request = Self::of(
            &name,
            found,
            (container.as_deref(), "--container NAME"),
            live,
            limit,
        )?;
        request.claims = all_claims;
        request.version = version;
        request.app.pull_secrets = pull_secrets;
        request.app.edits = Edits {
            blank,
            patience: true,
        };
        request.app.questions = questions;
        let by = migration.by;
        let tells_schema = migration.schema.is_some();
        request.migration = Some(migration);
        if by == MigrationBy::Boot && !request.ready_counts() && !tells_schema {
            return Err(AppError::NotBootable {
                workload: request.workload,
                reason: "nothing would tell when it has migrated: it has no readiness probe, and the profile says neither its \
                         health nor the schema that it brings"
                    .into(),
            });
        }
        Ok(request)
    }

    /// What a template and its surroundings tell; the rest is for the caller to say.
    fn of(
        name: &WorkloadName,
        found: Surroundings,
        (container, flag): (Option<&str>, &str),
        live: Live,
        limit: Duration,
    ) -> Result<Self, AppError> {
        let words = name.to_string();
        let not_bootable = |reason| AppError::NotBootable {
            workload: words.clone(),
            reason,
        };
        let container = choose(&found, &words, container, flag)
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
        let prefix = format!("pgbackup-brought-{:08x}", rand::random::<u32>());
        let (template, copies) = Copies::of(found.template, &found.brought, &prefix);
        Ok(Self {
            namespace: name.namespace.clone(),
            claims: BTreeMap::new(),
            image,
            version: None,
            numbers,
            notes,
            secrets: found.secrets,
            live,
            limit,
            migration: None,
            copies,
            app: App {
                pull_secrets: Vec::new(),
                template,
                container,
                door,
                questions: Vec::new(),
                edits: Edits::default(),
            },
            workload: words,
        })
    }

    /// The resources that are made of what its chart brings, by their plural names.
    pub fn copied(&self) -> Vec<&'static str> {
        self.copies.resources()
    }

    /// Whether being ready says something: a Job that runs is ready at once, and so is whoever has no probe.
    pub(super) fn ready_counts(&self) -> bool {
        match self.migration.as_ref().map(|migration| migration.by) {
            None => true,
            Some(MigrationBy::Job) => false,
            Some(MigrationBy::Boot) => {
                let mut all = self.app.template.containers.iter();
                let own = all.find(|found| found.name == self.app.container);
                !self.app.questions.is_empty() || own.is_some_and(|own| own.readiness_probe.is_some())
            }
        }
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

impl Live {
    async fn of(cluster: &Cluster, location: &DatabaseLocation, credentials: &Credentials) -> Self {
        Self {
            location: location.clone(),
            credentials: credentials.clone(),
            address: address(cluster, location).await,
        }
    }
}

/// The claims that a template names.
fn named_claims(template: &PodSpec) -> BTreeMap<String, String> {
    let named = template.volumes.iter().flatten().filter_map(|volume| {
        let claim = volume.persistent_volume_claim.as_ref()?;
        Some((volume.name.clone(), claim.claim_name.clone()))
    });
    named.collect()
}

/// The claims that a StatefulSet makes itself, of its first pod.
async fn own_claims(cluster: &Cluster, name: &WorkloadName) -> Result<BTreeMap<String, String>, ApiError> {
    if name.kind != WorkloadKind::StatefulSet {
        return Ok(BTreeMap::new());
    }
    let sets: Api<StatefulSet> = Api::namespaced(cluster.client.clone(), &name.namespace);
    let read = sets.get(&name.name).await;
    let set = read.map_err(|error| ApiError::new(format!("read {name}"), error))?;
    let templates = set.spec.and_then(|spec| spec.volume_claim_templates);
    let claim = |template: k8s_openapi::api::core::v1::PersistentVolumeClaim| {
        let volume = template.name_any();
        let claim = format!("{volume}-{}-0", name.name);
        (volume, claim)
    };
    Ok(templates.into_iter().flatten().map(claim).collect())
}

/// The Secrets that a template's ServiceAccount fetches images with. An account that its chart is yet to make, or that may not
/// be read, has none: an image that is not fetched tells so by itself.
async fn pull_secrets_of_account(cluster: &Cluster, namespace: &str, template: &PodSpec) -> Vec<String> {
    let account = template.service_account_name.as_deref().unwrap_or("default");
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client.clone(), namespace);
    let read = accounts.get_opt(account).await.unwrap_or_default();
    let secrets = read.and_then(|account| account.image_pull_secrets);
    secrets.into_iter().flatten().map(|secret| secret.name).collect()
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
