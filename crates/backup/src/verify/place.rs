//! Where a throw-away server is made: a pod in a cluster, or this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::Cluster;
use model::{BackupManifest, CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute};
use postgres_room::Credentials;

use super::app::{AppRequest, AppServer};
use super::local::{LocalServer, find_programs};
use super::pod::{PodServer, VerifyRequest};
use super::{ADMINISTRATOR, DATABASE, VerifyError};
use crate::settings::Settings;
use crate::{ReachError, Server};

/// Where the throw-away server is made.
pub enum VerifyPlace {
    /// In a pod.
    Pod(Cluster, VerifyRequest),
    /// In a pod with the application, which is booted on the copy.
    WithApp(Cluster, VerifyRequest, Box<AppRequest>),
    /// On this machine.
    Local(LocalPlace),
}

/// Programs of a server on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPlace {
    pub(super) programs: PathBuf,
    /// Where its folder is made; the system's temporary folder where nothing is said.
    pub(super) scratch: Option<PathBuf>,
    major: i32,
    deadline: Duration,
}

impl LocalPlace {
    /// Programs of the major version that the backup's server had: in the folder that is given, or where systems keep them.
    ///
    /// # Errors
    /// When there are none.
    pub async fn find(
        manifest: &BackupManifest,
        programs: Option<&Path>,
        deadline: Duration,
    ) -> Result<Self, VerifyError> {
        let major = manifest.server.version_num / 10_000;
        Ok(Self {
            programs: find_programs(major, programs).await?,
            scratch: None,
            major,
            deadline,
        })
    }

    /// The same with the database in a folder that is made there: it needs the room.
    #[must_use]
    pub fn in_folder(mut self, scratch: Option<&Path>) -> Self {
        self.scratch = scratch.map(Path::to_owned);
        self
    }
}

impl VerifyPlace {
    /// How long all of it may take.
    pub(super) fn deadline(&self) -> Duration {
        match self {
            Self::Pod(_, request) | Self::WithApp(_, request, _) => request.deadline,
            Self::Local(place) => place.deadline,
        }
    }
}

impl fmt::Display for VerifyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(_, request) => write!(f, "{} in namespace {}", request.image, request.namespace),
            Self::WithApp(_, request, app) => write!(f, "{} in namespace {}", request.image, app.namespace()),
            Self::Local(place) => write!(f, "PostgreSQL {} on this machine", place.major),
        }
    }
}

/// How a server compares texts, and what it loads when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Locale {
    pub(super) encoding: String,
    pub(super) collate: String,
    pub(super) character_classes: String,
    pub(super) preload: String,
}

impl Locale {
    /// As the settings of the database say; without them as bytes.
    pub(super) fn of(settings: Option<&Settings>) -> Self {
        let value = |of: fn(&Settings) -> &String, otherwise: &str| {
            settings.map_or(otherwise.to_owned(), |settings| of(settings).clone())
        };
        Self {
            encoding: value(|settings| &settings.encoding, "UTF8"),
            collate: value(|settings| &settings.collate, "C"),
            character_classes: value(|settings| &settings.character_classes, "C"),
            preload: value(|settings| &settings.preload, ""),
        }
    }

    /// In the order in which the scripts take them.
    pub(super) fn arguments(&self) -> [String; 4] {
        [
            &self.encoding,
            &self.collate,
            &self.character_classes,
            &self.preload,
        ]
        .map(Clone::clone)
    }
}

/// What a restored database needs beside one and a half of its own size, in bytes: the system's databases, and the log.
const BESIDE: u64 = 1 << 30;

/// The room that a throw-away server needs, in bytes. A restored database is rarely larger than it was; indexes are sorted
/// on disk while they are built.
fn room(manifest: &BackupManifest) -> u64 {
    let bytes = u64::try_from(manifest.database_bytes).unwrap_or(0);
    bytes.saturating_add(bytes / 2).saturating_add(BESIDE)
}

/// Where a throw-away server's database is.
pub(super) fn location(host: &str, port: u16, route: DatabaseRoute) -> DatabaseLocation {
    DatabaseLocation {
        host: host.to_owned(),
        port,
        database: DATABASE.into(),
        user: ADMINISTRATOR.into(),
        sslmode: Some("disable".into()),
        origin: DatabaseOrigin {
            found_in: "the restore test".into(),
            secret: None,
            source: CredentialSource::Given,
        },
        route,
    }
}

/// Who may do everything there, without a password: nobody else can connect.
pub(super) fn credentials() -> Credentials {
    Credentials {
        user: ADMINISTRATOR.into(),
        password: None,
    }
}

/// A throw-away server. However it is dropped, it goes.
pub(super) enum ThrowAway {
    Pod(Box<PodServer>),
    App(Box<AppServer>),
    Local(Box<LocalServer>),
}

impl ThrowAway {
    /// Begins to make one; it is not up yet.
    pub(super) async fn begin(
        place: &VerifyPlace,
        locale: &Locale,
        manifest: &BackupManifest,
    ) -> Result<Self, VerifyError> {
        let room = room(manifest);
        match place {
            VerifyPlace::Pod(cluster, request) => {
                let server = PodServer::begin(cluster, request, locale, room).await?;
                Ok(Self::Pod(Box::new(server)))
            }
            VerifyPlace::WithApp(cluster, request, app) => {
                let server = AppServer::begin(cluster, request, app, locale, room, manifest).await?;
                Ok(Self::App(Box::new(server)))
            }
            VerifyPlace::Local(place) => {
                let server = LocalServer::begin(place, locale, room)?;
                Ok(Self::Local(Box::new(server)))
            }
        }
    }

    /// Waits until it is up; tells in words what it lacks.
    pub(super) async fn up(&mut self) -> Result<Vec<String>, VerifyError> {
        match self {
            Self::Pod(server) => {
                server.up().await?;
                Ok(Vec::new())
            }
            Self::App(server) => {
                server.up().await?;
                Ok(Vec::new())
            }
            Self::Local(server) => server.up().await,
        }
    }

    /// The server and its client programs.
    pub(super) async fn reach(&self, id: &str) -> Result<Server, ReachError> {
        match self {
            Self::Pod(server) => server.reach(id).await,
            Self::App(server) => server.reach(id).await,
            Self::Local(server) => server.reach(id).await,
        }
    }

    /// Takes it away and waits until it is gone.
    pub(super) async fn delete(self) {
        match self {
            Self::Pod(server) => server.delete().await,
            Self::App(server) => server.delete().await,
            Self::Local(server) => server.delete().await,
        }
    }
}
