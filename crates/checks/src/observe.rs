//! Gathering facts, once and in parallel. Nothing else in the house looks for itself.

use cluster::Cluster;
use model::{Observation, Profile};
use postgres_room::{Connector, Credentials, FindOptions};
use thiserror::Error;

use crate::profiles::{ProfileChoice, ProfileChoiceError};

/// What to look at.
#[derive(Debug, Clone)]
pub struct ObserveRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The release's namespace.
    pub namespace: String,
    /// The release's name.
    pub release: String,
    /// What the user said about the profile.
    pub profile: ProfileChoice,
    /// What the user said about the database.
    pub database: FindOptions,
    /// Where backups are looked for: a URI or a folder; `None` looks nowhere.
    pub store: Option<String>,
}

/// What was seen, with what may never be written down beside it.
pub struct Observed {
    /// The facts.
    pub observation: Observation,
    /// The profile in force.
    pub profile: Profile,
    /// Why it is in force.
    pub profile_reason: String,
    /// The database's credentials, where it was found and they could be read.
    pub credentials: Option<Credentials>,
    /// Opens further sessions on the database, where it answered.
    pub connector: Option<Connector>,
}

/// Why nothing could be observed at all.
#[derive(Debug, Error)]
pub enum ObserveError {
    /// There is no such release.
    #[error("release {release} not found in namespace {namespace}")]
    UnknownRelease {
        /// Its name.
        release: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// The profile asked for cannot be had.
    #[error("failed to settle the profile")]
    Profile(#[source] ProfileChoiceError),
    /// The API server does not answer.
    #[error("failed to talk to the cluster")]
    Cluster(#[source] cluster::ApiError),
}

/// Gathers every fact about a release, once, in parallel.
///
/// What cannot be read becomes `Unreadable` with the reason and ends nothing.
///
/// # Errors
/// See [`ObserveError`].
pub async fn observe(request: &ObserveRequest) -> Result<Observed, ObserveError> {
    let _ = request;
    todo!()
}
