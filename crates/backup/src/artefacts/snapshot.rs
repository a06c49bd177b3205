//! A volume as a VolumeSnapshot, where its driver can make one.
//!
//! The test node has no CSI driver: the objects' shape is tested against what the API documents (snapshot.storage.k8s.io/v1),
//! and nothing here has been tried with a driver.

use std::time::Duration;

use cluster::{ListScope, Listed, ObjectKind};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Api;
use model::ArtefactKept;
use serde_json::{Value, json};

use super::{ArtefactError, ArtefactSource, ArtefactsRequest};
use crate::BackupId;
use crate::schedule::MANAGED_BY;

const GROUP: &str = "snapshot.storage.k8s.io";
const SNAPSHOT: ObjectKind = ObjectKind {
    group: GROUP,
    kind: "VolumeSnapshot",
    versions: &["v1"],
};
const CLASS: ObjectKind = ObjectKind {
    group: GROUP,
    kind: "VolumeSnapshotClass",
    versions: &["v1"],
};

/// Names the backup that a snapshot belongs to.
const BACKUP_LABEL: &str = "safe-upgrade.dev/backup";

/// The annotation that makes a class its driver's default.
const DEFAULT: &str = "snapshot.storage.kubernetes.io/is-default-class";

/// How long a driver may take until the snapshot can be used: some copy it to an object store first.
const READY_TIME: Duration = Duration::from_secs(30 * 60);

/// The class to make a snapshot of a claim with, or why there is none.
pub(super) async fn class_of(
    request: &ArtefactsRequest,
    claim: &str,
) -> Result<Result<String, String>, ArtefactError> {
    let found = usable(request, claim).await?;
    as_asked(found, request.snapshot_class.as_deref(), claim)
}

/// Whoever named a class wants a snapshot of it, and no copy in its place.
fn as_asked(
    found: Result<String, String>,
    wanted: Option<&str>,
    claim: &str,
) -> Result<Result<String, String>, ArtefactError> {
    match (found, wanted) {
        (Err(why), Some(class)) => Err(ArtefactError::NoClass {
            class: class.to_owned(),
            claim: claim.to_owned(),
            why,
        }),
        (found, _) => Ok(found),
    }
}

async fn usable(request: &ArtefactsRequest, claim: &str) -> Result<Result<String, String>, ArtefactError> {
    let api = |source| ArtefactError::Api {
        what: "the classes of volume snapshots".into(),
        source,
    };
    let served = request.cluster.served_kinds().await.map_err(api)?;
    let listed = request
        .cluster
        .list_objects(&served, &CLASS, &ListScope::All)
        .await;
    let classes = match listed {
        Ok(Listed::Absent) => return Ok(Err("the cluster has no volume snapshots".into())),
        Ok(Listed::Away) => return Ok(Err("the server for volume snapshots is away".into())),
        Ok(Listed::Objects(classes)) => classes,
        Err(error) if error.is_forbidden() => return Ok(Err(format!("you may not {}", error.action))),
        Err(error) => return Err(api(error)),
    };
    let driver = match driver_of(request, claim).await {
        Ok(driver) => driver,
        Err(error) => return Ok(Err(format!("its driver could not be found out: {error}"))),
    };
    Ok(choose(&classes, &driver, request.snapshot_class.as_deref()))
}

/// Who makes volumes of the claim's class.
async fn driver_of(request: &ArtefactsRequest, claim: &str) -> Result<String, String> {
    let client = &request.cluster.client;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &request.namespace);
    let found = claims.get(claim).await.map_err(|error| error.to_string())?;
    let class = found.spec.and_then(|spec| spec.storage_class_name);
    let class = class
        .filter(|class| !class.is_empty())
        .ok_or("the claim has no class")?;
    let classes: Api<StorageClass> = Api::all(client.clone());
    let class = classes.get(&class).await.map_err(|error| error.to_string())?;
    Ok(class.provisioner)
}

