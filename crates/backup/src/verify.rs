//! The restore test: a backup is restored into a throw-away server and compared with its manifest.

mod pod;

use std::time::{Duration, Instant};

use cluster::{Cluster, WaitError};
use jiff::Timestamp;
use model::{API_VERSION, CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute, Verification};
use postgres_room::{ConnectError, Credentials, QueryError};
use thiserror::Error;

use crate::compare::{Comparison, Content, LookError, compare};
use crate::fill::{Owners, fill};
use crate::script::{self, last_words};
use crate::settings::{SETTINGS, Settings};
use crate::{Backup, FillError, Progress, ReachError, RunError, Server, StoreError};

use pod::ThrowAwayPod;

/// The database that is filled on the throw-away server.
const DATABASE: &str = "verify";

/// Where the throw-away server may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyRequest {
    /// The namespace of the pod.
    pub namespace: String,
    /// The image: that of the server the backup came from, or one of the same major version.
    pub image: String,
    /// The user id that the image's servers run under; see [`VerifyRequest::like`].
    pub user: i64,
    /// How long all of it may take; the pod ends itself after that, whatever happens to us.
    pub deadline: Duration,
}

/// Why a restore test could not be done; it then says nothing about the backup.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The pod of the server in use cannot be read, so its image is not known.
    #[error("failed to read the image of pod {pod}")]
    Image {
        /// The pod.
        pod: String,
        /// Why not.
        #[source]
        source: cluster::RequestError,
    },
    /// There is no pod whose image could be used.
    #[error("no image is known for the restore test: name one")]
    NoImage,
    /// Pods may not be made.
    #[error(
        "you may not create pods in namespace {namespace}, which a restore test needs (verb create, resource pods)"
    )]
    Forbidden {
        /// The namespace.
        namespace: String,
    },
    /// The pod could not be made.
    #[error("failed to create a pod for the restore test in namespace {namespace}")]
    Create {
        /// The namespace.
        namespace: String,
        /// Why not.
        #[source]
        source: cluster::RequestError,
    },
    /// The pod did not come up.
    #[error("the throw-away server did not start")]
    Start(#[source] WaitError),
    /// It took too long.
    #[error("the restore test was not done within {0:?}")]
    Deadline(Duration),
    /// Somebody no longer wanted it.
    #[error("the restore test was interrupted; the throw-away server is gone")]
    Interrupted,
    /// The server in the pod cannot be used.
    #[error("failed to use the throw-away server")]
    Reach(#[from] ReachError),
    /// A command could not be run in the pod.
    #[error("failed to prepare the throw-away server")]
    Run(#[from] RunError),
    /// The empty database could not be made.
    #[error("failed to prepare the throw-away server: {0}")]
    Prepare(String),
    /// The dump could not be restored.
    #[error("failed to restore the backup into the throw-away server")]
    Fill(#[from] FillError),
    /// No session.
    #[error("failed to look into the restored database")]
    Connect(#[from] ConnectError),
    /// A question was not answered.
    #[error("failed to look into the restored database")]
    Query(#[from] QueryError),
    /// The result could not be kept.
    #[error("failed to keep the result of the restore test")]
    Store(#[from] StoreError),
}

impl From<LookError> for VerifyError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Connect(error) => Self::Connect(error),
            LookError::Query(error) => Self::Query(error),
        }
    }
}

impl VerifyRequest {
    /// In the image and under the user of a server in use.
    ///
    /// # Errors
    /// When the server does not run in a pod that can be read.
    pub async fn like(
        cluster: &Cluster,
        location: &DatabaseLocation,
        deadline: Duration,
    ) -> Result<Self, VerifyError> {
        pod::request_like(cluster, location, deadline).await
    }
}

/// Restores a backup into a throw-away server and compares. What differs stands in the result, which is also written
/// beside the manifest; the pod is deleted whatever happens.
///
/// # Errors
/// See [`VerifyError`]; a forbidden pod says so plainly.
pub async fn verify(
    cluster: &Cluster,
    backup: &Backup,
    request: &VerifyRequest,
    progress: Progress<'_>,
) -> Result<Verification, VerifyError> {
    verify_until(cluster, backup, request, progress, std::future::pending()).await
}

/// Like [`verify`], and gives up when `interrupted` ends; the pod is deleted then, too.
///
/// # Errors
/// As there, and [`VerifyError::Interrupted`].
pub async fn verify_until(
    cluster: &Cluster,
    backup: &Backup,
    request: &VerifyRequest,
    progress: Progress<'_>,
    interrupted: impl Future<Output = ()>,
) -> Result<Verification, VerifyError> {
    let settings = read_settings(backup).await?;
    progress(
        &format!(
            "starting a throw-away server ({}) in {}",
            request.image, request.namespace
        ),
        None,
    );
    let pod = ThrowAwayPod::create(cluster, request, settings.as_ref()).await?;
    let tested = tokio::time::timeout(
        request.deadline,
        test(cluster, backup, request, &pod, settings.as_ref(), progress),
    );
    let tested = tokio::select! {
        tested = tested => tested.unwrap_or(Err(VerifyError::Deadline(request.deadline))),
        () = interrupted => Err(VerifyError::Interrupted),
    };
    progress("deleting the throw-away server", None);
    pod.delete().await;
    let (comparison, seconds) = tested?;
    let now = Timestamp::now();
    let verification = Verification {
        api_version: API_VERSION.into(),
        kind: "BackupVerification".into(),
        id: backup.id.to_string(),
        verified_at: now.to_string(),
        compared: comparison.compared,
        differences: comparison.differences,
        restore_seconds: seconds,
        restored_bytes: None,
        restored_in: None,
    };
    backup.publish_verification(&verification, now).await?;
    Ok(verification)
}

async fn test(
    cluster: &Cluster,
    backup: &Backup,
    request: &VerifyRequest,
    pod: &ThrowAwayPod,
    settings: Option<&Settings>,
    progress: Progress<'_>,
) -> Result<(Comparison, f64), VerifyError> {
    pod.wait_ready(request.deadline).await?;
    let server = reach(cluster, pod, backup).await?;
    prepare(&server, settings, backup).await?;
    progress("restoring", None);
    let begun = Instant::now();
    fill(&server, backup, DATABASE, Owners::Keep).await?;
    let seconds = begun.elapsed().as_secs_f64();
    progress("comparing", None);
    let content = Content::look(&server.connector, DATABASE).await?;
    let mut comparison = compare(&backup.manifest, &content);
    comparison.compared.insert(0, "hash and size of the dump".into());
    Ok((comparison, seconds))
}

async fn reach(cluster: &Cluster, pod: &ThrowAwayPod, backup: &Backup) -> Result<Server, ReachError> {
    let location = DatabaseLocation {
        host: "127.0.0.1".into(),
        port: 5432,
        database: DATABASE.into(),
        user: "postgres".into(),
        sslmode: Some("disable".into()),
        origin: DatabaseOrigin {
            found_in: "the restore test".into(),
            secret: None,
            source: CredentialSource::Given,
        },
        route: DatabaseRoute::Pod {
            namespace: pod.namespace().to_owned(),
            pod: pod.name().to_owned(),
            container: pod::CONTAINER.into(),
            port: 5432,
            workload: None,
        },
    };
    let credentials = Credentials {
        user: "postgres".into(),
        password: None,
    };
    Server::reach(Some(cluster), &location, &credentials, backup.id.as_str()).await
}

/// Roles that the archive speaks of, without any right to log in, and an empty database.
async fn prepare(server: &Server, settings: Option<&Settings>, backup: &Backup) -> Result<(), VerifyError> {
    let roles = settings.map_or(&backup.manifest.owners, |settings| &settings.roles);
    let roles = serde_json::Value::from(roles.clone()).to_string();
    let mut said = tokio::io::sink();
    let end = server
        .run(
            script::CREATE_EMPTY,
            "postgres",
            "prepare",
            &[DATABASE, &roles],
            |feed| feed,
            &mut said,
        )
        .await?;
    if end.exit_code == 0 {
        Ok(())
    } else {
        Err(VerifyError::Prepare(last_words(&end.stderr_tail)))
    }
}

async fn read_settings(backup: &Backup) -> Result<Option<Settings>, VerifyError> {
    if !backup.manifest.files.iter().any(|file| file.name == SETTINGS) {
        return Ok(None);
    }
    let text = backup.read_small(SETTINGS).await?;
    let settings = serde_json::from_slice(&text).map_err(std::io::Error::from);
    Ok(Some(
        settings.map_err(StoreError::io_at("read", backup.file_uri(SETTINGS)))?,
    ))
}
