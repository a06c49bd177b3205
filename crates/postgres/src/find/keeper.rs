//! Who keeps a server: the operator whose labels its pod bears.

use std::collections::BTreeMap;

use cluster::Cluster;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use model::{DatabaseLocation, DatabaseRoute, Seen};

use super::named::Operator;

/// An operator and the cluster of its that a server belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// The operator.
    pub operator: Operator,
    /// Its cluster's name.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
}

/// Who keeps the server of a location; `Absent` where nobody does, or it runs in no pod.
pub async fn keeper(cluster: &Cluster, location: &DatabaseLocation) -> Seen<Keeper> {
    let DatabaseRoute::Pod { namespace, pod, .. } = &location.route else {
        return Seen::Absent;
    };
    match Api::<Pod>::namespaced(cluster.client.clone(), namespace)
        .get_opt(pod)
        .await
    {
        Ok(Some(pod)) => {
            by_labels(&pod.metadata.labels.unwrap_or_default()).map_or(Seen::Absent, |(operator, name)| {
                Seen::Present(Keeper {
                    operator,
                    cluster: name,
                    namespace: namespace.clone(),
                })
            })
        }
        Ok(None) => Seen::Unreadable(format!("pod {pod} is gone")),
        Err(error) => Seen::Unreadable(model::causes(&error)),
    }
}

/// The labels as the operators document them.
fn by_labels(labels: &BTreeMap<String, String>) -> Option<(Operator, String)> {
    let value = |key: &str| labels.get(key).cloned();
    let zalando = || value("spilo-role").and(value("cluster-name"));
    None.or_else(|| Some((Operator::CloudNativePg, value("cnpg.io/cluster")?)))
        .or_else(|| {
            let name = value("postgres-operator.crunchydata.com/cluster")?;
            Some((Operator::Crunchy, name))
        })
        .or_else(|| Some((Operator::Zalando, zalando()?)))
}

impl Keeper {
    /// The keeper and its cluster in words.
    pub fn words(&self) -> String {
        let operator = match self.operator {
            Operator::CloudNativePg => "CloudNativePG",
            Operator::Crunchy => "Crunchy Postgres for Kubernetes",
            Operator::Zalando => "Zalando's operator",
        };
        format!(
            "cluster {} in namespace {} is kept by {operator}",
            self.cluster, self.namespace
        )
    }

    /// What the operator itself offers to go back to an earlier state.
    pub fn own_way(&self) -> String {
        let Self {
            operator,
            cluster,
            namespace,
        } = self;
        match operator {
            Operator::CloudNativePg => format!(
                "its own way is a new Cluster from one of its Backups: kubectl pgbackup restore BACKUP \
                 cluster.postgresql.cnpg.io/{cluster} -n {namespace} prints one"
            ),
            Operator::Crunchy => format!(
                "its own way is pgBackRest: spec.dataSource of a new PostgresCluster, or spec.backups.pgbackrest.restore \
                 and the annotation postgres-operator.crunchydata.com/pgbackrest-restore on postgrescluster/{cluster}"
            ),
            Operator::Zalando => format!(
                "its own way is a new postgresql with spec.clone of {cluster} (its uid and a timestamp), from WAL-G"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn operators_are_known_by_the_labels_of_their_pods() {
        let cases = [
            (
                labels(&[("cnpg.io/cluster", "main")]),
                Some(Operator::CloudNativePg),
            ),
            (
                labels(&[("postgres-operator.crunchydata.com/cluster", "hippo")]),
                Some(Operator::Crunchy),
            ),
            (
                labels(&[
                    ("application", "spilo"),
                    ("cluster-name", "acid"),
                    ("spilo-role", "master"),
                ]),
                Some(Operator::Zalando),
            ),
            (labels(&[("app", "postgres"), ("cluster-name", "x")]), None),
        ];
        for (labels, operator) in cases {
            assert_eq!(
                by_labels(&labels).map(|(operator, _)| operator),
                operator,
                "{labels:?}"
            );
        }
    }
}
