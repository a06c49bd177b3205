//! What each act of `kubectl pgbackup` needs.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use backup::inventory::inventory_rights;
use model::{AccessRequest, Phase, WorkloadKind};

use super::need::{Need, flatten, need, subresource};
use super::upgrade::{journal, of_kind, scaled_objects};

/// An act of `kubectl pgbackup` that talks to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackupAct {
    /// Dump a database.
    Create,
    /// Restore a backup into a throw-away server.
    Verify,
    /// Put a backup back.
    Restore,
    /// Keep a CronJob that makes backups.
    Schedule,
    /// Look at everybody's backups.
    Status,
    /// Copy, try and put back whole servers.
    Base,
    /// Carry files from and to pods.
    Get,
    /// Keep backups in a claim, and take volumes beside a dump.
    Volume,
}

impl BackupAct {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Verify,
        Self::Restore,
        Self::Schedule,
        Self::Status,
        Self::Base,
        Self::Get,
        Self::Volume,
    ];

    /// The act's word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Verify => "verify",
            Self::Restore => "restore",
            Self::Schedule => "schedule",
            Self::Status => "status",
            Self::Base => "base",
            Self::Get => "get",
            Self::Volume => "volume",
        }
    }
}

impl fmt::Display for BackupAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for BackupAct {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|act| act.word() == text)
            .ok_or_else(|| {
                let words = Self::ALL.map(Self::word).join(", ");
                format!("{text:?} is no act; there are {words}")
            })
    }
}

/// What the list depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActNeeds {
    /// The namespace of the release, where what names the database is read.
    pub namespace: String,
    /// The namespace of the database's pod; `None` where the database is not in a pod of this cluster.
    pub database_namespace: Option<String>,
    /// Whether a restore test boots the application, too.
    pub with_app: bool,
}

/// The rights of an act.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActRights {
    /// Without any one of these the act cannot be done.
    pub needed: Vec<AccessRequest>,
    /// Without these it is done and says what it could not know.
    pub helpful: Vec<AccessRequest>,
}

/// Every right that the acts may need, without repetition.
pub fn act_rights(acts: &BTreeSet<BackupAct>, needs: &ActNeeds) -> ActRights {
    let own = needs.namespace.as_str();
    let mut needed = Vec::new();
    let mut helpful = Vec::new();
    for act in acts {
        let (table, more) = match act {
            BackupAct::Get => (carrying(own), Vec::new()),
            BackupAct::Volume => mounting(own),
            BackupAct::Create => (database(needs), cluster_name()),
            BackupAct::Verify => {
                let mut table = database(needs);
                table.extend(helper_pod(Phase::TurnBack, needs));
                if needs.with_app {
                    table.extend(booting(own));
                }
                let mut more = cluster_name();
                more.push(need(Phase::Journal, "", "configmaps", &["create", "patch"], own));
                (table, more)
            }
            BackupAct::Restore => {
                let mut table = database(needs);
                for kind in [
                    WorkloadKind::Deployment,
                    WorkloadKind::StatefulSet,
                    WorkloadKind::CronJob,
                ] {
                    table.extend(of_kind(kind, own).into_iter().filter(stops));
                }
                table.push(need(Phase::Quiesce, "", "pods", &["list", "watch"], own));
                for resource in ["deployments", "statefulsets"] {
                    // Waiting for the pods, and leaving no owner of a count behind.
                    let verbs = &["get", "list", "watch", "patch"];
                    table.push(need(Phase::Quiesce, "apps", resource, verbs, own));
                }
                table.push(need(
                    Phase::Quiesce,
                    "apps",
                    "daemonsets",
                    &["get", "list", "watch"],
                    own,
                ));
                table.extend(journal(own));
                let mut more = cluster_name();
                // Only where a DaemonSet writes, or KEDA scales.
                more.push(need(Phase::Quiesce, "apps", "daemonsets", &["patch"], own));
                more.push(scaled_objects(own));
                (table, more)
            }
            BackupAct::Base => {
                let mut table = database(needs);
                table.extend(helper_pod(Phase::TurnBack, needs));
                let place = needs.database_namespace.as_deref().unwrap_or(own);
                table.push(need(
                    Phase::TurnBack,
                    "",
                    "persistentvolumeclaims",
                    &["get"],
                    place,
                ));
                let mut more = cluster_name();
                more.push(need(
                    Phase::Quiesce,
                    "postgresql.cnpg.io",
                    "clusters",
                    &["get", "patch"],
                    place,
                ));
                (table, more)
            }
            BackupAct::Schedule => (keeping(needs), cluster_name()),
            BackupAct::Status => (finding(own), telling(needs)),
        };
        needed.extend(table);
        helpful.extend(more);
    }
    let needed = flatten(&needed);
    let mut helpful = flatten(&helpful);
    if acts.contains(&BackupAct::Status) {
        let place = needs.database_namespace.as_deref().unwrap_or(own);
        helpful.extend(inventory_rights(place));
    }
    helpful.retain(|request| {
        !needed.iter().any(|other| {
            AccessRequest {
                phase: request.phase,
                ..other.clone()
            } == *request
        })
    });
    ActRights { needed, helpful }
}

