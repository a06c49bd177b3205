//! CloudNativePG's own way back: a new Cluster that recovers from one of its Backups, beside the one in use.

use cluster::Cluster;
use serde_json::{Value, json};

use super::DriveError;
use super::cnpg::{BACKUP, CLUSTER};
use super::drive::read;
use super::value::Object;

/// What of a Cluster's spec makes the new one like the old one. The rest is about how the old one came to be, or would let
/// both write to the same place in an object store.
const LIKE: [&str; 12] = [
    "affinity",
    "imageCatalogRef",
    "imageName",
    "imagePullSecrets",
    "instances",
    "postgresql",
    "postgresGID",
    "postgresUID",
    "resources",
    "storage",
    "tablespaces",
    "walStorage",
];

/// The object that recovers a Cluster from a Backup. Makes nothing.
///
/// # Errors
/// When Cluster or Backup is not there, the Backup has not come to a good end, or is another Cluster's.
pub async fn recovery_cluster(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    backup: &str,
) -> Result<Value, DriveError> {
    let served = cluster.served_kinds().await?;
    let owner = read(cluster, &served, &CLUSTER.kind, (namespace, name)).await?;
    let made = read(cluster, &served, &BACKUP.kind, (namespace, backup)).await?;
    recovered(&owner, &made).map_err(|why| DriveError::Refused {
        name: backup.to_owned(),
        why,
    })
}

fn recovered(cluster: &Value, backup: &Value) -> Result<Value, String> {
    let name = cluster.name();
    let of = backup.text("spec/cluster/name").unwrap_or_default();
    if of != name {
        return Err(format!("it is a Backup of Cluster {of}, not of {name}"));
    }
    match backup.text("status/phase") {
        Some("completed") => {}
        phase => {
            let phase = phase.unwrap_or("not begun");
            return Err(format!("it is no complete Backup: its phase is {phase}"));
        }
    }
    let mut spec: serde_json::Map<String, Value> = LIKE
        .iter()
        .filter(|field| !cluster.at(&format!("spec/{field}")).is_null())
        .map(|field| ((*field).to_owned(), cluster.at(&format!("spec/{field}")).clone()))
        .collect();
    let mut recovery = json!({"backup": {"name": backup.name()}});
    // Database and owner are those that the application knows.
    for (from, to) in [("database", "database"), ("owner", "owner")] {
        let known = ["initdb", "recovery"]
            .iter()
            .find_map(|way| cluster.text(&format!("spec/bootstrap/{way}/{from}")));
        if let Some(known) = known {
            recovery[to] = json!(known);
        }
    }
    spec.insert("bootstrap".into(), json!({"recovery": recovery}));
    Ok(json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": format!("{name}-recovered"), "namespace": cluster.at("metadata/namespace")},
        "spec": spec,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Value {
        json!({
            "metadata": {"name": "main", "namespace": "prod", "uid": "x"},
            "spec": {
                "instances": 3, "imageName": "postgres:17", "storage": {"size": "10Gi"},
                "bootstrap": {"initdb": {"database": "shop", "owner": "shop"}},
                "backup": {"barmanObjectStore": {"destinationPath": "s3://x"}},
            },
        })
    }

    fn backup(of: &str, phase: &str) -> Value {
        json!({"metadata": {"name": "nightly-1"}, "spec": {"cluster": {"name": of}}, "status": {"phase": phase}})
    }

    #[test]
    fn the_new_cluster_is_like_the_old_one_and_leaves_its_object_store_alone() {
        let made = recovered(&cluster(), &backup("main", "completed")).unwrap();
        assert_eq!(made["metadata"]["name"], "main-recovered");
        assert_eq!(made["spec"]["instances"], 3);
        assert_eq!(
            made["spec"]["bootstrap"],
            json!({"recovery": {"backup": {"name": "nightly-1"}, "database": "shop", "owner": "shop"}})
        );
        assert!(
            made["spec"]["backup"].is_null() && made["metadata"]["uid"].is_null(),
            "{made}"
        );
    }

    #[test]
    fn only_a_complete_backup_of_the_cluster_itself_will_do() {
        assert!(
            recovered(&cluster(), &backup("other", "completed"))
                .unwrap_err()
                .contains("other")
        );
        assert!(
            recovered(&cluster(), &backup("main", "running"))
                .unwrap_err()
                .contains("running")
        );
    }
}
