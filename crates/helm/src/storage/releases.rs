//! All releases of a namespace or a cluster, by the labels of their records: no record is transferred.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use cluster::{Cluster, ListScope};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Resource;
use kube::api::{Api, ListParams, ObjectMeta};
use model::RevisionSummary;
use serde::de::DeserializeOwned;

use super::access::{parts, summary};
use super::{Driver, StorageError};

/// Records in one answer; the API server says where the next answer goes on.
const PAGE: u32 = 500;

/// By which label Helm knows its records.
const OWNER: &str = "owner=helm";

/// A release by the labels of its newest revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRelease {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The newest revision, by number.
    pub newest: RevisionSummary,
}

/// All releases, by namespace and name. With a selector only those whose newest revision has these labels, as
/// `helm list --selector` does it.
///
/// # Errors
/// The API server's refusal; [`StorageError::is_forbidden`] tells a missing right.
pub async fn list_releases(
    cluster: &Cluster,
    driver: Driver,
    scope: &ListScope,
    selector: Option<&str>,
) -> Result<Vec<ListedRelease>, StorageError> {
    let failed = |source: kube::Error| StorageError::Api {
        action: match scope {
            ListScope::Namespace(namespace) => format!("list the releases in namespace {namespace}"),
            ListScope::All => "list the releases in the whole cluster".to_owned(),
        },
        source: source.into(),
    };
    let mut releases = Releases::default();
    each_record(cluster, driver, scope, OWNER, |record| releases.take(&record))
        .await
        .map_err(failed)?;
    if let Some(selector) = selector {
        // Labels may have changed from revision to revision: those of an older one say nothing.
        let mut selected = BTreeSet::new();
        each_record(cluster, driver, scope, &format!("{OWNER},{selector}"), |record| {
            selected.extend(record.namespace.zip(record.name));
        })
        .await
        .map_err(failed)?;
        releases.keep(&selected);
    }
    Ok(releases.found.into_values().collect())
}

/// The newest revision of each release seen so far.
#[derive(Default)]
struct Releases {
    found: BTreeMap<(String, String), ListedRelease>,
    /// The name of the newest record's object, by namespace and release.
    objects: BTreeMap<(String, String), String>,
}

impl Releases {
    /// Takes a record, in whatever order they come. What only looks like one is left alone.
    fn take(&mut self, record: &ObjectMeta) {
        let (Some(namespace), Some(object)) = (&record.namespace, &record.name) else {
            return;
        };
        let Some((name, _)) = parts(object) else {
            return;
        };
        let Some(revision) = summary(record, name) else {
            return;
        };
        let key = (namespace.clone(), name.to_owned());
        if self
            .found
            .get(&key)
            .is_some_and(|known| known.newest.revision > revision.revision)
        {
            return;
        }
        self.objects.insert(key.clone(), object.clone());
        self.found.insert(
            key,
            ListedRelease {
                namespace: namespace.clone(),
                name: name.to_owned(),
                newest: revision,
            },
        );
    }

    /// Keeps those whose newest record is among these objects.
    fn keep(&mut self, selected: &BTreeSet<(String, String)>) {
        let objects = &self.objects;
        self.found.retain(|key, _| {
            objects
                .get(key)
                .is_some_and(|object| selected.contains(&(key.0.clone(), object.clone())))
        });
    }
}

async fn each_record(
    cluster: &Cluster,
    driver: Driver,
    scope: &ListScope,
    labels: &str,
    take: impl FnMut(ObjectMeta),
) -> Result<(), kube::Error> {
    match driver {
        Driver::Secret => each(&api::<Secret>(cluster, scope), labels, take).await,
        Driver::ConfigMap => each(&api::<ConfigMap>(cluster, scope), labels, take).await,
    }
}

fn api<K>(cluster: &Cluster, scope: &ListScope) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match scope {
        ListScope::Namespace(namespace) => Api::namespaced(cluster.client.clone(), namespace),
        ListScope::All => Api::all(cluster.client.clone()),
    }
}

async fn each<K>(api: &Api<K>, labels: &str, mut take: impl FnMut(ObjectMeta)) -> Result<(), kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut params = ListParams::default().labels(labels).limit(PAGE);
    loop {
        let page = api.list_metadata(&params).await?;
        for object in page.items {
            take(object.metadata);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::ReleaseStatus;

    use super::*;

    fn record(namespace: &str, name: &str, status: &str) -> ObjectMeta {
        let labels = [
            ("owner", "helm"),
            ("status", status),
            ("modifiedAt", "1700000000"),
        ];
        ObjectMeta {
            namespace: Some(namespace.into()),
            name: Some(name.into()),
            labels: Some(
                labels
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
            ),
            ..ObjectMeta::default()
        }
    }

    fn told(releases: &Releases) -> Vec<(String, String, u32, ReleaseStatus)> {
        let tell = |release: &ListedRelease| {
            (
                release.namespace.clone(),
                release.name.clone(),
                release.newest.revision,
                release.newest.status,
            )
        };
        releases.found.values().map(tell).collect()
    }

    #[test]
    fn the_newest_revision_is_the_one_of_the_highest_number_and_not_of_the_last_name() {
        let mut releases = Releases::default();
        for (namespace, name, status) in [
            ("prod", "sh.helm.release.v1.shop.v10", "pending-upgrade"),
            ("prod", "sh.helm.release.v1.shop.v9", "deployed"),
            ("prod", "sh.helm.release.v1.shop.v2", "superseded"),
            ("dev", "sh.helm.release.v1.shop.v3", "deployed"),
            // A release may be called so.
            ("dev", "sh.helm.release.v1.web.v2.v1", "failed"),
            ("dev", "sh.helm.release.v1.odd", "deployed"),
            ("dev", "somebody-elses", "deployed"),
        ] {
            releases.take(&record(namespace, name, status));
        }
        assert_eq!(
            told(&releases),
            [
                ("dev".into(), "shop".into(), 3, ReleaseStatus::Deployed),
                ("dev".into(), "web.v2".into(), 1, ReleaseStatus::Failed),
                ("prod".into(), "shop".into(), 10, ReleaseStatus::PendingUpgrade),
            ]
        );
    }

    #[test]
    fn the_labels_of_an_older_revision_select_nothing() {
        let mut releases = Releases::default();
        releases.take(&record("prod", "sh.helm.release.v1.shop.v2", "deployed"));
        releases.take(&record("prod", "sh.helm.release.v1.web.v1", "deployed"));
        releases.take(&record("prod", "sh.helm.release.v1.shop.v1", "superseded"));
        let selected = ["sh.helm.release.v1.shop.v1", "sh.helm.release.v1.web.v1"]
            .map(|object| ("prod".to_owned(), object.to_owned()));
        releases.keep(&selected.into());
        let names: Vec<String> = told(&releases).into_iter().map(|told| told.1).collect();
        assert_eq!(names, ["web"]);
    }
}