/// Only the part of a workload's rights that stopping it takes.
fn stops(need: &Need<'_>) -> bool {
    need.phase == Phase::Quiesce
}

/// Reading which database a release uses, and where its server runs.
pub(super) fn finding(own: &str) -> Vec<Need<'_>> {
    vec![
        need(Phase::Observe, "", "secrets", &["get", "list"], own),
        need(Phase::Observe, "", "pods", &["get", "list"], own),
        need(Phase::Observe, "", "services", &["get"], own),
        need(Phase::Observe, "", "configmaps", &["get"], own),
        need(Phase::Observe, "apps", "deployments", &["get", "list"], own),
        need(Phase::Observe, "apps", "statefulsets", &["get", "list"], own),
        need(Phase::Observe, "apps", "daemonsets", &["list"], own),
        need(Phase::Observe, "batch", "cronjobs", &["get", "list"], own),
    ]
}

/// Commands and connections into the database's pod. Over WebSocket these are `get`; since Kubernetes 1.35 the API
/// server asks for `create` as well.
pub(super) fn streams(phase: Phase, database: &str) -> Vec<Need<'_>> {
    const BOTH: &[&str] = &["get", "create"];
    vec![
        subresource(phase, "pods", "exec", BOTH, database),
        subresource(phase, "pods", "portforward", BOTH, database),
    ]
}

fn database(needs: &ActNeeds) -> Vec<Need<'_>> {
    let own = needs.namespace.as_str();
    let mut table = finding(own);
    if let Some(database) = needs.database_namespace.as_deref() {
        if database != own {
            table.push(need(Phase::Observe, "", "services", &["get"], database));
        }
        table.push(need(Phase::Observe, "", "pods", &["get", "list"], database));
        table.extend(streams(Phase::Backup, database));
    }
    table
}

/// A pod of ours that goes when the act ends, and commands in it.
fn helper_pod(phase: Phase, needs: &ActNeeds) -> Vec<Need<'_>> {
    let place = needs.database_namespace.as_deref().unwrap_or(&needs.namespace);
    let mut table = vec![need(
        phase,
        "",
        "pods",
        &["create", "get", "list", "watch", "delete"],
        place,
    )];
    table.extend(streams(phase, place));
    table
}

/// An application beside a throw-away server: a Job that goes by itself, what cuts its pod off, and what it says. What leads
/// to the application is looked at first.
fn booting(own: &str) -> Vec<Need<'_>> {
    let phase = Phase::TurnBack;
    let mut table = vec![
        need(phase, "", "services", &["list"], own),
        need(phase, "batch", "jobs", &["create", "delete"], own),
        need(phase, "networking.k8s.io", "networkpolicies", &["create"], own),
        need(phase, "", "pods", &["get", "list", "watch"], own),
        subresource(phase, "pods", "log", &["get"], own),
    ];
    table.extend(streams(phase, own));
    table
}

/// Files of any pod.
fn carrying(own: &str) -> Vec<Need<'_>> {
    vec![
        need(Phase::Observe, "", "pods", &["get"], own),
        subresource(Phase::Backup, "pods", "exec", &["get", "create"], own),
    ]
}

/// A Job that mounts a claim, and commands in it; snapshots, where the cluster makes them.
fn mounting(own: &str) -> (Vec<Need<'_>>, Vec<Need<'_>>) {
    const SNAPSHOTS: &str = "snapshot.storage.k8s.io";
    let needed = vec![
        need(Phase::Backup, "batch", "jobs", &["create", "delete"], own),
        need(Phase::Backup, "", "pods", &["list", "watch"], own),
        need(Phase::Backup, "", "persistentvolumeclaims", &["get"], own),
        subresource(Phase::Backup, "pods", "exec", &["get", "create"], own),
    ];
    let helpful = vec![
        need(Phase::Backup, "apps", "deployments", &["list"], own),
        need(Phase::Backup, "apps", "statefulsets", &["list"], own),
        need(Phase::Backup, "", "persistentvolumeclaims", &["list"], own),
        need(
            Phase::Backup,
            SNAPSHOTS,
            "volumesnapshots",
            &["create", "list", "watch", "delete"],
            own,
        ),
        need(Phase::Backup, SNAPSHOTS, "volumesnapshotclasses", &["list"], ""),
        need(Phase::Backup, "storage.k8s.io", "storageclasses", &["get"], ""),
    ];
    (needed, helpful)
}