/// The class of a driver: the one that was asked for, its default, or the only one.
fn choose(classes: &[Value], driver: &str, wanted: Option<&str>) -> Result<String, String> {
    let name = |class: &Value| class["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let of_driver: Vec<&Value> = classes.iter().filter(|class| class["driver"] == driver).collect();
    if let Some(wanted) = wanted {
        let found = of_driver.iter().any(|class| name(class) == wanted);
        return found
            .then(|| wanted.to_owned())
            .ok_or(format!("no snapshot class {wanted} is of its driver, {driver}"));
    }
    let default = |class: &&&Value| class["metadata"]["annotations"][DEFAULT] == "true";
    match (of_driver.iter().find(default), of_driver.as_slice()) {
        (Some(class), _) | (None, [class]) => Ok(name(class)),
        (None, []) => Err(format!("no snapshot class is of its driver, {driver}")),
        (None, _) => Err(format!(
            "its driver, {driver}, has several snapshot classes and no default: choose with --snapshot-class"
        )),
    }
}

/// The object that asks for a snapshot.
fn object(name: &str, namespace: &str, claim: &str, class: &str, id: &BackupId) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "VolumeSnapshot",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": { MANAGED_BY.0: MANAGED_BY.1, BACKUP_LABEL: id.to_string() },
        },
        "spec": {
            "volumeSnapshotClassName": class,
            "source": { "persistentVolumeClaimName": claim },
        },
    })
}

/// What a snapshot that can be used says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ready {
    content: Option<String>,
    restore_size: Option<String>,
    time: Option<Timestamp>,
}

/// Whether a snapshot can be used; how it stands where it cannot.
fn judge(snapshot: &Value) -> Result<Ready, String> {
    let status = &snapshot["status"];
    let text = |key: &str| status[key].as_str().map(str::to_owned);
    if status["readyToUse"] != true {
        let error = status["error"]["message"].as_str();
        return Err(error.unwrap_or("the driver has not finished it").to_owned());
    }
    Ok(Ready {
        content: text("boundVolumeSnapshotContentName"),
        restore_size: text("restoreSize"),
        time: text("creationTime").and_then(|time| time.parse().ok()),
    })
}

/// Makes a snapshot and waits until it can be used. One that cannot is taken away with all of its backup.
pub(super) async fn take(
    request: &ArtefactsRequest,
    claim: &str,
    class: &str,
    id: &BackupId,
) -> Result<(ArtefactKept, Timestamp), ArtefactError> {
    let ArtefactsRequest {
        cluster, namespace, ..
    } = request;
    let name = format!("pgbackup-{}-{claim}", id.as_str().to_ascii_lowercase());
    let api = |source| ArtefactError::Api {
        what: format!("VolumeSnapshot {name}"),
        source,
    };
    let served = cluster.served_kinds().await.map_err(api)?;
    let wanted = object(&name, namespace, claim, class, id);
    cluster
        .make_object(&served, &SNAPSHOT, namespace, wanted)
        .await
        .map_err(api)?;
    let ready = cluster
        .wait_object(&served, &SNAPSHOT, (namespace, &name), READY_TIME, judge)
        .await;
    match ready {
        Ok(Ready {
            content,
            restore_size,
            time,
        }) => Ok((
            ArtefactKept::Snapshot {
                name,
                class: class.to_owned(),
                content,
                restore_size,
            },
            time.unwrap_or_else(Timestamp::now),
        )),
        Err(source) => Err(ArtefactError::Snapshot { name, source }),
    }
}

/// Takes away the VolumeSnapshots of a backup that did not come about, and says what could not be taken away. They carry its
/// id, so that what stays can be found.
pub async fn forget(request: &ArtefactsRequest, id: &BackupId) -> Vec<String> {
    let ArtefactsRequest {
        cluster,
        namespace,
        sources,
        ..
    } = request;
    let whole = |source: &ArtefactSource| matches!(source, ArtefactSource::Volume { path: None, .. });
    if !sources.iter().any(whole) {
        return Vec::new();
    }
    let labels = format!("{BACKUP_LABEL}={id}");
    let version = format!("{GROUP}/v1");
    let found = cluster
        .labelled(&version, "VolumeSnapshot", Some(namespace), &labels)
        .await;
    let found = match found {
        Ok(found) => found,
        // A cluster without volume snapshots.
        Err(error) if error.is_not_found() => return Vec::new(),
        Err(error) => {
            return vec![format!(
                "whether VolumeSnapshots with the label {labels} are left is not known: {}",
                model::causes(&error)
            )];
        }
    };
    let mut left = Vec::new();
    for snapshot in found {
        let name = snapshot["metadata"]["name"].as_str().unwrap_or_default();
        let object = cluster::ObjectName {
            api_version: version.clone(),
            kind: "VolumeSnapshot".into(),
            namespace: Some(namespace.clone()),
            name: name.to_owned(),
        };
        if let Err(error) = cluster.remove(&object).await {
            left.push(format!(
                "VolumeSnapshot {name} belongs to no backup, but could not be removed: {}",
                model::causes(&error)
            ));
        }
    }
    left
}

#[cfg(test)]
mod tests;
