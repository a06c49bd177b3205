//! What it takes to open a connection, and how a session is set up.

use std::fmt;
use std::time::Duration;

use cluster::Cluster;
use model::{DatabaseLocation, DatabaseRoute, Secret};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_postgres::tls::{MakeTlsConnect, NoTls};

use super::error::is_tls;
use super::sslmode::SslMode;
use super::tls::tls;
use super::{ConnectError, Database, QueryError};

/// How the `application_name` of our sessions begins; the id of the run or backup follows.
pub const APPLICATION_PREFIX: &str = "safe-upgrade/";

/// How long opening a session may take: name look-up, the way through the API server, TLS and the password. A server
/// that needs longer is in no state to be judged.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a statement may run unless the caller asks for more. Ours read small catalogues.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a statement may wait for a lock unless the caller asks for more: what waits makes others wait behind it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The role.
    pub user: String,
    /// Its password, where one is known.
    pub password: Option<Secret>,
}

/// How a session is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// The database; `None` is the location's own.
    pub database: Option<String>,
    /// Whether the session may write. Sessions are read-only unless this says otherwise.
    pub writable: bool,
    /// `statement_timeout`; zero means none.
    pub statement_timeout: Duration,
    /// `lock_timeout`; zero means none.
    pub lock_timeout: Duration,
}

impl Default for SessionOptions {
    /// Read-only on the location's own database, with a statement timeout of 5 s and a lock timeout of 2 s.
    fn default() -> Self {
        Self {
            database: None,
            writable: false,
            statement_timeout: STATEMENT_TIMEOUT,
            lock_timeout: LOCK_TIMEOUT,
        }
    }
}

impl SessionOptions {
    /// The same on another database of the server.
    #[must_use]
    pub fn on(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }
}

