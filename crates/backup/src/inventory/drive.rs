//! Having somebody else make a backup: theirs is started, watched to its end, and told by its real result.

use std::time::Duration;

use cluster::{ApiError, Cluster, JobEnd, JobFacts, ObjectKind, ServedKinds, WaitError};
use jiff::Timestamp;
use model::{BackupState, FoundBackup};
use serde_json::{Value, json};
use thiserror::Error;

use super::cnpg::{BACKUP, CLUSTER, backup as judge_backup, is_hibernated};
use super::jobs::CRON_JOB;
use super::value::Object;
use crate::Progress;

/// The kind of Jobs.
const JOB: ObjectKind = super::jobs::JOB.kind;

/// Who makes the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driven {
    /// CloudNativePG, of this Cluster.
    CloudNativePg(String),
    /// The program of this CronJob.
    CronJob(String),
}

/// Why somebody else's backup was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriveError {
    /// The API server.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// There is no such object.
    #[error("no {kind} {name} in namespace {namespace}")]
    Unknown {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// It cannot make a backup now; nothing was started.
    #[error("cluster {name} cannot be backed up by its operator: {why}")]
    Refused {
        /// The cluster.
        name: String,
        /// Why.
        why: String,
    },
    /// The backup failed.
    #[error("{object} failed: {why}")]
    Failed {
        /// The object that was made.
        object: String,
        /// Why.
        why: String,
    },
    /// It did not end in time, or could not be watched. It goes on.
    #[error("{object} was started, and how it ended is not known")]
    NotEnded {
        /// The object that was made.
        object: String,
        /// Why.
        #[source]
        source: WaitError,
    },
}

/// Starts a backup, waits for its end and tells what came of it. The object that was made stays: it is the backup.
///
/// # Errors
/// See [`DriveError`].
pub async fn drive(
    cluster: &Cluster,
    namespace: &str,
    who: &Driven,
    limit: Duration,
    progress: Progress<'_>,
) -> Result<FoundBackup, DriveError> {
    let served = cluster.served_kinds().await?;
    let time = Timestamp::now().strftime("%Y%m%d%H%M%S%3f").to_string();
    match who {
        Driven::CloudNativePg(name) => {
            by_operator(cluster, &served, (namespace, name), &time, limit, progress).await
        }
        Driven::CronJob(name) => {
            by_cron_job(cluster, &served, (namespace, name), &time, limit, progress).await
        }
    }
}

pub(super) async fn read(
    cluster: &Cluster,
    served: &ServedKinds,
    kind: &ObjectKind,
    (namespace, name): (&str, &str),
) -> Result<Value, DriveError> {
    let found = cluster.read_object(served, kind, namespace, name).await?;
    found.ok_or_else(|| DriveError::Unknown {
        kind: kind.kind,
        name: name.to_owned(),
        namespace: namespace.to_owned(),
    })
}

async fn by_operator(
    cluster: &Cluster,
    served: &ServedKinds,
    (namespace, name): (&str, &str),
    time: &str,
    limit: Duration,
    progress: Progress<'_>,
) -> Result<FoundBackup, DriveError> {
    let owner = read(cluster, served, &CLUSTER.kind, (namespace, name)).await?;
    let spec = backup_spec(&owner).map_err(|why| DriveError::Refused {
        name: name.to_owned(),
        why,
    })?;
    let made = named(name, time);
    let object = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup", "metadata": {"name": made, "namespace": namespace}, "spec": spec});
    cluster
        .make_object(served, &BACKUP.kind, namespace, object)
        .await?;
    let words = format!("backup/{made}");
    progress(&format!("{words} was made"), None);
    let ended = cluster.wait_object(served, &BACKUP.kind, (namespace, &made), limit, |object| {
        let judged = judge_backup(object, None, Timestamp::now());
        match judged.state {
            BackupState::Good | BackupState::Failed => Ok(judged),
            BackupState::Running | BackupState::Stuck | BackupState::Unknown => {
                progress(&format!("{words}: {}", judged.why), None);
                Err(judged.why)
            }
        }
    });
    let judged = ended.await.map_err(|source| DriveError::NotEnded {
        object: words.clone(),
        source,
    })?;
    match judged.state {
        BackupState::Failed => Err(DriveError::Failed {
            object: words,
            why: judged.why,
        }),
        BackupState::Good | BackupState::Running | BackupState::Stuck | BackupState::Unknown => Ok(judged),
    }
}

/// How a Cluster is set up to be backed up; `Err` is why it cannot be.
fn backup_spec(cluster: &Value) -> Result<Value, String> {
    if is_hibernated(cluster) {
        return Err("it is hibernated; wake it first".into());
    }
    let plugins = cluster.list("spec/plugins").iter();
    let mut plugins = plugins.filter(|plugin| plugin.at("enabled") != &Value::Bool(false));
    let mut spec = json!({"cluster": {"name": cluster.name()}});
    if let Some(plugin) = plugins.find(|plugin| plugin.at("parameters/barmanObjectName").is_string()) {
        spec["method"] = json!("plugin");
        spec["pluginConfiguration"] = json!({"name": plugin.text("name").unwrap_or_default()});
    } else if cluster.at("spec/backup/barmanObjectStore").is_object() {
        spec["method"] = json!("barmanObjectStore");
    } else if cluster.at("spec/backup/volumeSnapshot").is_object() {
        spec["method"] = json!("volumeSnapshot");
    } else {
        return Err("it has no backup section and no backup plug-in".into());
    }
    Ok(spec)
}

