//! One HTTP request to a pod that no Service leads to yet.

use std::time::Duration;

use thiserror::Error;

use crate::{Cluster, PortForwardError};

/// How long a pod may take to answer: what a kubelet's probe may be set to at most in practice.
pub const HTTP_GET_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a pod's answer is not known.
#[derive(Debug, Error)]
pub enum HttpGetError {
    /// The way to the pod.
    #[error("failed to reach pod {pod}")]
    Open {
        /// The pod.
        pod: String,
        /// Why.
        #[source]
        source: PortForwardError,
    },
}

impl Cluster {
    /// `GET path` on a port of a pod, in plain HTTP/1.1, through the API server; returns the status code.
    ///
    /// # Errors
    /// When the pod cannot be reached, does not speak HTTP or does not answer within [`HTTP_GET_TIMEOUT`].
    pub async fn http_get_from_pod(
        &self,
        _namespace: &str,
        _pod: &str,
        _port: u16,
        _path: &str,
    ) -> Result<u16, HttpGetError> {
        todo!()
    }
}
