//! Which database is meant.

use checks::profiles::{ProfileChoice, ProfileChoiceError, resolve};
use cluster::{ApiError, Cluster};
use helm::{Storage, StorageError, StoredRelease};
use model::{BackupRelease, DatabaseLocation, Workload};
use postgres_room::{Candidate, CredentialError, Credentials, FindError, credentials, find};
use thiserror::Error;

use super::arguments::TargetFlags;
use crate::session::Session;

/// A database, how to log in, and whose it is.
pub(crate) struct Target {
    pub(crate) location: DatabaseLocation,
    pub(crate) credentials: Credentials,
    pub(crate) release: Option<BackupRelease>,
}

/// Why no database is meant.
#[derive(Debug, Error)]
pub(crate) enum TargetError {
    #[error("nothing says which database: name a release, or use --dsn or --secret")]
    Nothing,
    #[error("release {release} not found in namespace {namespace}")]
    UnknownRelease { release: String, namespace: String },
    #[error("failed to read the release")]
    Records(#[source] StorageError),
    #[error("failed to read the workloads of the release")]
    Workloads(#[source] ApiError),
    #[error("failed to settle the profile")]
    Profile(#[source] ProfileChoiceError),
    #[error("failed to find the database")]
    Find(#[source] FindError),
    #[error(
        "no database found: nothing in the workloads of release {release} names one; use --dsn or --secret"
    )]
    NoDatabase { release: String },
    #[error("release {release} uses several databases; choose one with --database-env: {}", named.join("; "))]
    Several { release: String, named: Vec<String> },
    #[error("failed to read the credentials of the database")]
    Credentials(#[source] CredentialError),
}

/// Finds the database that the flags mean.
pub(crate) async fn target(
    session: &Session,
    flags: &TargetFlags,
    release: Option<&str>,
) -> Result<Target, TargetError> {
    let Session {
        cluster, namespace, ..
    } = session;
    let options = flags.database.options();
    let named = options.dsn.is_some() || options.secret.is_some();
    let (stored, workloads) = match release {
        Some(release) => seen(cluster, namespace, release).await?,
        None if named => (None, Vec::new()),
        None => return Err(TargetError::Nothing),
    };
    let choice = flags
        .profile
        .as_deref()
        .map_or(ProfileChoice::Matching, ProfileChoice::from_argument);
    let charts: Vec<&str> = stored
        .iter()
        .map(|stored| stored.release.chart.name.as_str())
        .collect();
    let images = images(&workloads);
    let images: Vec<&str> = images.iter().map(String::as_str).collect();
    let profile = resolve(&choice, &charts, &images)
        .map_err(TargetError::Profile)?
        .profile;
    let mut candidates = find(cluster, namespace, &workloads, &profile, &options)
        .await
        .map_err(TargetError::Find)?;
    let name = || release.unwrap_or_default().to_owned();
    if candidates.len() > 1 {
        return Err(TargetError::Several {
            release: name(),
            named: candidates.iter().map(words).collect(),
        });
    }
    let Some(Candidate { location, .. }) = candidates.pop() else {
        return Err(TargetError::NoDatabase { release: name() });
    };
    let credentials = credentials(cluster, &location)
        .await
        .map_err(TargetError::Credentials)?;
    let release = stored.map(|stored| BackupRelease {
        name: stored.release.name,
        revision: stored.release.revision,
        images: images.into_iter().map(str::to_owned).collect(),
    });
    Ok(Target {
        location,
        credentials,
        release,
    })
}

async fn seen(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<(Option<StoredRelease>, Vec<Workload>), TargetError> {
    let storage = Storage::open(cluster, namespace).map_err(TargetError::Records)?;
    let (stored, workloads) = tokio::join!(
        storage.latest(release),
        cluster.workloads_of_release(namespace, release)
    );
    let stored = stored.map_err(TargetError::Records)?;
    if stored.is_none() {
        return Err(TargetError::UnknownRelease {
            release: release.to_owned(),
            namespace: namespace.to_owned(),
        });
    }
    Ok((stored, workloads.map_err(TargetError::Workloads)?))
}

/// Every image that the workloads run, once.
fn images(workloads: &[Workload]) -> Vec<String> {
    let mut images: Vec<String> = workloads
        .iter()
        .flat_map(|workload| &workload.containers)
        .map(|container| container.image.clone())
        .collect();
    images.sort();
    images.dedup();
    images
}

fn words(candidate: &Candidate) -> String {
    let DatabaseLocation { database, host, .. } = &candidate.location;
    let named_in = candidate.named_in.first().map_or("", String::as_str);
    format!("{database} on {host} ({named_in})")
}