async fn by_cron_job(
    cluster: &Cluster,
    served: &ServedKinds,
    (namespace, name): (&str, &str),
    time: &str,
    limit: Duration,
    progress: Progress<'_>,
) -> Result<FoundBackup, DriveError> {
    let cron_job = read(cluster, served, &CRON_JOB.kind, (namespace, name)).await?;
    let made = named(name, time);
    cluster
        .make_object(served, &JOB, namespace, job_from(&cron_job, &made))
        .await?;
    let words = format!("job/{made}");
    progress(&format!("{words} was made"), None);
    let told = |jobs: &[JobFacts]| {
        if let Some(job) = jobs.first() {
            progress(
                &format!("{words}: {} pods at work, {} failed", job.active, job.failed),
                None,
            );
        }
    };
    let names = [made.clone()];
    let waited = cluster.wait_jobs_ended(namespace, &names, limit, told).await;
    let ended = waited.map_err(|source| DriveError::NotEnded {
        object: words.clone(),
        source,
    })?;
    match ended.first().and_then(|job| job.end.clone()) {
        Some(JobEnd::Complete) => {}
        Some(JobEnd::Failed(why)) => return Err(DriveError::Failed { object: words, why }),
        None => {
            return Err(DriveError::Failed {
                object: words,
                why: "it is gone".into(),
            });
        }
    }
    let job = read(cluster, served, &JOB, (namespace, &made)).await?;
    Ok(super::cronjob::of_template(&job, Timestamp::now()))
}

/// A Job from a CronJob's template, as `kubectl create job --from` makes it.
fn job_from(cron_job: &Value, name: &str) -> Value {
    let template = cron_job.at("spec/jobTemplate");
    let mut annotations = template.at("metadata/annotations").clone();
    if !annotations.is_object() {
        annotations = json!({});
    }
    annotations["cronjob.kubernetes.io/instantiate"] = json!("manual");
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": cron_job.namespace(),
            "labels": template.at("metadata/labels"),
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "name": cron_job.name(),
                "uid": cron_job.at("metadata/uid"), "controller": true, "blockOwnerDeletion": true
            }]
        },
        "spec": template.at("spec")
    })
}

/// A name for what is made: the owner's, shortened where it has to be, and the time.
fn named(owner: &str, time: &str) -> String {
    /// Names of Jobs become labels of their pods.
    const LONGEST: usize = 63;
    let room = LONGEST - time.len() - 1;
    let short: String = owner.chars().take(room).collect();
    format!("{}-{time}", short.trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_backed_up_the_way_it_is_set_up() {
        let method = |spec: Value| {
            backup_spec(&json!({"metadata": {"name": "orders"}, "spec": spec}))
                .map(|spec| spec["method"].clone())
        };
        let plugin =
            json!({"name": "barman-cloud.cloudnative-pg.io", "parameters": {"barmanObjectName": "bucket"}});
        let mut off = plugin.clone();
        off["enabled"] = json!(false);
        let store = json!({"barmanObjectStore": {"destinationPath": "s3://x"}});
        assert_eq!(
            method(json!({"plugins": [plugin], "backup": store})),
            Ok(json!("plugin"))
        );
        assert_eq!(
            method(json!({"plugins": [off], "backup": store})),
            Ok(json!("barmanObjectStore"))
        );
        assert_eq!(
            method(json!({"backup": {"volumeSnapshot": {}}})),
            Ok(json!("volumeSnapshot"))
        );
        assert!(method(json!({"plugins": [off]})).is_err());
        assert!(method(json!({})).is_err());
        let asleep = json!({"metadata": {"name": "orders", "annotations": {"cnpg.io/hibernation": "on"}}, "spec": {"backup": store}});
        assert!(backup_spec(&asleep).unwrap_err().contains("hibernated"));
    }

    #[test]
    fn a_job_is_made_as_kubectl_makes_it() {
        let cron_job = json!({"metadata": {"name": "nightly", "namespace": "shop", "uid": "u"},
            "spec": {"jobTemplate": {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "spec": {"backoffLimit": 0}}}});
        let job = job_from(&cron_job, "nightly-1");
        assert_eq!(
            job["metadata"]["annotations"],
            json!({"c": "d", "cronjob.kubernetes.io/instantiate": "manual"})
        );
        assert_eq!(job["metadata"]["labels"], json!({"a": "b"}));
        assert_eq!(job["spec"], json!({"backoffLimit": 0}));
        assert_eq!(job["metadata"]["ownerReferences"][0]["uid"], "u");
        assert_eq!(job["metadata"]["ownerReferences"][0]["controller"], true);
    }

    #[test]
    fn a_long_name_leaves_room_for_the_time() {
        let name = named(&"a-".repeat(40), "20261120120000");
        assert!(
            name.len() <= 63 && name.ends_with("-20261120120000") && !name.contains("--"),
            "{name}"
        );
        assert_eq!(named("nightly", "20261120120000"), "nightly-20261120120000");
    }
}
