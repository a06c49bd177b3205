//! From kubectl's flags to a client that has spoken with its API server.

mod cluster;
mod error;
mod kubeconfig;
mod options;
mod patience;

pub use cluster::{CONNECT_TIMEOUT, Cluster, RESPONSE_TIMEOUT, install_crypto_provider};
pub use error::ConnectError;
pub use options::ConnectOptions;
