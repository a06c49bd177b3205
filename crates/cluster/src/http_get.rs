//! One HTTP request to a pod that no Service leads to yet.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::{Cluster, PortForward, PortForwardError};

/// How long a pod may take to answer: long for a health path, short for a person who waits.
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
    /// The path cannot stand in a request.
    #[error("{path} is no HTTP path")]
    Path {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: http::Error,
    },
    /// No answer that is HTTP.
    #[error("pod {pod} gave no HTTP answer on port {port} for {path}")]
    NoAnswer {
        /// The pod.
        pod: String,
        /// The port.
        port: u16,
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: hyper::Error,
    },
    /// No answer in time.
    #[error("pod {pod} did not answer on port {port} for {path} within {} s", HTTP_GET_TIMEOUT.as_secs())]
    TimedOut {
        /// The pod.
        pod: String,
        /// The port.
        port: u16,
        /// The path.
        path: String,
    },
}

impl Cluster {
    /// `GET path` on a port of a pod, in plain HTTP/1.1, through the API server; returns the status code. A path without
    /// its leading slash gets one.
    ///
    /// # Errors
    /// When the pod cannot be reached, does not speak HTTP or does not answer within [`HTTP_GET_TIMEOUT`].
    pub async fn http_get_from_pod(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
        path: &str,
    ) -> Result<u16, HttpGetError> {
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        let request = http::Request::get(&path)
            .header(http::header::HOST, format!("{pod}:{port}"))
            .header(http::header::USER_AGENT, crate::FIELD_MANAGER)
            .header(http::header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|source| HttpGetError::Path {
                path: path.clone(),
                source,
            })?;
        let answer = async {
            let stream =
                self.port_forward(namespace, pod, port)
                    .await
                    .map_err(|source| HttpGetError::Open {
                        pod: pod.to_owned(),
                        source,
                    })?;
            status(stream, request)
                .await
                .map_err(|source| HttpGetError::NoAnswer {
                    pod: pod.to_owned(),
                    port,
                    path: path.clone(),
                    source,
                })
        };
        timeout(HTTP_GET_TIMEOUT, answer)
            .await
            .map_err(|_| HttpGetError::TimedOut {
                pod: pod.to_owned(),
                port,
                path: path.clone(),
            })?
    }
}

async fn status(stream: PortForward, request: http::Request<Empty<Bytes>>) -> Result<u16, hyper::Error> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // hyper reads and writes in a future of its own, which ends with this request.
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    Ok(sender.send_request(request).await?.status().as_u16())
}
