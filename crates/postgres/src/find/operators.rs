//! The databases of clusters that operators keep, read from the operators' own objects.
//!
//! Fields, labels and Secrets as the operators document them: CloudNativePG 1.2x (`status.currentPrimary`, Secret
//! `<cluster>-app`), Crunchy Postgres for Kubernetes 5 (label `…/role`, Secret `<cluster>-pguser-<user>`), Zalando's
//! operator 1.x (label `spilo-role`, Secret `<user>.<cluster>.credentials.postgresql.acid.zalan.do`).

use cluster::Cluster;
use k8s_openapi::api::core::v1::{Pod, Secret as KubeSecret};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use model::{CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute};
use serde_json::Value;

use super::named::Operator;
use super::pod::listening;
use super::resolve::workload_of;
use super::template::unreadable;
use super::{Candidate, FindError};

/// A database of a cluster with its login, as the operator's object says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) database: String,
    pub(crate) user: String,
    /// The Secret of the login.
    pub(crate) secret: String,
    /// The keys of user and password in it.
    pub(crate) keys: (&'static str, &'static str),
}

/// How the primary's pod is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Primary {
    /// The operator says its name.
    Pod(String),
    /// It bears these labels, the second with one of these values.
    Labelled(String, &'static str),
}

/// What an operator's object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) host: String,
    pub(crate) container: &'static str,
    pub(crate) primary: Option<Primary>,
    pub(crate) databases: Vec<Kept>,
}

impl Operator {
    fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = match self {
            Self::CloudNativePg => ("postgresql.cnpg.io", "v1", "Cluster", "clusters"),
            Self::Crunchy => (
                "postgres-operator.crunchydata.com",
                "v1beta1",
                "PostgresCluster",
                "postgresclusters",
            ),
            Self::Zalando => ("acid.zalan.do", "v1", "postgresql", "postgresqls"),
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }

    /// The word for its object in messages.
    fn word(self) -> &'static str {
        match self {
            Self::CloudNativePg => "cluster.postgresql.cnpg.io",
            Self::Crunchy => "postgrescluster",
            Self::Zalando => "postgresql.acid.zalan.do",
        }
    }

    /// Reads the object's text.
    pub(crate) fn read(self, name: &str, object: &Value) -> Told {
        match self {
            Self::CloudNativePg => cloud_native_pg(name, object),
            Self::Crunchy => crunchy(name, object),
            Self::Zalando => zalando(name, object),
        }
    }
}

fn text(object: &Value, path: &str) -> Option<String> {
    let found = object.pointer(path)?.as_str()?;
    (!found.is_empty()).then(|| found.to_owned())
}

fn cloud_native_pg(name: &str, object: &Value) -> Told {
    let of_bootstrap = |key: &str| {
        ["initdb", "recovery", "pg_basebackup"]
            .iter()
            .find_map(|way| text(object, &format!("/spec/bootstrap/{way}/{key}")))
    };
    let database = of_bootstrap("database").unwrap_or_else(|| "app".into());
    let user = of_bootstrap("owner").unwrap_or_else(|| database.clone());
    let secret = of_bootstrap("secret/name").unwrap_or_else(|| format!("{name}-app"));
    Told {
        host: text(object, "/status/writeService").unwrap_or_else(|| format!("{name}-rw")),
        container: "postgres",
        primary: text(object, "/status/currentPrimary").map(Primary::Pod),
        databases: vec![Kept {
            database,
            user,
            secret,
            keys: ("username", "password"),
        }],
    }
}

