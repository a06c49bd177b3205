//! Which database is meant.

use std::io::{self, Write};

use checks::profiles::{ProfileChoiceError, resolve};
use cli::Output;
use cluster::{ApiError, Cluster};
use helm::{Storage, StorageError, StoredRelease};
use model::{
    BackupRelease, DatabaseLocation, DatabaseRoute, Profile, Secret, Workload, WorkloadKind, WorkloadName,
};
use postgres_room::{
    Candidate, ConnectionStringError, CredentialError, Credentials, FindError, Named, NamedError, at_address,
    credentials, credentials_given, find, password_in,
};
use thiserror::Error;

use super::arguments::TargetFlags;
use crate::session::Session;

/// A database, how to log in, and whose it is.
pub(crate) struct Target {
    pub(crate) location: DatabaseLocation,
    pub(crate) credentials: Credentials,
    pub(crate) release: Option<BackupRelease>,
    /// What is particular to the application.
    pub(crate) profile: Profile,
    /// The workloads that were looked through: the release's, or the one that was named.
    pub(crate) workloads: Vec<Workload>,
}

/// Why no database is meant.
#[derive(Debug, Error)]
pub(crate) enum TargetError {
    #[error("nothing says which database: name a release or a workload, or use --dsn, --secret or --pod")]
    Nothing,
    #[error("failed to understand the target")]
    Named(#[source] NamedError),
    #[error("{0} not found in namespace {1}")]
    UnknownWorkload(WorkloadName, String),
    #[error("failed to read the address of the database from standard input")]
    StandardInput(#[source] std::io::Error),
    #[error("failed to read the address of the database from standard input")]
    Address(#[source] ConnectionStringError),
    #[error("release {release} not found in namespace {namespace}: `helm list -A` names those there are")]
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
        "no database found: nothing in the workloads of {target} names one; use --dsn, --secret or --pod"
    )]
    NoDatabase { target: String },
    #[error(
        "{target} uses several databases; choose one with --database-env VARIABLE or --database NAME: {}",
        named.join("; ")
    )]
    Several { target: String, named: Vec<String> },
    #[error("failed to read the credentials of the database")]
    Credentials(#[source] CredentialError),
}

/// Finds the database that the flags mean, and says what was found and why.
pub(crate) async fn target(
    session: &Session,
    flags: &TargetFlags,
    release: Option<&str>,
) -> Result<Target, TargetError> {
    let found = find_target(session, flags, release, None).await?;
    // Whoever cannot be told is not kept from the act.
    let _ = session.output.talk(|err, _| told(err, &found.location));
    Ok(found)
}

/// The same for all databases of a server: any of them leads there.
pub(crate) async fn target_server(session: &Session, flags: &TargetFlags) -> Result<Target, TargetError> {
    let found = find_target(session, flags, flags.release.as_deref(), Some(MAINTENANCE)).await?;
    let _ = session.output.talk(|err, _| told(err, &found.location));
    Ok(found)
}

/// The database that every server has.
const MAINTENANCE: &str = "postgres";

