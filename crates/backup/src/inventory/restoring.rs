//! How a backup is put back, by whoever made it.

use model::{BackupState, FoundBackup, Mechanism, NextStep};

/// The steps that lead from a backup back to its data; none for one that is no good.
pub fn restore_steps(backup: &FoundBackup) -> Vec<NextStep> {
    let name = backup.id.rsplit('/').next().unwrap_or_default();
    let namespace = &backup.namespace;
    let step = |text: &str, command: Option<String>| NextStep {
        text: text.to_owned(),
        command,
    };
    match backup.state {
        BackupState::Good | BackupState::Unknown => {}
        BackupState::Failed | BackupState::Running | BackupState::Stuck => return Vec::new(),
    }
    match backup.mechanism {
        Mechanism::Pgbackup => vec![
            step(
                "restore it into a throw-away server and compare",
                Some(format!("kubectl pgbackup verify {name}")),
            ),
            step(
                "put it back; asks first",
                Some(format!("kubectl pgbackup restore {name}")),
            ),
        ],
        Mechanism::CloudNativePg | Mechanism::CloudNativePgSnapshot => vec![step(
            &format!(
                "make a new Cluster with spec.bootstrap.recovery.backup.name: {name}; the one in use is left alone"
            ),
            Some(format!(
                "kubectl explain cluster.spec.bootstrap.recovery -n {namespace}"
            )),
        )],
        Mechanism::CloudNativePgPlugin => vec![step(
            "make a new Cluster with spec.bootstrap.recovery.source and an externalClusters entry that names the object store",
            Some(format!("kubectl get objectstore -n {namespace} -o yaml")),
        )],
        Mechanism::Crunchy => vec![step(
            "set spec.backups.pgbackrest.restore of the PostgresCluster, or make a new one with spec.dataSource",
            Some(format!(
                "kubectl explain postgrescluster.spec.dataSource -n {namespace}"
            )),
        )],
        Mechanism::PgBackRest => vec![step(
            "restore into an empty data directory, with the server stopped",
            Some(format!("pgbackrest --set={name} restore")),
        )],
        Mechanism::Barman => vec![step(
            "recover into an empty folder",
            Some(format!("barman recover SERVER {name} /path/to/empty/folder")),
        )],
        Mechanism::WalG => vec![step(
            "fetch into an empty data directory, with the server stopped",
            Some(format!("wal-g backup-fetch /path/to/empty/folder {name}")),
        )],
        Mechanism::Zalando => vec![step(
            "fetch the dump from the bucket and load it into a new cluster: it holds roles with their passwords and the database postgres, which the operator manages",
            None,
        )],
        Mechanism::Velero => vec![step(
            "restore into another namespace first and look at it",
            Some(format!(
                "velero restore create --from-backup {name} --namespace-mappings OLD:NEW"
            )),
        )],
        Mechanism::K8up => vec![step(
            "make a Restore object that names the snapshot",
            Some(format!("kubectl explain restore.k8up.io.spec -n {namespace}")),
        )],
        Mechanism::Stash | Mechanism::KubeStash => {
            vec![step("make a RestoreSession that names the snapshot", None)]
        }
        Mechanism::Kanister => vec![step(
            "make an ActionSet with the action restore from this one",
            Some(format!("kanctl create actionset --action restore --from {name}")),
        )],
        Mechanism::StackGres => vec![step(
            &format!("make a new SGCluster with spec.initialData.restore.fromBackup.name: {name}"),
            None,
        )],
        Mechanism::Percona => vec![step("make a PerconaPGRestore object for its repository", None)],
        Mechanism::KubeBlocks => vec![step(
            "restore it into a new cluster",
            Some(format!(
                "kbcli cluster restore NEW --backup {name} -n {namespace}"
            )),
        )],
        Mechanism::CronJob => vec![step(
            "find where the Job's program wrote to; a dump can then be restored into a new database",
            Some(format!(
                "kubectl logs {} -n {namespace}",
                backup.id.to_ascii_lowercase()
            )),
        )],
        Mechanism::VolumeSnapshot => vec![step(
            &format!(
                "make a new volume claim with spec.dataSource of VolumeSnapshot {name} and start a server on it"
            ),
            Some(format!(
                "kubectl get volumesnapshot {name} -n {namespace} -o yaml"
            )),
        )],
        Mechanism::Managed => vec![step("restore a new instance in the cloud's own way", None)],
    }
}
