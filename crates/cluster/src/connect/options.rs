//! kubectl's flags.

use std::path::PathBuf;
use std::time::Duration;

use model::Secret;

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
    /// `--request-timeout`: how long the answer to one request may take to begin; [`super::RESPONSE_TIMEOUT`] if `None`.
    pub request_timeout: Option<Duration>,
}
