//! Why no cluster could be reached.

use kube::config::InClusterError;
use thiserror::Error;

use crate::RequestError;

/// Why no cluster could be reached. Each names the place and what can be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No kubeconfig and not inside a cluster.
    #[error(
        "no kubeconfig found in {looked_in}: give --kubeconfig, set KUBECONFIG or log in to a cluster first"
    )]
    NoKubeconfig {
        /// Where it was looked for.
        looked_in: String,
    },
    /// A kubeconfig, or a file it names, cannot be read or understood.
    #[error("kubeconfig {place} cannot be used: {reason}")]
    Kubeconfig {
        /// The file or files.
        place: String,
        /// Why. No text of the file stands in it: that may be a token.
        reason: String,
    },
    /// The kubeconfig has no current context.
    #[error("kubeconfig {place} has no current context: choose one with --context ({known})")]
    NoContext {
        /// The file or files.
        place: String,
        /// The contexts there are.
        known: String,
    },
    /// A name that the kubeconfig does not have.
    #[error("kubeconfig {place} has no {kind} {name}: choose another with --{kind} ({known})")]
    UnknownName {
        /// `context`, `cluster` or `user`, as the flag is called.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The file or files.
        place: String,
        /// The names there are.
        known: String,
    },
    /// The pod's own service account cannot be used.
    #[error("the pod's service account cannot be used")]
    InCluster(#[source] InClusterError),
    /// The credentials could not be got: a login plugin is missing or failed, a token or key file is unreadable.
    #[error("no credentials for context {context}: {remedy}")]
    Credentials {
        /// The context.
        context: String,
        /// What can be done.
        remedy: String,
        /// Why.
        #[source]
        source: RequestError,
    },
    /// Nobody answers, or not in time.
    #[error(
        "the API server {server} of context {context} does not answer: is the cluster up and the network to it there?"
    )]
    Unreachable {
        /// Its address.
        server: String,
        /// The context.
        context: String,
        /// How it did not answer.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its certificate is not trusted.
    #[error(
        "the certificate of the API server {server} of context {context} is not trusted: \
         give its authority with --certificate-authority, or its name with --tls-server-name"
    )]
    Untrusted {
        /// Its address.
        server: String,
        /// The context.
        context: String,
        /// Why.
        #[source]
        source: RequestError,
    },
    /// It does not know us (any more).
    #[error(
        "the API server {server} refuses the credentials of context {context}: they may have expired; log in again"
    )]
    Refused {
        /// Its address.
        server: String,
        /// The context.
        context: String,
        /// Its words.
        #[source]
        source: RequestError,
    },
    /// What answers is no API server.
    #[error(
        "what answers at {server} of context {context} is no Kubernetes API server ({said}): check its address"
    )]
    NotKubernetes {
        /// Its address.
        server: String,
        /// The context.
        context: String,
        /// What it said.
        said: String,
    },
    /// The client cannot be built from the configuration.
    #[error("the configuration of context {context} cannot be used")]
    Configuration {
        /// The context.
        context: String,
        /// Why.
        #[source]
        source: RequestError,
    },
}
