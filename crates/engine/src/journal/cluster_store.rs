//! Journals as Secrets of the release's namespace: Secrets, because values and hooks' texts may hold what must not be
//! readable by everybody who may read ConfigMaps.

use async_trait::async_trait;
use cluster::{Cluster, FIELD_MANAGER};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use model::UpgradeOutcome;
use serde_json::json;

use super::{HeadLabels, JournalStore, StoreError, StoredHead};
use crate::answer::store_error;
use crate::labels;

/// `type` of a head.
const HEAD_TYPE: &str = "safe-upgrade.dev/run";
/// `type` of a piece of a part.
const PIECE_TYPE: &str = "safe-upgrade.dev/part";
/// The key under which a head holds its document.
const DOCUMENT: &str = "run";
/// The key under which a piece holds its bytes.
const PIECE: &str = "piece";

/// Journals in one namespace of a cluster.
#[derive(Clone)]
pub struct ClusterStore {
    secrets: Api<Secret>,
}

impl ClusterStore {
    /// The journals of a namespace.
    pub fn new(cluster: &Cluster, namespace: &str) -> Self {
        Self {
            secrets: Api::namespaced(cluster.client.clone(), namespace),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        match self.secrets.delete(name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(store_error(object(name), error)),
        }
    }
}

pub(super) fn head_name(release: &str, run: &str) -> String {
    format!("{}.{run}", labels::object_name(release))
}

fn piece_name(release: &str, run: &str, part: &str, index: usize) -> String {
    format!("{}.{part}.{index}", head_name(release, run))
}

fn object(name: &str) -> String {
    format!("secret {name}")
}

/// The outcome as the report spells it.
fn outcome_word(outcome: UpgradeOutcome) -> &'static str {
    match outcome {
        UpgradeOutcome::Upgraded => "upgraded",
        UpgradeOutcome::UpgradedWithFailures => "upgraded-with-failures",
        UpgradeOutcome::Restored => "restored",
        UpgradeOutcome::Stopped => "stopped",
        UpgradeOutcome::Left => "left",
        UpgradeOutcome::Quiesced => "quiesced",
    }
}

pub(super) fn outcome_of_word(word: &str) -> Option<UpgradeOutcome> {
    use UpgradeOutcome::{Left, Quiesced, Restored, Stopped, Upgraded, UpgradedWithFailures};
    [Upgraded, UpgradedWithFailures, Restored, Stopped, Left, Quiesced]
        .into_iter()
        .find(|outcome| outcome_word(*outcome) == word)
}

/// A Secret as a head; `None` for one that only bears our labels.
fn stored_head(secret: Secret) -> Option<StoredHead> {
    let labels = secret.metadata.labels?;
    Some(StoredHead {
        labels: HeadLabels {
            release: labels.get(labels::RELEASE)?.clone(),
            run: labels.get(labels::RUN)?.clone(),
            outcome: labels.get(labels::OUTCOME).and_then(|word| outcome_of_word(word)),
        },
        text: secret
            .data
            .unwrap_or_default()
            .remove(DOCUMENT)
            .unwrap_or_default()
            .0,
        version: secret.metadata.resource_version?,
    })
}

fn version_of(secret: Secret) -> String {
    secret.metadata.resource_version.unwrap_or_default()
}

