//! From kubectl's flags to a client that has spoken with its API server.

use std::path::PathBuf;
use std::time::Duration;

use model::Secret;
use thiserror::Error;

/// How long reaching the API server and its first answer may take. kubectl waits for half a minute; a person who
/// mistyped a context should not.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the cluster is and as whom to speak, as kubectl's flags say it. What is `None` comes from the kubeconfig.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`; else `$KUBECONFIG` (a list), else `~/.kube/config`, else the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--namespace`.
    pub namespace: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--token`.
    pub token: Option<Secret>,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--as`.
    pub as_user: Option<String>,
    /// `--as-group`, repeated.
    pub as_groups: Vec<String>,
    /// `--request-timeout`: how long the answer to one request may take to begin.
    pub request_timeout: Option<Duration>,
}

/// A connection to one cluster. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    /// The client, for objects that need no care of ours.
    pub client: kube::Client,
    /// The kubeconfig context's name, for messages.
    pub context: String,
    /// The namespace in force.
    pub namespace: String,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("context", &self.context)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Why no cluster could be reached. Each names the place and what can be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No kubeconfig and not inside a cluster.
    #[error("no kubeconfig found: set --kubeconfig or KUBECONFIG, or log in to a cluster first")]
    NoKubeconfig,
}

/// Makes ring the process's TLS provider. Safe to call many times; [`Cluster::connect`] does.
pub fn install_crypto_provider() {
    todo!()
}

impl Cluster {
    /// Connects and asks the API server for its version, within [`CONNECT_TIMEOUT`].
    ///
    /// # Errors
    /// One clear error with place and remedy for: no or unreadable kubeconfig, unknown context, a server that does not
    /// answer, an untrusted certificate, refused credentials.
    pub async fn connect(_options: &ConnectOptions) -> Result<Self, ConnectError> {
        todo!()
    }

    /// Wraps a client that exists already, without asking the server anything. For tests.
    pub fn from_client(
        client: kube::Client,
        context: impl Into<String>,
        namespace: impl Into<String>,
    ) -> Self {
        Self {
            client,
            context: context.into(),
            namespace: namespace.into(),
        }
    }
}
