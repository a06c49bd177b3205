//! Reading and, where a run must, writing records.

use cluster::Cluster;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PartialObjectMeta, Patch, PatchParams};
use model::{ReleaseStatus, RevisionSummary};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::record::status;
use super::{Driver, NoRecordedChart, RecordHead, StorageError, StoredRelease, chart, codec};

/// What is in every record's name before the release's.
const PREFIX: &str = "sh.helm.release.v1.";

/// The records of one namespace.
#[derive(Debug, Clone)]
pub struct Storage {
    cluster: Cluster,
    namespace: String,
    driver: Driver,
}

/// Where a record keeps what it said before it was marked failed: status and description, as JSON.
const MARKED: &str = "safe-upgrade.dev/marked-failed";

/// A record as its object holds it.
struct Stored {
    release: Vec<u8>,
    resource_version: Option<String>,
    /// [`MARKED`].
    marked: Option<String>,
}

/// What a record says of its revision.
#[derive(Serialize, Deserialize)]
struct Said {
    status: ReleaseStatus,
    description: String,
}

impl Storage {
    /// The records of `namespace` with the driver that `HELM_DRIVER` names.
    ///
    /// # Errors
    /// A driver whose records are not in the cluster.
    pub fn open(cluster: &Cluster, namespace: &str) -> Result<Self, StorageError> {
        let word = std::env::var("HELM_DRIVER").unwrap_or_default();
        Ok(Self::with_driver(cluster, namespace, Driver::parse(&word)?))
    }

    /// The records of `namespace` with a given driver.
    pub fn with_driver(cluster: &Cluster, namespace: &str, driver: Driver) -> Self {
        Self {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
            driver,
        }
    }