#[async_trait]
impl JournalStore for ClusterStore {
    async fn create_head(&self, head: &HeadLabels, text: &[u8]) -> Result<String, StoreError> {
        let name = head_name(&head.release, &head.run);
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(labels::of_run(&head.release, &head.run)),
                ..ObjectMeta::default()
            },
            type_: Some(HEAD_TYPE.to_owned()),
            data: Some([(DOCUMENT.to_owned(), ByteString(text.to_vec()))].into()),
            ..Secret::default()
        };
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let created = self.secrets.create(&parameters, &secret).await;
        created
            .map(version_of)
            .map_err(|error| store_error(object(&name), error))
    }

    async fn replace_head(
        &self,
        head: &HeadLabels,
        text: &[u8],
        version: &str,
    ) -> Result<String, StoreError> {
        let name = head_name(&head.release, &head.run);
        // A merge patch leaves other people's labels and annotations alone; the version makes it conditional.
        let patch = json!({
            "metadata": {
                "resourceVersion": version,
                "labels": { labels::OUTCOME: head.outcome.map(outcome_word) },
            },
            "data": { DOCUMENT: ByteString(text.to_vec()) },
        });
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patched = self.secrets.patch(&name, &parameters, &Patch::Merge(patch)).await;
        patched.map(version_of).map_err(|error| match error {
            // It was there when it was read: taking it away is a change by somebody else.
            kube::Error::Api(status) if status.code == 404 => StoreError::Conflict {
                object: object(&name),
            },
            error => store_error(object(&name), error),
        })
    }

    async fn read_head(&self, release: &str, run: &str) -> Result<Option<StoredHead>, StoreError> {
        let name = head_name(release, run);
        let found = self.secrets.get_opt(&name).await;
        let found = found.map_err(|error| store_error(object(&name), error))?;
        Ok(found
            .filter(|secret| secret.type_.as_deref() == Some(HEAD_TYPE))
            .and_then(stored_head))
    }

    async fn list_heads(&self, release: Option<&str>) -> Result<Vec<StoredHead>, StoreError> {
        let (key, value) = labels::MANAGED_BY;
        let mut selector = format!("{key}={value}");
        if let Some(release) = release {
            selector.push_str(&format!(",{}={release}", labels::RELEASE));
        }
        let parameters = ListParams::default()
            .labels(&selector)
            .fields(&format!("type={HEAD_TYPE}"));
        let found = self.secrets.list(&parameters).await;
        let found = found.map_err(|error| store_error("the secrets of runs", error))?;
        Ok(found.items.into_iter().filter_map(stored_head).collect())
    }

    async fn delete_head(&self, release: &str, run: &str) -> Result<(), StoreError> {
        self.delete(&head_name(release, run)).await
    }

    async fn put_piece(
        &self,
        release: &str,
        run: &str,
        part: &str,
        index: usize,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let head = head_name(release, run);
        let uid = self
            .secrets
            .get_metadata(&head)
            .await
            .map_err(|error| store_error(object(&head), error))?;
        let name = piece_name(release, run, part, index);
        let mut its_labels = labels::of_run(release, run);
        its_labels.insert(labels::PART.to_owned(), part.to_owned());
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(its_labels),
                // Whoever removes a head by hand takes its parts along.
                owner_references: Some(vec![OwnerReference {
                    api_version: "v1".to_owned(),
                    kind: "Secret".to_owned(),
                    name: head,
                    uid: uid.metadata.uid.unwrap_or_default(),
                    ..OwnerReference::default()
                }]),
                ..ObjectMeta::default()
            },
            type_: Some(PIECE_TYPE.to_owned()),
            data: Some([(PIECE.to_owned(), ByteString(bytes.to_vec()))].into()),
            ..Secret::default()
        };
        // Applied, not created: the first try may have been stored though its answer was lost.
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let applied = self
            .secrets
            .patch(&name, &parameters, &Patch::Apply(&secret))
            .await;
        applied
            .map(drop)
            .map_err(|error| store_error(object(&name), error))
    }

    async fn get_piece(
        &self,
        release: &str,
        run: &str,
        part: &str,
        index: usize,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let name = piece_name(release, run, part, index);
        let found = self.secrets.get_opt(&name).await;
        let found = found.map_err(|error| store_error(object(&name), error))?;
        Ok(found
            .and_then(|secret| secret.data?.remove(PIECE))
            .map(|bytes| bytes.0))
    }

    async fn runs_with_pieces(&self, release: &str) -> Result<Vec<String>, StoreError> {
        let pieces = self.pieces(&format!("{}={release}", labels::RELEASE)).await?;
        let mut runs: Vec<String> = pieces.into_iter().map(|(run, _)| run).collect();
        runs.sort();
        runs.dedup();
        Ok(runs)
    }

    async fn delete_pieces(&self, release: &str, run: &str) -> Result<(), StoreError> {
        let selector = format!("{}={release},{}={run}", labels::RELEASE, labels::RUN);
        // One by one: deleting a collection is a right of its own, which nothing else here needs.
        for (_, name) in self.pieces(&selector).await? {
            self.delete(&name).await?;
        }
        Ok(())
    }
}

impl ClusterStore {
    /// Run and name of every piece that the selector matches.
    async fn pieces(&self, selector: &str) -> Result<Vec<(String, String)>, StoreError> {
        let (key, value) = labels::MANAGED_BY;
        let parameters = ListParams::default()
            .labels(&format!("{key}={value},{selector}"))
            .fields(&format!("type={PIECE_TYPE}"));
        let found = self.secrets.list_metadata(&parameters).await;
        let found = found.map_err(|error| store_error("the secrets of parts", error))?;
        let run_and_name = |metadata: ObjectMeta| {
            let run = metadata.labels?.remove(labels::RUN)?;
            Some((run, metadata.name?))
        };
        Ok(found
            .items
            .into_iter()
            .filter_map(|piece| run_and_name(piece.metadata))
            .collect())
    }
}
