//! Whose backups are asked for, and whether a backup is theirs.

use std::collections::BTreeMap;

use cluster::Cluster;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{Api, ListParams};
use model::{BackupSubject, DatabaseLocation, DatabaseRoute, FoundBackup, PostgresServer};

/// By which label of a pod an operator's cluster is known.
const CLUSTER_LABELS: [(&str, &str); 7] = [
    ("postgresql.cnpg.io", "cnpg.io/cluster"),
    (
        "postgres-operator.crunchydata.com",
        "postgres-operator.crunchydata.com/cluster",
    ),
    ("pgv2.percona.com", "postgres-operator.crunchydata.com/cluster"),
    ("acid.zalan.do", "cluster-name"),
    ("stackgres.io", "stackgres.io/cluster-name"),
    ("kubedb.com", "app.kubernetes.io/instance"),
    ("apps.kubeblocks.io", "app.kubernetes.io/instance"),
];

/// One database, with everything by which backups may name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its namespace; empty where it has none.
    pub namespace: String,
    /// Its name; empty stands for the whole server.
    pub database: String,
    /// The pod of the server, its container and the workload that made it.
    pub pod: Option<String>,
    /// The container of the server.
    pub container: Option<String>,
    /// The workload that made the pod.
    pub workload: Option<String>,
    /// The labels of the pod.
    pub labels: BTreeMap<String, String>,
    /// The volume claims of the pod.
    pub claims: Vec<String>,
    /// Hosts under which it is reached, as `service.namespace` or in full.
    pub hosts: Vec<String>,
    /// The server's system identifier, where it was asked.
    pub system_identifier: Option<String>,
    /// The server's WAL position, where it was asked.
    pub lsn: Option<String>,
    /// The server's major version, where it was asked.
    pub major: Option<i32>,
}

/// Whether a backup is of the database in question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Belongs {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Nothing says so.
    Perhaps,
    /// It is of its namespace and does not hold its data; what is missing.
    Lacks(String),
}

impl Wanted {
    /// A database where it was found. Pod and Services are read for what backups may name it by; where they cannot be
    /// read, less is known and more is uncertain.
    pub async fn observe(
        cluster: &Cluster,
        location: &DatabaseLocation,
        server: Option<&PostgresServer>,
    ) -> Self {
        let mut wanted = Self {
            database: location.database.clone(),
            system_identifier: server.and_then(|server| server.system_identifier.clone()),
            lsn: server.and_then(|server| server.lsn.clone()),
            major: server.map(|server| server.version_num / 10_000),
            ..Self::default()
        };
        let DatabaseRoute::Pod {
            namespace,
            pod,
            container,
            port: _,
            workload,
        } = &location.route
        else {
            wanted.hosts.push(location.host.clone());
            return wanted;
        };
        wanted.namespace.clone_from(namespace);
        wanted.hosts.push(full_host(&location.host, namespace));
        wanted.pod = Some(pod.clone());
        wanted.container = Some(container.clone());
        wanted.workload = workload.as_ref().map(|workload| workload.name.clone());
        let pods = Api::<Pod>::namespaced(cluster.client.clone(), namespace);
        let services = Api::<Service>::namespaced(cluster.client.clone(), namespace);
        let everything = ListParams::default();
        let (found, services) = tokio::join!(pods.get(pod), services.list(&everything));
        if let Ok(found) = found {
            wanted.labels = found.metadata.labels.unwrap_or_default();
            let volumes = found.spec.and_then(|spec| spec.volumes).unwrap_or_default();
            let claims = volumes
                .into_iter()
                .filter_map(|volume| Some(volume.persistent_volume_claim?.claim_name));
            wanted.claims = claims.collect();
        }
        for service in services.map(|list| list.items).unwrap_or_default() {
            let selector = service.spec.and_then(|spec| spec.selector).unwrap_or_default();
            let selects = selector
                .iter()
                .all(|(key, value)| wanted.labels.get(key) == Some(value));
            if let Some(name) = service.metadata.name
                && selects
                && !selector.is_empty()
            {
                wanted.hosts.push(format!("{name}.{namespace}"));
            }
        }
        wanted.hosts.sort();
        wanted.hosts.dedup();
        wanted
    }