/// The objects of a schedule. Who grants rights by a Role must hold them: the API server refuses otherwise.
fn keeping(needs: &ActNeeds) -> Vec<Need<'_>> {
    const KEEP: &[&str] = &["get", "list", "create", "patch", "delete"];
    const RBAC: &str = "rbac.authorization.k8s.io";
    let own = needs.namespace.as_str();
    let mut table = vec![
        need(Phase::Backup, "batch", "cronjobs", KEEP, own),
        need(Phase::Backup, "", "serviceaccounts", KEEP, own),
        need(Phase::Observe, "batch", "jobs", &["list"], own),
        // What the schedule's account may do in no namespace: read the UID that names the cluster.
        need(Phase::Backup, RBAC, "clusterroles", KEEP, ""),
        need(Phase::Backup, RBAC, "clusterrolebindings", KEEP, ""),
    ];
    let database = needs.database_namespace.as_deref().filter(|other| *other != own);
    for namespace in std::iter::once(own).chain(database) {
        table.push(need(Phase::Backup, RBAC, "roles", KEEP, namespace));
        table.push(need(Phase::Backup, RBAC, "rolebindings", KEEP, namespace));
    }
    table
}

/// The UID of this namespace names the cluster in a store; its context's name does where the UID may not be read.
fn cluster_name() -> Vec<Need<'static>> {
    vec![Need {
        name: Some("kube-system"),
        ..need(Phase::Observe, "", "namespaces", &["get"], "")
    }]
}

/// What only makes poorer what is told of backups: the Services of the database, and asking its server.
fn telling(needs: &ActNeeds) -> Vec<Need<'_>> {
    let mut table = cluster_name();
    if let Some(place) = needs.database_namespace.as_deref() {
        table.push(need(Phase::Observe, "", "pods", &["get", "list"], place));
        table.push(need(Phase::Observe, "", "services", &["get", "list"], place));
        let stream = &["get", "create"];
        table.push(subresource(Phase::Observe, "pods", "portforward", stream, place));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(database: Option<&str>) -> ActNeeds {
        ActNeeds {
            namespace: "shop".into(),
            database_namespace: database.map(str::to_owned),
            with_app: false,
        }
    }

    fn lines(act: BackupAct, needs: &ActNeeds) -> Vec<String> {
        let rights = act_rights(&BTreeSet::from([act]), needs);
        rights.needed.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_stream_takes_both_verbs_where_the_database_is_and_nowhere_else() {
        let create = lines(BackupAct::Create, &needs(Some("data")));
        for verb in ["get", "create"] {
            for stream in ["exec", "portforward"] {
                assert!(
                    create.contains(&format!("{verb} pods/{stream} in data")),
                    "{create:?}"
                );
            }
        }
        assert!(
            !create
                .iter()
                .any(|line| line.contains("exec") && line.ends_with("shop")),
            "{create:?}"
        );
    }

    #[test]
    fn a_backup_changes_nothing_in_the_cluster() {
        for line in lines(BackupAct::Create, &needs(Some("data"))) {
            let reads = line.starts_with("get ") || line.starts_with("list ");
            assert!(reads || line.starts_with("create pods/"), "{line}");
        }
    }

    #[test]
    fn a_restore_test_makes_a_pod_and_a_backup_none() {
        let wanted = "create pods in data".to_owned();
        assert!(lines(BackupAct::Verify, &needs(Some("data"))).contains(&wanted));
        assert!(!lines(BackupAct::Create, &needs(Some("data"))).contains(&wanted));
    }

    #[test]
    fn looking_at_backups_lists_what_the_mechanisms_leave_where_the_database_is() {
        let acts = BTreeSet::from([BackupAct::Status]);
        let helpful = act_rights(&acts, &needs(Some("data"))).helpful;
        let lines: Vec<String> = helpful.iter().map(ToString::to_string).collect();
        for wanted in [
            "list backups.postgresql.cnpg.io in data",
            "list services in data",
            "get pods/portforward in data",
        ] {
            assert!(lines.contains(&wanted.to_owned()), "{wanted} {lines:?}");
        }
        assert!(!lines.iter().any(|line| line.ends_with("in shop")), "{lines:?}");
    }

    #[test]
    fn booting_the_application_takes_more_and_only_where_it_is_asked_for() {
        let plain = lines(BackupAct::Verify, &needs(Some("data")));
        let with_app = ActNeeds {
            with_app: true,
            ..needs(Some("data"))
        };
        let more = lines(BackupAct::Verify, &with_app);
        for wanted in [
            "create networkpolicies.networking.k8s.io in shop",
            "create jobs.batch in shop",
            "delete jobs.batch in shop",
            "get pods/log in shop",
            "get pods/portforward in shop",
            "list services in shop",
        ] {
            assert!(more.contains(&wanted.to_owned()), "{wanted} {more:?}");
            assert!(!plain.contains(&wanted.to_owned()), "{wanted} {plain:?}");
        }
        let missing = plain.iter().find(|line| !more.contains(line));
        assert_eq!(missing, None);
    }

    #[test]
    fn a_database_outside_the_cluster_needs_no_stream() {
        let outside = lines(BackupAct::Create, &needs(None));
        assert!(!outside.iter().any(|line| line.contains("pods/")), "{outside:?}");
    }

    #[test]
    fn an_act_s_word_is_read_back() {
        for act in BackupAct::ALL {
            assert_eq!(act.word().parse(), Ok(act));
        }
        assert!("destroy".parse::<BackupAct>().is_err());
    }
}