async fn find_target(
    session: &Session,
    flags: &TargetFlags,
    release: Option<&str>,
    database: Option<&str>,
) -> Result<Target, TargetError> {
    let Session {
        cluster, namespace, ..
    } = session;
    let mut options = flags.database.options();
    if options.dsn.as_deref() == Some("-") {
        options.dsn = None;
        options.private_dsn = Some(from_standard_input()?);
    }
    let by_address = options.dsn.is_some() || options.private_dsn.is_some() || options.secret.is_some();
    options.database = database.or(flags.name.as_deref()).map(str::to_owned);
    let named = match (&flags.pod, release) {
        (Some(pod), _) => Some(format!("pod/{pod}").parse().map_err(TargetError::Named)?),
        (None, Some(text)) => Some(text.parse().map_err(TargetError::Named)?),
        (None, None) if by_address => None,
        (None, None) => return Err(TargetError::Nothing),
    };
    let (stored, workloads) = match &named {
        Some(Named::Release(release)) => seen(cluster, namespace, release).await?,
        Some(Named::Workload(kind, name)) => (None, vec![workload(cluster, *kind, namespace, name).await?]),
        Some(Named::Pod(..) | Named::Service(_) | Named::Operator(..)) | None => (None, Vec::new()),
    };
    options.named = named;
    let choice = flags.profile.choice();
    let charts: Vec<&str> = stored
        .iter()
        .map(|stored| stored.release.chart.name.as_str())
        .collect();
    let known_images = images(&workloads);
    let images: Vec<&str> = known_images.iter().map(String::as_str).collect();
    let profile = resolve(&choice, &charts, &images)
        .map_err(TargetError::Profile)?
        .profile;
    let mut candidates = find(cluster, namespace, &workloads, &profile, &options)
        .await
        .map_err(TargetError::Find)?;
    let name = || match flags.pod.as_deref().or(release) {
        Some(name) => name.to_owned(),
        None => "what was named".to_owned(),
    };
    if candidates.len() > 1 {
        return Err(TargetError::Several {
            target: name(),
            named: candidates.iter().map(words).collect(),
        });
    }
    let Some(Candidate { location, .. }) = candidates.pop() else {
        return Err(TargetError::NoDatabase { target: name() });
    };
    let credentials = match &options.private_dsn {
        Some(dsn) => Credentials {
            user: location.user.clone(),
            password: password_in(dsn).map_err(TargetError::Address)?,
        },
        None => credentials(cluster, &location)
            .await
            .map_err(TargetError::Credentials)?,
    };
    let release = stored.map(|stored| BackupRelease {
        name: stored.release.name,
        revision: stored.release.revision,
        images: known_images,
    });
    Ok(Target {
        location,
        credentials,
        release,
        profile,
        workloads,
    })
}

/// The database at the address that the flags give, without a cluster.
pub(crate) fn target_at_address(output: &Output, flags: &TargetFlags) -> Result<Target, TargetError> {
    let mut options = flags.database.options();
    if options.dsn.as_deref() == Some("-") {
        options.dsn = None;
        options.private_dsn = Some(from_standard_input()?);
    }
    options.database.clone_from(&flags.name);
    let location = at_address(&options)
        .map_err(TargetError::Find)?
        .ok_or(TargetError::Nothing)?;
    let credentials = match &options.private_dsn {
        Some(dsn) => Credentials {
            user: location.user.clone(),
            password: password_in(dsn).map_err(TargetError::Address)?,
        },
        None => credentials_given(&location).map_err(TargetError::Credentials)?,
    };
    let choice = flags.profile.choice();
    let profile = resolve(&choice, &[], &[]).map_err(TargetError::Profile)?.profile;
    // Whoever cannot be told is not kept from the act.
    let _ = output.talk(|err, _| told(err, &location));
    Ok(Target {
        location,
        credentials,
        release: None,
        profile,
        workloads: Vec::new(),
    })
}

/// The first line of standard input, which only we can read.
fn from_standard_input() -> Result<Secret, TargetError> {
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(TargetError::StandardInput)?;
    Ok(Secret::new(line.trim()))
}

async fn workload(
    cluster: &Cluster,
    kind: WorkloadKind,
    namespace: &str,
    name: &str,
) -> Result<Workload, TargetError> {
    let named = WorkloadName {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let found = cluster.workload(&named).await.map_err(TargetError::Workloads)?;
    found.ok_or_else(|| TargetError::UnknownWorkload(named, namespace.to_owned()))
}

/// What was found and where it was read, a line each.
fn told(err: &mut dyn Write, location: &DatabaseLocation) -> io::Result<()> {
    let DatabaseLocation {
        host,
        port,
        database,
        user,
        sslmode: _,
        origin,
        route,
    } = location;
    writeln!(err, "database  {}", database.escape_debug())?;
    writeln!(err, "user      {}", user.escape_debug())?;
    writeln!(err, "read in   {}", origin.found_in)?;
    match route {
        DatabaseRoute::Pod {
            namespace,
            pod,
            container,
            port,
            workload,
        } => {
            let owner = workload
                .as_ref()
                .map(|owner| format!(" of {owner}"))
                .unwrap_or_default();
            writeln!(
                err,
                "server    pod {pod}, container {container}, port {port}{owner}, namespace {namespace} (host {host})"
            )
        }
        DatabaseRoute::Direct => writeln!(err, "server    {host}, port {port}, outside the cluster"),
    }
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
