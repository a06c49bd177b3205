//! Looking for the databases that a release uses.

use cluster::Cluster;
use model::{DatabaseLocation, Profile, Workload};

use super::{ConnectionStringError, CredentialError};

/// A key of a Secret, as `--secret NAME/KEY` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretKey {
    /// The Secret's name, in the release's namespace.
    pub name: String,
    /// The key that holds a connection string.
    pub key: String,
}

/// What the user says about the database instead of leaving it to be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindOptions {
    /// `--dsn`: an address without a password; the password is taken from `PGPASSWORD`.
    pub dsn: Option<String>,
    /// `--secret`: a Secret's key that holds a connection string.
    pub secret: Option<SecretKey>,
    /// The variable to use where several hold different databases.
    pub env: Option<String>,
}

/// A database that the release seems to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is and how its credentials are read again.
    pub location: DatabaseLocation,
    /// Every place that names it, for the user: `Deployment web, container web, env DATABASE_URL …`.
    pub named_in: Vec<String>,
}

/// Why no database could be named.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// An object of the cluster could not be read.
    #[error("failed to read {object}")]
    Read {
        /// The object.
        object: String,
        /// The API server's answer.
        #[source]
        source: Box<kube::Error>,
    },
}

/// Finds the databases that the workloads use, most likely first, each once.
///
/// # Errors
/// See [`FindError`]; nothing found is an empty list.
pub async fn find(
    cluster: &Cluster,
    namespace: &str,
    workloads: &[Workload],
    profile: &Profile,
    options: &FindOptions,
) -> Result<Vec<Candidate>, FindError> {
    todo!()
}
