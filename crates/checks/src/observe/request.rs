//! What to look at, and what comes back.

use std::path::PathBuf;

use cluster::{ApiError, Cluster};
use helm::StoredRelease;
use model::{Observation, Profile};
use postgres_room::{Connector, Credentials, FindOptions};
use thiserror::Error;

use crate::path::PathChoiceError;
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
    /// The user's own upgrade path: a file, or `URL@sha256:…`.
    pub path_file: Option<String>,
    /// What the user said about the database.
    pub database: FindOptions,
    /// The folder or URI where backups are looked for; `None` looks nowhere.
    pub store: Option<String>,
}

/// What was seen, with what may never be written down beside it. Has no `Debug`: the stored release holds values.
pub struct Observed {
    /// The facts.
    pub observation: Observation,
    /// The profile in force.
    pub profile: Profile,
    /// Why it is in force, for the user.
    pub profile_reason: String,
    /// Helm's record of the newest revision, where it could be read.
    pub stored: Option<StoredRelease>,
    /// The database's credentials, where they could be read.
    pub credentials: Option<Credentials>,
    /// Opens further sessions on the database, where it has credentials.
    pub connector: Option<Connector>,
}

/// Why nothing could be observed at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ObserveError {
    /// There is no such release.
    #[error("release {release} not found in namespace {namespace}: `helm list -A` names those there are")]
    UnknownRelease {
        /// Its name.
        release: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// The profile asked for cannot be had.
    #[error("failed to settle the profile")]
    Profile(#[source] ProfileChoiceError),
    /// The upgrade path asked for cannot be had.
    #[error("failed to settle the upgrade path")]
    Path(#[source] PathChoiceError),
    /// The API server does not answer.
    #[error("failed to talk to the cluster of context {context}")]
    Cluster {
        /// The context.
        context: String,
        /// What happened on the way there.
        #[source]
        source: ApiError,
    },
    /// The chart of the target could not be pinned or rendered.
    #[error("failed to render the target")]
    Target(#[source] helm::HelmError),
    /// No folder for the pinned chart.
    #[error("failed to make a folder for the chart in {}", path.display())]
    Folder {
        /// Where it was to be.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