fn crunchy(name: &str, object: &Value) -> Told {
    let login = |database: &str, user: &str| Kept {
        database: database.into(),
        user: user.into(),
        secret: format!("{name}-pguser-{user}"),
        keys: ("user", "password"),
    };
    let users = object.pointer("/spec/users").and_then(Value::as_array);
    let databases = match users {
        // Without users the operator makes one, and a database, of the cluster's name.
        None => vec![login(name, name)],
        Some(users) => users
            .iter()
            .flat_map(|user| {
                let name = user.get("name").and_then(Value::as_str).unwrap_or_default();
                let databases = user
                    .get("databases")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                databases
                    .filter_map(Value::as_str)
                    .map(move |database| (database, name))
            })
            .filter(|(_, user)| *user != "postgres")
            .map(|(database, user)| login(database, user))
            .collect(),
    };
    Told {
        host: format!("{name}-primary"),
        container: "database",
        primary: Some(Primary::Labelled(
            format!("postgres-operator.crunchydata.com/cluster={name}"),
            "postgres-operator.crunchydata.com/role",
        )),
        databases,
    }
}

fn zalando(name: &str, object: &Value) -> Told {
    let databases = object.pointer("/spec/databases").and_then(Value::as_object);
    Told {
        host: name.to_owned(),
        container: "postgres",
        primary: Some(Primary::Labelled(format!("cluster-name={name}"), "spilo-role")),
        databases: databases
            .into_iter()
            .flatten()
            .filter_map(|(database, owner)| {
                let user = owner.as_str()?;
                Some(Kept {
                    database: database.clone(),
                    user: user.to_owned(),
                    // Names of Secrets know no underscore.
                    secret: format!(
                        "{}.{name}.credentials.postgresql.acid.zalan.do",
                        user.replace('_', "-").to_lowercase()
                    ),
                    keys: ("username", "password"),
                })
            })
            .collect(),
    }
}

/// The databases of an operator's cluster; of one name only, where the user says it.
pub(crate) async fn by_operator(
    cluster: &Cluster,
    namespace: &str,
    operator: Operator,
    name: &str,
    database: Option<&str>,
) -> Result<Vec<Candidate>, FindError> {
    let word = operator.word();
    let not_usable = |reason: String| FindError::Unreachable { reason };
    let objects: Api<DynamicObject> =
        Api::namespaced_with(cluster.client.clone(), namespace, &operator.resource());
    let object = objects
        .get_opt(name)
        .await
        .map_err(|error| not_usable(unreadable(word, name, &error)))?
        .ok_or_else(|| not_usable(format!("there is no {word}/{name} in namespace {namespace}")))?;
    let told = operator.read(name, &object.data);
    let pod = primary(cluster, namespace, &told)
        .await
        .map_err(|reason| not_usable(format!("{word}/{name}: {reason}")))?;
    let spec = pod.spec.as_ref();
    let container = spec
        .into_iter()
        .flat_map(|spec| &spec.containers)
        .find(|container| container.name == told.container);
    let port = container.map_or(super::mention::DEFAULT_PORT, listening);
    let pod_name = pod.metadata.name.clone().unwrap_or_default();
    let route = DatabaseRoute::Pod {
        namespace: namespace.to_owned(),
        workload: workload_of(cluster, namespace, &pod).await,
        pod: pod_name.clone(),
        container: told.container.to_owned(),
        port,
    };
    let mut databases = told.databases.clone();
    if let Some(wanted) = database {
        databases.retain(|kept| kept.database == wanted);
        // One that the object does not name is reached by whoever the cluster's first login is.
        if databases.is_empty() {
            databases.extend(told.databases.first().map(|kept| Kept {
                database: wanted.to_owned(),
                ..kept.clone()
            }));
        }
        if databases.is_empty() {
            databases.push(Kept {
                database: wanted.to_owned(),
                user: "postgres".into(),
                secret: String::new(),
                keys: ("username", "password"),
            });
        }
    }
    if databases.is_empty() {
        return Err(not_usable(format!(
            "{word}/{name} names no database: name it with --database, or back up all with create --all"
        )));
    }
    let secrets: Api<KubeSecret> = Api::namespaced(cluster.client.clone(), namespace);
    let mut candidates = Vec::new();
    for kept in databases {
        let Kept {
            database,
            user,
            secret,
            keys,
        } = kept;
        // Whoever may not read the Secret can still use the server's own socket.
        let readable = !secret.is_empty() && matches!(secrets.get_opt(&secret).await, Ok(Some(_)));
        let source = if readable {
            CredentialSource::Login {
                namespace: namespace.to_owned(),
                name: secret.clone(),
                user: keys.0.to_owned(),
                password: keys.1.to_owned(),
            }
        } else {
            CredentialSource::Pod {
                namespace: namespace.to_owned(),
                pod: pod_name.clone(),
                container: told.container.to_owned(),
            }
        };
        let found_in = if readable {
            format!("{word}/{name}, primary {pod_name}, login from Secret {secret}")
        } else {
            format!("{word}/{name}, primary {pod_name}, login by the pod's own socket")
        };
        candidates.push(Candidate {
            named_in: vec![found_in.clone()],
            location: DatabaseLocation {
                host: told.host.clone(),
                port: super::mention::DEFAULT_PORT,
                database,
                user,
                sslmode: None,
                origin: DatabaseOrigin {
                    found_in,
                    secret: readable.then_some(secret),
                    source,
                },
                route: route.clone(),
            },
        });
    }
    Ok(candidates)
}