    /// Whether a backup, or what is found about one, is of this database.
    pub(super) fn owns(&self, namespace: &str, of: &BackupSubject) -> Belongs {
        let here = namespace == self.namespace;
        let yes = |is: bool| if is { Belongs::Yes } else { Belongs::No };
        match of {
            BackupSubject::Database { server, name } => {
                let database = self.database.is_empty() || *name == self.database;
                let server = [&self.workload, &self.pod, &self.system_identifier]
                    .into_iter()
                    .flatten()
                    .chain(&self.hosts)
                    .any(|own| own == server);
                yes(database && server && (here || self.pod.is_none()))
            }
            BackupSubject::Cluster { group, name } => {
                let label = CLUSTER_LABELS
                    .iter()
                    .find(|(known, _)| known == group)
                    .map(|(_, label)| *label);
                match label.and_then(|label| self.labels.get(label)) {
                    Some(own) => yes(here && own == name),
                    // Its labels could not be read.
                    None if here && self.labels.is_empty() => Belongs::Perhaps,
                    None => Belongs::No,
                }
            }
            // The pod could not be read.
            BackupSubject::Claims { .. } if here && self.claims.is_empty() && self.labels.is_empty() => {
                Belongs::Perhaps
            }
            BackupSubject::Claims { names } => {
                yes(here && self.claims.iter().any(|claim| names.contains(claim)))
            }
            BackupSubject::Namespaces {
                names,
                claims,
                others,
            } => self.inside(names, claims, *others),
            BackupSubject::Address { host, database } => {
                let server = self.hosts.contains(&full_host(host, namespace));
                let other = database
                    .as_ref()
                    .is_some_and(|name| !self.database.is_empty() && *name != self.database);
                yes(server && !other)
            }
            BackupSubject::Pod { name } => yes(here && self.pod.as_ref() == Some(name)),
            BackupSubject::Workload { name } => yes(here && self.workload.as_ref() == Some(name)),
            BackupSubject::Unknown if here => Belongs::Perhaps,
            BackupSubject::Unknown => Belongs::No,
        }
    }

    /// Whether a backup of whole namespaces holds the database's volumes.
    fn inside(&self, names: &[String], claims: &[String], others: bool) -> Belongs {
        if self.namespace.is_empty() || !names.iter().any(|name| name == "*" || *name == self.namespace) {
            return Belongs::No;
        }
        let missing = self
            .claims
            .iter()
            .find(|claim| !claims.contains(&format!("{}/{claim}", self.namespace)));
        match missing {
            None if self.claims.is_empty() => Belongs::Perhaps,
            None => Belongs::Yes,
            Some(_) if others => Belongs::Perhaps,
            Some(claim) => Belongs::Lacks(format!("the data of volume claim {claim} is not in it")),
        }
    }

    /// The same for a backup: one of another server is none of this database's, whatever else says so.
    pub(super) fn owns_backup(&self, backup: &FoundBackup) -> Belongs {
        match (&self.system_identifier, &backup.system_identifier) {
            (Some(own), Some(other)) if own != other => Belongs::No,
            (Some(_), Some(_)) => match &backup.of {
                // A server may have moved to another workload; its identifier stays.
                BackupSubject::Database { server: _, name } if *name == self.database => Belongs::Yes,
                BackupSubject::Database { .. }
                | BackupSubject::Cluster { .. }
                | BackupSubject::Claims { .. }
                | BackupSubject::Namespaces { .. }
                | BackupSubject::Address { .. }
                | BackupSubject::Pod { .. }
                | BackupSubject::Workload { .. }
                | BackupSubject::Unknown => self.owns(&backup.namespace, &backup.of),
            },
            (_, _) => self.owns(&backup.namespace, &backup.of),
        }
    }
}

/// A host as `service.namespace`, whatever way a program in `namespace` writes it; other hosts as they are.
fn full_host(host: &str, namespace: &str) -> String {
    let host = host.trim_end_matches('.');
    let host = host.strip_suffix(".cluster.local").unwrap_or(host);
    let host = host.strip_suffix(".svc").unwrap_or(host);
    if host.contains('.') || host.is_empty() {
        host.to_owned()
    } else {
        format!("{host}.{namespace}")
    }
}

