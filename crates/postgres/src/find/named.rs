//! What a user may name instead of a release: a workload, a pod, a Service, or an operator's cluster.

use std::str::FromStr;

use model::WorkloadKind;

/// A thing in a namespace that leads to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A Helm release.
    Release(String),
    /// A workload: the server itself, or an application that uses one.
    Workload(WorkloadKind, String),
    /// A server's pod, and its container where that is said.
    Pod(String, Option<String>),
    /// A Service that leads to a server.
    Service(String),
    /// A cluster that an operator keeps.
    Operator(Operator, String),
}

/// An operator that keeps clusters of Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// CloudNativePG: `cluster.postgresql.cnpg.io`.
    CloudNativePg,
    /// Crunchy Postgres for Kubernetes: `postgrescluster`.
    Crunchy,
    /// The operator of Zalando: `postgresql`.
    Zalando,
}

/// A text that names nothing that could lead to a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} leads to no database: write a release, deployment/, statefulset/, pod/ or service/NAME, \
     cluster.postgresql.cnpg.io/NAME, postgrescluster/NAME or postgresql/NAME"
)]
pub struct NamedError(String);

impl FromStr for Named {
    type Err = NamedError;

    fn from_str(text: &str) -> Result<Self, NamedError> {
        let wrong = || NamedError(text.to_owned());
        let Some((kind, name)) = text.split_once('/') else {
            return if text.is_empty() {
                Err(wrong())
            } else {
                Ok(Self::Release(text.to_owned()))
            };
        };
        let (name, container) = match name.split_once('/') {
            Some((name, container)) => (name, Some(container)),
            None => (name, None),
        };
        if name.is_empty()
            || container.is_some_and(|container| container.is_empty() || container.contains('/'))
        {
            return Err(wrong());
        }
        let kind = kind.to_ascii_lowercase();
        let is_pod = matches!(kind.as_str(), "pod" | "pods" | "po");
        if container.is_some() && !is_pod {
            return Err(wrong());
        }
        let name = name.to_owned();
        Ok(match kind.as_str() {
            "deployment" | "deployments" | "deploy" => Self::Workload(WorkloadKind::Deployment, name),
            "statefulset" | "statefulsets" | "sts" => Self::Workload(WorkloadKind::StatefulSet, name),
            "pod" | "pods" | "po" => Self::Pod(name, container.map(str::to_owned)),
            "service" | "services" | "svc" => Self::Service(name),
            "cluster.postgresql.cnpg.io" | "clusters.postgresql.cnpg.io" => {
                Self::Operator(Operator::CloudNativePg, name)
            }
            "postgrescluster"
            | "postgresclusters"
            | "postgrescluster.postgres-operator.crunchydata.com"
            | "postgresclusters.postgres-operator.crunchydata.com" => Self::Operator(Operator::Crunchy, name),
            "postgresql" | "postgresqls" | "postgresql.acid.zalan.do" | "postgresqls.acid.zalan.do" => {
                Self::Operator(Operator::Zalando, name)
            }
            _ => return Err(wrong()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_named_as_kubectl_names_them() {
        let named = |text: &str| text.parse::<Named>().unwrap();
        assert_eq!(named("shop"), Named::Release("shop".into()));
        assert_eq!(
            named("sts/db"),
            Named::Workload(WorkloadKind::StatefulSet, "db".into())
        );
        assert_eq!(named("pod/db-0"), Named::Pod("db-0".into(), None));
        assert_eq!(named("pod/db-0/pg"), Named::Pod("db-0".into(), Some("pg".into())));
        assert_eq!(named("svc/db"), Named::Service("db".into()));
        assert_eq!(
            named("cluster.postgresql.cnpg.io/main"),
            Named::Operator(Operator::CloudNativePg, "main".into())
        );
        assert_eq!(
            named("postgrescluster/hippo"),
            Named::Operator(Operator::Crunchy, "hippo".into())
        );
        assert_eq!(
            named("postgresql/acid-minimal"),
            Named::Operator(Operator::Zalando, "acid-minimal".into())
        );
    }

    #[test]
    fn what_leads_to_no_database_says_what_does() {
        for text in [
            "",
            "secret/x",
            "pod/",
            "pod/a/",
            "pod/a/b/c",
            "deployment/a/b",
            "/x",
        ] {
            let told = text.parse::<Named>().unwrap_err().to_string();
            assert!(told.contains("postgrescluster/NAME"), "{told}");
        }
    }
}