    /// All revisions, oldest first, by their labels only: no record is transferred.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn history(&self, release: &str) -> Result<Vec<RevisionSummary>, StorageError> {
        let params = ListParams::default().labels(&format!("owner=helm,name={release}"));
        let listed = match self.driver {
            Driver::Secret => self.secrets().list_metadata(&params).await.map(metadata),
            Driver::ConfigMap => self.config_maps().list_metadata(&params).await.map(metadata),
        };
        let listed = listed.map_err(|source| self.failed("list the revisions of", release, source))?;
        let mut revisions: Vec<_> = listed.iter().filter_map(|meta| summary(meta, release)).collect();
        revisions.sort_by_key(|summary| summary.revision);
        Ok(revisions)
    }

    /// The newest revision by number; `None` when the release does not exist.
    ///
    /// # Errors
    /// The API server's refusal, or a record that cannot be decoded.
    pub async fn latest(&self, release: &str) -> Result<Option<StoredRelease>, StorageError> {
        match self.history(release).await?.last() {
            Some(newest) => self.revision(release, newest.revision).await,
            None => Ok(None),
        }
    }

    /// One revision; `None` when there is none of that number.
    ///
    /// # Errors
    /// The API server's refusal, or a record that cannot be decoded.
    pub async fn revision(
        &self,
        release: &str,
        revision: u32,
    ) -> Result<Option<StoredRelease>, StorageError> {
        let record = record_name(release, revision);
        let Some(stored) = self.get(release, &record).await? else {
            return Ok(None);
        };
        let broken = |reason: String| StorageError::Record {
            record: record.clone(),
            reason,
        };
        let json = codec::decode(&stored.release).map_err(&broken)?;
        StoredRelease::read(&json, &self.namespace, stored.release.len())
            .map(Some)
            .map_err(|error| broken(error.to_string()))
    }

    /// What a revision's record says before the chart's files begin; `None` when there is none of that number. The rest of
    /// it is transferred and not unpacked.
    ///
    /// # Errors
    /// The API server's refusal, or a record that cannot be decoded so far.
    pub async fn head(&self, release: &str, revision: u32) -> Result<Option<RecordHead>, StorageError> {
        let record = record_name(release, revision);
        let Some(stored) = self.get(release, &record).await? else {
            return Ok(None);
        };
        RecordHead::read(&stored.release)
            .map(Some)
            .map_err(|reason| StorageError::Record { record, reason })
    }

    /// The archive of a revision's chart, made from its record; or why the record does not give it.
    ///
    /// # Errors
    /// No such revision, the API server's refusal, or a record that cannot be decoded.
    pub async fn recorded_chart(
        &self,
        release: &str,
        revision: u32,
    ) -> Result<Result<Vec<u8>, NoRecordedChart>, StorageError> {
        let (_, content) = self.content(release, revision).await?;
        Ok(chart::archive(&content))
    }

    /// Marks a pending revision failed, in its data and its label, so that Helm accepts another operation. Both at once
    /// and only if nobody has written the record since it was read; what it said before is kept beside it.
    ///
    /// # Errors
    /// No such revision, one that is not pending, or the API server's refusal.
    pub async fn mark_failed(&self, release: &str, revision: u32, why: &str) -> Result<(), StorageError> {
        let (stored, content) = self.content(release, revision).await?;
        let before = Said {
            status: status(content["info"]["status"].as_str().unwrap_or_default()),
            description: content["info"]["description"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        };
        if !before.status.is_pending() {
            return Err(StorageError::NotPending {
                release: release.to_owned(),
                revision,
            });
        }
        let now = Said {
            status: ReleaseStatus::Failed,
            description: why.to_owned(),
        };
        let marked = json!(json!(before).to_string());
        self.say(release, revision, stored, content, &now, marked).await
    }

    /// Lets a revision say again what it said before it was marked failed. Gives the status that it has now.
    ///
    /// # Errors
    /// No such revision, one that was not marked or has been written since, or the API server's refusal.
    pub async fn unmark_failed(&self, release: &str, revision: u32) -> Result<ReleaseStatus, StorageError> {
        let (stored, content) = self.content(release, revision).await?;
        let failed = status(content["info"]["status"].as_str().unwrap_or_default()) == ReleaseStatus::Failed;
        let before: Said = stored
            .marked
            .as_deref()
            .filter(|_| failed)
            .and_then(|marked| serde_json::from_str(marked).ok())
            .ok_or_else(|| StorageError::NotMarked {
                release: release.to_owned(),
                revision,
            })?;
        self.say(release, revision, stored, content, &before, Value::Null)
            .await?;
        Ok(before.status)
    }

    /// A record's object and what it holds.
    async fn content(&self, release: &str, revision: u32) -> Result<(Stored, Value), StorageError> {
        let record = record_name(release, revision);
        let stored = self
            .get(release, &record)
            .await?
            .ok_or_else(|| StorageError::NoRevision {
                release: release.to_owned(),
                namespace: self.namespace.clone(),
                revision,
            })?;
        let broken = |reason: String| StorageError::Record {
            record: record.clone(),
            reason,
        };
        let json = codec::decode(&stored.release).map_err(&broken)?;
        let content = serde_json::from_slice(&json).map_err(|error| broken(error.to_string()))?;
        Ok((stored, content))
    }

    /// Writes what a record says of its revision, and what is kept beside it.
    async fn say(
        &self,
        release: &str,
        revision: u32,
        stored: Stored,
        mut content: Value,
        said: &Said,
        marked: Value,
    ) -> Result<(), StorageError> {
        let record = record_name(release, revision);
        content["info"]["status"] = json!(said.status);
        content["info"]["description"] = json!(said.description);
        let packed = codec::encode(content.to_string().as_bytes()).map_err(|error| StorageError::Record {
            record: record.clone(),
            reason: error.to_string(),
        })?;
        let data = match self.driver {
            // The API carries a Secret's data in base64 once more.
            Driver::Secret => json!(k8s_openapi::ByteString(packed.into_bytes())),
            Driver::ConfigMap => json!(packed),
        };
        let patch = Patch::Merge(json!({
            "metadata": {
                "resourceVersion": stored.resource_version,
                "labels": {"status": said.status},
                "annotations": {MARKED: marked},
            },
            "data": {"release": data},
        }));
        let params = PatchParams::default();
        match self.driver {
            Driver::Secret => self.secrets().patch(&record, &params, &patch).await.map(drop),
            Driver::ConfigMap => self.config_maps().patch(&record, &params, &patch).await.map(drop),
        }
        .map_err(|source| self.failed("write the status of the newest revision of", release, source))
    }

    /// Takes a revision out of the history. Does nothing when it is gone already.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn delete_revision(&self, release: &str, revision: u32) -> Result<(), StorageError> {
        let record = record_name(release, revision);
        let params = DeleteParams::default();
        let deleted = match self.driver {
            Driver::Secret => self.secrets().delete(&record, &params).await.map(drop),
            Driver::ConfigMap => self.config_maps().delete(&record, &params).await.map(drop),
        };
        match deleted {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => other.map_err(|source| self.failed("delete a revision of", release, source)),
        }
    }

    async fn get(&self, release: &str, record: &str) -> Result<Option<Stored>, StorageError> {
        let (content, meta) = match self.driver {
            Driver::Secret => match self.secrets().get_opt(record).await {
                Ok(Some(mut secret)) => (
                    secret
                        .data
                        .take()
                        .and_then(|mut data| data.remove("release"))
                        .map(|bytes| bytes.0),
                    secret.metadata,
                ),
                Ok(None) => return Ok(None),
                Err(source) => return Err(self.failed("read", release, source)),
            },
            Driver::ConfigMap => match self.config_maps().get_opt(record).await {
                Ok(Some(mut map)) => (
                    map.data
                        .take()
                        .and_then(|mut data| data.remove("release"))
                        .map(String::into_bytes),
                    map.metadata,
                ),
                Ok(None) => return Ok(None),
                Err(source) => return Err(self.failed("read", release, source)),
            },
        };
        let release = content.ok_or_else(|| StorageError::Record {
            record: record.to_owned(),
            reason: "it holds no release".to_owned(),
        })?;
        Ok(Some(Stored {
            release,
            resource_version: meta.resource_version,
            marked: meta
                .annotations
                .and_then(|mut annotations| annotations.remove(MARKED)),
        }))
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.cluster.client.clone(), &self.namespace)
    }

    fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.cluster.client.clone(), &self.namespace)
    }

    fn failed(&self, act: &str, release: &str, source: kube::Error) -> StorageError {
        StorageError::Api {
            action: format!("{act} release {release} in namespace {}", self.namespace),
            source: source.into(),
        }
    }
}

