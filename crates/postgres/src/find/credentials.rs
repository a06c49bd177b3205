//! Reading credentials again.

use cluster::Cluster;
use model::DatabaseLocation;

use crate::Credentials;

/// Why the credentials of a known location could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The user gave the address and no password was said.
    #[error("x")]
    X,
}

/// Reads the credentials of a location with the caller's rights.
///
/// # Errors
/// See [`CredentialError`].
pub async fn credentials(
    cluster: &Cluster,
    location: &DatabaseLocation,
) -> Result<Credentials, CredentialError> {
    todo!()
}