/// Bytes of WAL between two positions, as `pg_wal_lsn_diff` counts them; `None` where either is no position, or the
/// later one comes first.
pub(super) fn bytes_between(from: &str, to: &str) -> Option<u64> {
    let number = |text: &str| {
        let (high, low) = text.split_once('/')?;
        let (high, low) = (
            u64::from_str_radix(high, 16).ok()?,
            u64::from_str_radix(low, 16).ok()?,
        );
        Some(high << 32 | low)
    };
    number(to)?.checked_sub(number(from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders() -> Wanted {
        Wanted {
            namespace: "shop".into(),
            database: "orders".into(),
            pod: Some("db-0".into()),
            container: Some("postgres".into()),
            workload: Some("db".into()),
            labels: [("cnpg.io/cluster".to_owned(), "orders".to_owned())].into(),
            claims: vec!["data-db-0".into()],
            hosts: vec!["db.shop".into()],
            ..Wanted::default()
        }
    }

    #[test]
    fn a_backup_belongs_by_what_it_says_it_is_of() {
        let cluster = |group: &str, name: &str| BackupSubject::Cluster {
            group: group.into(),
            name: name.into(),
        };
        let address = |host: &str, database: Option<&str>| BackupSubject::Address {
            host: host.into(),
            database: database.map(str::to_owned),
        };
        let claims = |names: &[&str]| BackupSubject::Claims {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        for (namespace, of, expected) in [
            ("shop", cluster("postgresql.cnpg.io", "orders"), Belongs::Yes),
            ("shop", cluster("postgresql.cnpg.io", "others"), Belongs::No),
            ("other", cluster("postgresql.cnpg.io", "orders"), Belongs::No),
            ("shop", cluster("stackgres.io", "orders"), Belongs::No),
            ("shop", address("db", None), Belongs::Yes),
            ("other", address("db", None), Belongs::No),
            (
                "other",
                address("db.shop.svc.cluster.local", Some("orders")),
                Belongs::Yes,
            ),
            ("shop", address("db", Some("another")), Belongs::No),
            ("shop", claims(&["data-db-0"]), Belongs::Yes),
            ("shop", claims(&["data-db-1"]), Belongs::No),
            ("shop", BackupSubject::Unknown, Belongs::Perhaps),
            ("other", BackupSubject::Unknown, Belongs::No),
            (
                "shop",
                BackupSubject::Workload { name: "db".into() },
                Belongs::Yes,
            ),
            ("shop", BackupSubject::Pod { name: "db-1".into() }, Belongs::No),
            (
                "shop",
                BackupSubject::Database {
                    server: "db".into(),
                    name: "orders".into(),
                },
                Belongs::Yes,
            ),
            (
                "shop",
                BackupSubject::Database {
                    server: "db".into(),
                    name: "another".into(),
                },
                Belongs::No,
            ),
        ] {
            assert_eq!(orders().owns(namespace, &of), expected, "{namespace} {of:?}");
        }
    }

    #[test]
    fn a_backup_of_a_namespace_need_not_hold_the_volume() {
        let of = |names: &[&str], claims: &[&str], others| BackupSubject::Namespaces {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            claims: claims.iter().map(|name| (*name).to_owned()).collect(),
            others,
        };
        let owns = |of: BackupSubject| orders().owns("velero", &of);
        assert_eq!(owns(of(&["*"], &["shop/data-db-0"], false)), Belongs::Yes);
        assert_eq!(owns(of(&["other"], &["shop/data-db-0"], false)), Belongs::No);
        assert_eq!(owns(of(&["shop"], &["shop/other"], true)), Belongs::Perhaps);
        assert!(matches!(
            owns(of(&["shop"], &["shop/other"], false)),
            Belongs::Lacks(_)
        ));
    }

    #[test]
    fn the_system_identifier_has_the_last_word() {
        let object = serde_json::json!({"metadata": {"name": "b", "namespace": "shop"}});
        let of = BackupSubject::Database {
            server: "db".into(),
            name: "orders".into(),
        };
        let mut backup = super::super::found::found(model::Mechanism::Pgbackup, "", &object, of);
        let mut wanted = orders();
        wanted.system_identifier = Some("1".into());
        backup.system_identifier = Some("2".into());
        assert_eq!(wanted.owns_backup(&backup), Belongs::No);
        backup.system_identifier = Some("1".into());
        backup.of = BackupSubject::Database {
            server: "renamed".into(),
            name: "orders".into(),
        };
        assert_eq!(wanted.owns_backup(&backup), Belongs::Yes);
        backup.system_identifier = None;
        assert_eq!(wanted.owns_backup(&backup), Belongs::No);
    }

    #[test]
    fn positions_are_counted_as_postgres_counts_them() {
        assert_eq!(bytes_between("0/8000110", "0/8000210"), Some(0x100));
        assert_eq!(bytes_between("0/FFFFFFFF", "1/0"), Some(1));
        assert_eq!(bytes_between("1/0", "0/0"), None);
        assert_eq!(bytes_between("", "0/0"), None);
    }
}
