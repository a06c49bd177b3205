//! The connection.

use std::time::Duration;

use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::time::timeout;

use super::kubeconfig::{Found, Places, unusable, with_flags};
use super::patience::{NoAnswer, Patience};
use super::{ConnectError, ConnectOptions};
use crate::RequestError;
use crate::kinds::Kinds;
use crate::login::{chain, login_error};

/// How long reaching the API server and its first answer may take. kubectl waits for half a minute; a person who
/// mistyped a context should not.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the answer to one request may take to begin. API servers end every request that is no stream after 60 s
/// themselves (their `--request-timeout`), so later than this only silence comes.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(75);

/// The context's name inside a pod.
const IN_CLUSTER: &str = "in-cluster";

/// A connection to one cluster. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    /// The client, for objects that need no care of ours.
    pub client: Client,
    /// The kubeconfig context's name, for messages.
    pub context: String,
    /// The namespace in force.
    pub namespace: String,
    pub(crate) kinds: Kinds,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("context", &self.context)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Makes ring the process's TLS provider. Safe to call many times; [`Cluster::connect`] does.
pub fn install_crypto_provider() {
    // An error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Cluster {
    /// Connects and asks the API server for its version, within [`CONNECT_TIMEOUT`].
    ///
    /// # Errors
    /// One clear error with place and remedy for: no or unreadable kubeconfig, unknown context, a server that does not
    /// answer, an untrusted certificate, refused credentials.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ConnectError> {
        install_crypto_provider();
        let (mut config, context) = configuration(options).await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // A pod may read nothing for longer than any fixed time: a restore that builds an index, say.
        config.write_timeout = None;
        let way = Way {
            server: config.cluster_url.to_string(),
            context,
            remedy: login_remedy(&config),
        };
        let namespace = options
            .namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let patience = Patience(options.request_timeout.unwrap_or(RESPONSE_TIMEOUT));
        let client = ClientBuilder::try_from(config)
            .map_err(|error| way.unbuildable(error))?
            .with_layer(&patience)
            .build();
        match timeout(CONNECT_TIMEOUT, client.apiserver_version()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => way.refine(error)?,
            Err(_) => return Err(way.unreachable(NoAnswer(CONNECT_TIMEOUT).into())),
        }
        Ok(Self::from_client(client, way.context, namespace))
    }

    /// Wraps a client that exists already, without asking the server anything.
    pub fn from_client(client: Client, context: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            client,
            context: context.into(),
            namespace: namespace.into(),
            kinds: Kinds::default(),
        }
    }
}

/// The configuration in force and its context's name.
async fn configuration(options: &ConnectOptions) -> Result<(Config, String), ConnectError> {
    let places = Places::of(options);
    let found = match places.read()? {
        Some(found) => found,
        None if options.server.is_some() => Found {
            kubeconfig: Kubeconfig::default(),
            place: places.name(),
        },
        None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => {
            let config = Config::incluster().map_err(ConnectError::InCluster)?;
            return Ok((config, IN_CLUSTER.to_owned()));
        }
        None => {
            return Err(ConnectError::NoKubeconfig {
                looked_in: places.name(),
            });
        }
    };
    let kubeconfig = with_flags(&found, options)?;
    let context = kubeconfig.current_context.clone().unwrap_or_default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable(found.place.clone(), &error))?;
    Ok((config, context))
}

/// Where we are going and as whom, for messages.
struct Way {
    server: String,
    context: String,
    remedy: String,
}

impl Way {
    /// Why a client could not be built.
    fn unbuildable(&self, error: kube::Error) -> ConnectError {
        if login_error(&error).is_some() {
            return self.no_credentials(error);
        }
        ConnectError::Configuration {
            context: self.context.clone(),
            source: RequestError::from(error),
        }
    }

    /// Says which of the usual mishaps an error of the first request is. A missing right to read the version is none.
    fn refine(&self, error: kube::Error) -> Result<(), ConnectError> {
        if login_error(&error).is_some() {
            return Err(self.no_credentials(error));
        }
        let (server, context) = (self.server.clone(), self.context.clone());
        let tls = tls_error(&error).map(|error| matches!(error, rustls::Error::InvalidCertificate(_)));
        let source = |error| RequestError::from(error);
        Err(match (error, tls) {
            (kube::Error::Api(status), _) if status.code == 403 => return Ok(()),
            (error @ kube::Error::Api(_), _) if code(&error) == Some(401) => ConnectError::Refused {
                server,
                context,
                source: source(error),
            },
            (kube::Error::Api(status), _) if status.code < 500 => ConnectError::NotKubernetes {
                server,
                context,
                said: format!("{} {}", status.code, status.reason),
            },
            (kube::Error::SerdeError(error), _) => ConnectError::NotKubernetes {
                server,
                context,
                said: error.to_string(),
            },
            (error, Some(true)) => ConnectError::Untrusted {
                server,
                context,
                source: source(error),
            },
            // The server ended the handshake: it wants another client certificate.
            (error, Some(false)) => ConnectError::Refused {
                server,
                context,
                source: source(error),
            },
            (error, None) => self.unreachable(Box::new(source(error))),
        })
    }

    fn unreachable(&self, source: Box<dyn std::error::Error + Send + Sync>) -> ConnectError {
        ConnectError::Unreachable {
            server: self.server.clone(),
            context: self.context.clone(),
            source,
        }
    }

    fn no_credentials(&self, error: kube::Error) -> ConnectError {
        ConnectError::Credentials {
            context: self.context.clone(),
            remedy: self.remedy.clone(),
            source: RequestError::from(error),
        }
    }
}

fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// What a person can do about a failed login. A plugin's own hint says how to install it.
fn login_remedy(config: &Config) -> String {
    let Some(plugin) = &config.auth_info.exec else {
        return "log in again".to_owned();
    };
    let name = plugin.command.as_deref().unwrap_or("without a name");
    match plugin.install_hint.as_deref().map(str::trim) {
        Some(hint) if !hint.is_empty() => format!("log in again or install its login plugin {name} ({hint})"),
        _ => format!("log in again or install its login plugin {name}"),
    }
}

/// The TLS alert or certificate error in a chain. An `io::Error` hides what it wraps from `source`.
fn tls_error(error: &kube::Error) -> Option<&rustls::Error> {
    chain(error).find_map(|error| match error.downcast_ref::<rustls::Error>() {
        Some(found @ (rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_))) => Some(found),
        _ => None,
    })
}