/// Everything needed to open connections to one server, again and again.
#[derive(Clone)]
pub struct Connector {
    cluster: Option<Cluster>,
    location: DatabaseLocation,
    credentials: Credentials,
    id: String,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("location", &self.location)
            .field("credentials", &self.credentials)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Connector {
    /// A connector that follows the location's route. `id` is the run's or backup's id, for `application_name`.
    pub fn new(cluster: &Cluster, location: &DatabaseLocation, credentials: &Credentials, id: &str) -> Self {
        Self {
            cluster: Some(cluster.clone()),
            ..Self::direct(location, credentials, id)
        }
    }

    /// A connector for a server that is reached by address, without a cluster.
    pub fn direct(location: &DatabaseLocation, credentials: &Credentials, id: &str) -> Self {
        Self {
            cluster: None,
            location: location.clone(),
            credentials: credentials.clone(),
            id: id.to_owned(),
        }
    }

    /// The same for another database of the server, on behalf of another run or backup.
    #[must_use]
    pub fn on(&self, database: &str, id: &str) -> Self {
        let mut other = self.clone();
        database.clone_into(&mut other.location.database);
        id.clone_into(&mut other.id);
        other
    }

    /// The same as another role, which needs no password.
    #[must_use]
    pub fn as_role(&self, user: &str) -> Self {
        Self {
            credentials: Credentials {
                user: user.to_owned(),
                password: None,
            },
            ..self.clone()
        }
    }

    /// Where it connects to.
    pub fn location(&self) -> &DatabaseLocation {
        &self.location
    }

    /// The cluster, where the connector has one.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// The `application_name` of its sessions.
    pub fn application_name(&self) -> String {
        format!("{APPLICATION_PREFIX}{}", self.id)
    }

    /// Opens a session.
    ///
    /// # Errors
    /// See [`ConnectError`]: one variant for each thing a user can do something about.
    pub async fn connect(&self, options: &SessionOptions) -> Result<Database, ConnectError> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.open(options)).await {
            Ok(result) => result,
            Err(_) => Err(ConnectError::Timeout {
                address: self.address(),
                seconds: CONNECT_TIMEOUT.as_secs(),
            }),
        }
    }

    fn address(&self) -> String {
        match &self.location.route {
            DatabaseRoute::Pod { pod, port, .. } => format!("pod {pod} port {port}"),
            DatabaseRoute::Direct => format!("{} port {}", self.location.host, self.location.port),
        }
    }

    async fn open(&self, options: &SessionOptions) -> Result<Database, ConnectError> {
        let DatabaseLocation {
            host, sslmode, route, ..
        } = &self.location;
        let mode = SslMode::on_route(sslmode.as_deref(), host, route)?;
        let database = options.database.as_deref().unwrap_or(&self.location.database);
        let client = match self.negotiate(mode, database).await {
            // As libpq does: what is only preferred must not keep us out.
            Err(ConnectError::Tls { source, .. }) if mode == SslMode::Prefer && is_tls(&source) => {
                self.negotiate(SslMode::Disable, database).await?
            }
            other => other?,
        };
        client
            .batch_execute(&set_up(options))
            .await
            .map_err(|error| ConnectError::Setup(QueryError::new("set up the session", error)))?;
        Ok(Database::new(client, self.clone(), database))
    }

    pub(super) async fn negotiate(
        &self,
        mode: SslMode,
        database: &str,
    ) -> Result<tokio_postgres::Client, ConnectError> {
        match &self.location.route {
            DatabaseRoute::Pod {
                namespace, pod, port, ..
            } => {
                let cluster = self
                    .cluster
                    .as_ref()
                    .ok_or_else(|| ConnectError::NoCluster { pod: pod.clone() })?;
                let stream = cluster
                    .port_forward(namespace, pod, *port)
                    .await
                    .map_err(|source| ConnectError::PortForward {
                        pod: pod.clone(),
                        source,
                    })?;
                self.speak(stream, mode, database).await
            }
            DatabaseRoute::Direct => self.negotiate_directly(mode, database).await,
        }
    }

    async fn negotiate_directly(
        &self,
        mode: SslMode,
        database: &str,
    ) -> Result<tokio_postgres::Client, ConnectError> {
        let DatabaseLocation { host, port, .. } = &self.location;
        let unreachable = |source| ConnectError::Unreachable {
            address: self.address(),
            source,
        };
        #[cfg(unix)]
        if host.starts_with('/') {
            let socket = format!("{host}/.s.PGSQL.{port}");
            let stream = tokio::net::UnixStream::connect(socket)
                .await
                .map_err(unreachable)?;
            return self.speak(stream, mode, database).await;
        }
        let stream = TcpStream::connect((host.as_str(), *port))
            .await
            .map_err(unreachable)?;
        // Small questions must not wait for more to come.
        stream.set_nodelay(true).map_err(unreachable)?;
        self.speak(stream, mode, database).await
    }

    async fn speak<S>(
        &self,
        stream: S,
        mode: SslMode,
        database: &str,
    ) -> Result<tokio_postgres::Client, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Credentials { user, password } = &self.credentials;
        let mut config = tokio_postgres::Config::new();
        config
            .user(user)
            .dbname(database)
            .application_name(self.application_name())
            .ssl_mode(mode.negotiation());
        if let Some(password) = password {
            config.password(password.expose());
        }
        let failed = |error| ConnectError::sort(error, &self.address(), user, database);
        if mode == SslMode::Disable {
            let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(failed)?;
            tokio::spawn(connection);
            return Ok(client);
        }
        let mut tls = tls(mode)?;
        // A socket's folder is no name for a certificate; none is checked then.
        let name = if self.location.host.starts_with('/') {
            "localhost"
        } else {
            &self.location.host
        };
        let connect = <_ as MakeTlsConnect<S>>::make_tls_connect(&mut tls, name)
            .map_err(|source| ConnectError::TlsSetup(Box::new(source)))?;
        let (client, connection) = config.connect_raw(stream, connect).await.map_err(failed)?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// The statements that make a session harmless. Sent after the start, because poolers refuse them in its options.
fn set_up(options: &SessionOptions) -> String {
    let SessionOptions {
        database: _,
        writable,
        statement_timeout,
        lock_timeout,
    } = options;
    format!(
        "set default_transaction_read_only = {}; set statement_timeout = {}; set lock_timeout = {}; \
         set idle_in_transaction_session_timeout = 0; set standard_conforming_strings = on",
        if *writable { "off" } else { "on" },
        statement_timeout.as_millis(),
        lock_timeout.as_millis(),
    )
}