async fn primary(cluster: &Cluster, namespace: &str, told: &Told) -> Result<Pod, String> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    match &told.primary {
        None => Err("it does not say which pod is the primary".into()),
        Some(Primary::Pod(name)) => pods
            .get_opt(name)
            .await
            .map_err(|error| unreadable("Pod", name, &error))?
            .ok_or_else(|| format!("its primary, pod {name}, does not exist")),
        Some(Primary::Labelled(cluster_label, role)) => labelled_primary(&pods, cluster_label, role)
            .await?
            .ok_or_else(|| "no pod of it bears the role of the primary".into()),
    }
}

/// The pod of a cluster whose role is that of the primary, whatever the operator's version calls it.
pub(crate) async fn labelled_primary(
    pods: &Api<Pod>,
    cluster_label: &str,
    role: &str,
) -> Result<Option<Pod>, String> {
    let labels = format!("{cluster_label},{role} in (master,primary)");
    let found = pods
        .list(&ListParams::default().labels(&labels))
        .await
        .map_err(|error| unreadable("Pod", &format!("list with labels {labels}"), &error))?;
    Ok(found.items.into_iter().next())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cloud_native_pg_says_its_primary_and_its_database() {
        let object = json!({
            "spec": {"bootstrap": {"initdb": {"database": "shop", "owner": "seller"}}},
            "status": {"currentPrimary": "main-2", "writeService": "main-rw"}
        });
        let told = Operator::CloudNativePg.read("main", &object);
        assert_eq!(told.primary, Some(Primary::Pod("main-2".into())));
        let [kept] = &told.databases[..] else {
            panic!("one database")
        };
        assert_eq!(
            (kept.database.as_str(), kept.user.as_str(), kept.secret.as_str()),
            ("shop", "seller", "main-app")
        );
        let bare = Operator::CloudNativePg.read("main", &json!({"spec": {}}));
        assert_eq!((bare.databases[0].database.as_str(), bare.primary), ("app", None));
    }

    #[test]
    fn crunchy_has_a_login_for_each_user_and_one_of_its_own_name_without_any() {
        let told = Operator::Crunchy.read("hippo", &json!({"spec": {}}));
        assert_eq!(told.databases[0].secret, "hippo-pguser-hippo");
        let users = json!({"spec": {"users": [
            {"name": "rhino", "databases": ["zoo", "park"]}, {"name": "postgres", "databases": ["zoo"]}]}});
        let told = Operator::Crunchy.read("hippo", &users);
        let named: Vec<&str> = told.databases.iter().map(|kept| kept.database.as_str()).collect();
        assert_eq!(named, ["zoo", "park"]);
        assert_eq!(told.container, "database");
    }

    #[test]
    fn zalando_names_a_secret_by_user_and_cluster() {
        let object = json!({"spec": {"databases": {"foo": "foo_user"}}});
        let told = Operator::Zalando.read("acid-main", &object);
        assert_eq!(
            told.databases[0].secret,
            "foo-user.acid-main.credentials.postgresql.acid.zalan.do"
        );
        assert!(Operator::Zalando.read("x", &json!({})).databases.is_empty());
    }
}