fn record_name(release: &str, revision: u32) -> String {
    format!("{PREFIX}{release}.v{revision}")
}

fn metadata<K: Clone>(list: kube::api::ObjectList<PartialObjectMeta<K>>) -> Vec<ObjectMeta> {
    list.items.into_iter().map(|object| object.metadata).collect()
}

/// The release and the revision that a record's name tells; `None` for an object that only looks like a record.
pub(super) fn parts(record: &str) -> Option<(&str, u32)> {
    let (release, revision) = record.strip_prefix(PREFIX)?.rsplit_once(".v")?;
    Some((release, revision.parse().ok()?))
}

/// A revision by its labels; `None` for an object that only looks like a record of the release.
pub(super) fn summary(meta: &ObjectMeta, release: &str) -> Option<RevisionSummary> {
    let (named, revision) = parts(meta.name.as_deref()?)?;
    if named != release {
        return None;
    }
    let label = |key: &str| meta.labels.as_ref().and_then(|labels| labels.get(key));
    Some(RevisionSummary {
        revision,
        status: label("status").map_or(ReleaseStatus::Unknown, |word| status(word)),
        // A record that was never changed has only the time of its creation.
        modified_at: label("modifiedAt")
            .or_else(|| label("createdAt"))
            .and_then(|seconds| seconds.parse().ok()),
    })
}
