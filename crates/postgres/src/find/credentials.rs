//! Reading credentials again.

use cluster::Cluster;
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::Api;
use model::{CredentialSource, DatabaseLocation, Secret, WorkloadName};

use super::connection_string::{self, ConnectionStringError};
use super::{environment, files, mention, pgpass, pod, template};
use crate::Credentials;

/// Why the credentials of a known location could not be read. Names only, never values.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The workload whose environment holds them could not be read.
    #[error("failed to read the pod template of {workload} for the credentials")]
    Template {
        /// The workload.
        workload: WorkloadName,
        /// The API server's answer.
        #[source]
        source: cluster::RequestError,
    },
    /// The workload, its container or the variable is not there any more.
    #[error(
        "{what} is not there any more, so the credentials cannot be read: name the database with --secret or --dsn"
    )]
    Gone {
        /// What is missing.
        what: String,
    },
    /// The place is there and could not be read or holds nothing usable.
    #[error("failed to read the credentials from {place}: {reason}")]
    Unusable {
        /// The place.
        place: String,
        /// Why.
        reason: String,
    },
    /// The Secret's value is no connection string.
    #[error("failed to use Secret {secret}")]
    Malformed {
        /// The Secret and key.
        secret: String,
        /// Why.
        #[source]
        source: ConnectionStringError,
    },
    /// PGPASSWORD holds bytes that are no text.
    #[error("failed to read PGPASSWORD: it is not valid UTF-8")]
    NotUnicode,
}

/// Reads the credentials of a location with the caller's rights. They are read anew each time, so that a rotated
/// password is the one in force.
///
/// # Errors
/// See [`CredentialError`].
pub async fn credentials(
    cluster: &Cluster,
    location: &DatabaseLocation,
) -> Result<Credentials, CredentialError> {
    match &location.origin.source {
        CredentialSource::Environment {
            workload,
            container,
            variable,
        } => from_environment(cluster, workload, container, variable).await,
        CredentialSource::Secret { namespace, name, key } => {
            let value = read_secret_key(cluster, namespace, name, key).await?;
            let parts =
                connection_string::parse(value.expose()).map_err(|source| CredentialError::Malformed {
                    secret: format!("{name} key {key}"),
                    source,
                })?;
            Ok(Credentials {
                user: parts.user.unwrap_or_else(|| location.user.clone()),
                password: parts.password,
            })
        }
        CredentialSource::Login {
            namespace,
            name,
            user,
            password,
        } => {
            let named = read_secret_key(cluster, namespace, name, user).await.ok();
            Ok(Credentials {
                user: named.map_or_else(|| location.user.clone(), |user| user.expose().to_owned()),
                password: Some(read_secret_key(cluster, namespace, name, password).await?),
            })
        }
        CredentialSource::Pod {
            namespace,
            pod,
            container,
        } => {
            let known = pod::login_of(cluster, namespace, pod, container).await;
            let known = known.map_err(|error| CredentialError::Unusable {
                place: format!("pod {pod}, container {container}"),
                reason: model::causes(&error),
            })?;
            Ok(known.unwrap_or_else(|| Credentials {
                user: location.user.clone(),
                password: None,
            }))
        }
        CredentialSource::Given => credentials_given(location),
    }
}

/// The credentials of an address that the user gave: `PGPASSWORD`, else `~/.pgpass`. Needs no cluster.
///
/// # Errors
/// When PGPASSWORD is no text.
pub fn credentials_given(location: &DatabaseLocation) -> Result<Credentials, CredentialError> {
    Ok(Credentials {
        user: location.user.clone(),
        password: match std::env::var("PGPASSWORD") {
            Ok(password) => Some(Secret::new(password)),
            // Some servers ask for none; one that does says so when we connect.
            Err(std::env::VarError::NotPresent) => pgpass::from_file(pgpass::Wanted {
                host: &location.host,
                port: location.port,
                database: &location.database,
                user: &location.user,
            }),
            Err(std::env::VarError::NotUnicode(_)) => return Err(CredentialError::NotUnicode),
        },
    })
}

async fn from_environment(
    cluster: &Cluster,
    workload: &WorkloadName,
    container: &str,
    variable: &str,
) -> Result<Credentials, CredentialError> {
    let gone = |what: String| CredentialError::Gone { what };
    let template = template::read_template(cluster, workload)
        .await
        .map_err(|source| CredentialError::Template {
            workload: workload.clone(),
            source: source.into(),
        })?
        .ok_or_else(|| gone(workload.to_string()))?;
    let container = template::containers(&template)
        .find(|candidate| candidate.name == container)
        .ok_or_else(|| gone(format!("container {container} of {workload}")))?;
    let variables = if variable.starts_with(files::PREFIX) {
        let names = files::references(&template);
        let referenced = template::read_referenced(cluster, &workload.namespace, &names).await;
        files::variables(container, &template, &referenced)
    } else {
        let names = environment::references([container]);
        let referenced = template::read_referenced(cluster, &workload.namespace, &names).await;
        environment::resolve(container, &referenced)
    };
    let (mut mentions, unusable) = mention::mentions(&variables);
    mentions.extend(mention::of_the_server(container, &variables));
    let place = || format!("{workload}, container {}, env {variable}", container.name);
    if let Some(mention) = mentions.into_iter().find(|mention| mention.variable == variable) {
        return match (mention.password, mention.password_unreadable) {
            (None, Some(reason)) => Err(CredentialError::Unusable {
                place: place(),
                reason,
            }),
            (password, _) => Ok(Credentials {
                user: mention.user,
                password,
            }),
        };
    }
    match unusable
        .into_iter()
        .find(|unusable| unusable.variable == variable || unusable.variable.is_empty())
    {
        Some(unusable) => Err(CredentialError::Unusable {
            place: place(),
            reason: unusable.reason,
        }),
        None => Err(gone(place())),
    }
}

/// The password in an address that came by a way that nobody else can read.
///
/// # Errors
/// When the text is no connection string.
pub fn password_in(dsn: &Secret) -> Result<Option<Secret>, ConnectionStringError> {
    Ok(connection_string::parse(dsn.expose())?.password)
}

/// One key of a Secret as text.
pub(crate) async fn read_secret_key(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    key: &str,
) -> Result<Secret, CredentialError> {
    let unusable = |reason: String| CredentialError::Unusable {
        place: format!("Secret {name} key {key}"),
        reason,
    };
    let secret = Api::<KubeSecret>::namespaced(cluster.client.clone(), namespace)
        .get_opt(name)
        .await
        .map_err(|error| unusable(template::unreadable("Secret", name, &error)))?
        .ok_or_else(|| unusable(format!("there is no such Secret in namespace {namespace}")))?;
    let mut data = template::secret_data(secret);
    data.remove(key).ok_or_else(|| {
        let keys: Vec<&str> = data.keys().map(String::as_str).collect();
        unusable(format!(
            "it has no such key with text; it has {}",
            keys.join(", ")
        ))
    })
}
