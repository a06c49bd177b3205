//! Where the server's own client programs run, and as whom.

mod error;
mod probe;

use std::sync::Arc;
use std::time::Duration;

use cluster::Cluster;
use model::{DatabaseLocation, DatabaseRoute, PostgresServer, Secret};
use postgres_room::{APPLICATION_PREFIX, Connector, Credentials};
use tokio::io::AsyncWrite;

use crate::create::judge::client_major;
pub use error::ReachError;
use probe::tools;
pub(crate) use probe::{Codec, Probe};

use crate::feed::Feed;
use crate::script::{self, last_words};
use crate::{LocalRunner, PodRunner, Route, RunEnd, RunError, Runner};

/// How long ending our own sessions may take once something went wrong: the server may be the thing that is wrong.
const CLEAN_UP_TIME: Duration = Duration::from_secs(15);

/// How a session of ours is told to notice that its client is gone. A statement that waits for a lock or computes would
/// outlive a client that was killed: nothing else makes the server look.
const NOTICE_LOST_CLIENT: &str = "-c client_connection_check_interval=5s";

/// Databases that are always there, for when the one in question lets nobody in: a swap may have been killed half-way.
const MAINTENANCE: [&str; 2] = ["postgres", "template1"];

/// Programs without which nothing can be proven.
const NEEDED: [&str; 8] = [
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "psql",
    "sha256sum",
    "tee",
    "head",
    "wc",
];

/// A server whose database can be dumped or filled: the place with its client programs, the identity that works
/// there, and the way to ask questions in SQL.
#[derive(Clone)]
pub struct Server {
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) connector: Connector,
    pub(crate) location: DatabaseLocation,
    pub(crate) tag: String,
    pub(crate) probe: Probe,
    route: Route,
    login: Login,
}

/// How to log in: the words that the scripts know.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Socket,
    Container,
    Line,
    None,
}

/// Who logs in and how. Empty text leaves what the place itself says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Login {
    user: String,
    host: String,
    port: String,
    way: Way,
    password: Option<Secret>,
    sslmode: String,
}

impl Server {
    /// Finds the place and the identity with one small command. `id` is the run's or backup's id: every session of ours
    /// is called `safe-upgrade/<id>`. Without a cluster, or for [`model::DatabaseRoute::Direct`], commands run on this
    /// machine with the client programs on PATH.
    ///
    /// # Errors
    /// When the place cannot be reached, a program is missing, or nobody we can be may connect.
    pub async fn reach(
        cluster: Option<&Cluster>,
        location: &DatabaseLocation,
        credentials: &Credentials,
        id: &str,
    ) -> Result<Self, ReachError> {
        match (cluster, &location.route) {
            (
                Some(cluster),
                DatabaseRoute::Pod {
                    namespace,
                    pod,
                    container,
                    port,
                    workload: _,
                },
            ) => {
                let runner = Arc::new(PodRunner::new(cluster, namespace, pod, container));
                let connector = Connector::new(cluster, location, credentials, id);
                let logins = pod_logins(credentials, *port);
                Self::log_in(runner, connector, location, id, Route::Exec, logins).await
            }
            (_, DatabaseRoute::Direct) | (None, DatabaseRoute::Pod { .. }) => {
                let runner = LocalRunner::new(location.sslmode.as_deref());
                let server = Self::reach_through(Arc::new(runner.clone()), location, credentials, id).await?;
                let major = server.probe.major();
                if client_major(&server.probe.client_version) == Some(major) {
                    return Ok(server);
                }
                // Asked again, so that what is written down is the version that does the work.
                let runner = Arc::new(runner.with_programs_of(major));
                Self::reach_through(runner, location, credentials, id).await
            }
        }
    }

    /// Like [`Server::reach`] for a server that is reached by address, with commands run by whoever the caller says.
    ///
    /// # Errors
    /// As there.
    pub async fn reach_through(
        runner: Arc<dyn Runner>,
        location: &DatabaseLocation,
        credentials: &Credentials,
        id: &str,
    ) -> Result<Self, ReachError> {
        let login = Login {
            user: credentials.user.clone(),
            host: location.host.clone(),
            port: location.port.to_string(),
            way: if credentials.password.is_some() {
                Way::Line
            } else {
                Way::None
            },
            password: credentials.password.clone(),
            sslmode: location.sslmode.clone().unwrap_or_default(),
        };
        let connector = Connector::direct(location, credentials, id);
        Self::log_in(runner, connector, location, id, Route::Direct, vec![login]).await
    }

    /// For a server in a pod whose client programs run elsewhere and connect to an address.
    pub(crate) async fn reach_beside(
        cluster: &Cluster,
        runner: Arc<dyn Runner>,
        location: &DatabaseLocation,
        credentials: &Credentials,
        id: &str,
        route: Route,
        (host, port): (&str, u16),
    ) -> Result<Self, ReachError> {
        let login = Login {
            user: credentials.user.clone(),
            host: host.to_owned(),
            port: port.to_string(),
            way: Way::Line,
            password: credentials.password.clone(),
            sslmode: location.sslmode.clone().unwrap_or_default(),
        };
        let connector = Connector::new(cluster, location, credentials, id);
        let reached = Self::log_in(runner.clone(), connector, location, id, route, vec![login]).await;
        if reached.is_err() {
            runner.close().await;
        }
        reached
    }

    /// The same place and identity for another database of the server.
    ///
    /// # Errors
    /// When nobody we can be may connect to it.
    pub async fn on(&self, database: &str, id: &str) -> Result<Self, ReachError> {
        let location = DatabaseLocation {
            database: database.to_owned(),
            ..self.location.clone()
        };
        let connector = self.connector.on(database, id);
        let logins = vec![self.login.clone()];
        Self::log_in(self.runner.clone(), connector, &location, id, self.route, logins).await
    }

    /// Gives back what was made to reach the server: a Job of ours.
    pub async fn close(&self) {
        self.runner.close().await;
    }

    async fn log_in(
        runner: Arc<dyn Runner>,
        connector: Connector,
        location: &DatabaseLocation,
        id: &str,
        route: Route,
        logins: Vec<Login>,
    ) -> Result<Self, ReachError> {
        let mut answer = String::new();
        let mut said_to_password = false;
        let databases = [location.database.as_str(), MAINTENANCE[0], MAINTENANCE[1]];
        let mut attempts = Vec::new();
        for login in &logins {
            attempts.extend(databases.map(|database| (login.clone(), database.to_owned())));
        }
        for (login, database) in attempts {
            let arguments = login.arguments(&database, &application(id, "probe"), "");
            let mut said = Vec::new();
            let feed = Box::new(Feed::new(login.password.as_ref()));
            let end = runner
                .run(script::PROBE, &arguments, feed, &mut said)
                .await
                .map_err(|source| ReachError::Run {
                    database: location.database.clone(),
                    source,
                })?;
            let said = String::from_utf8_lossy(&said);
            let there = tools(&said);
            if let Some(program) = NEEDED.into_iter().find(|program| !there.contains(*program))
                && !there.is_empty()
            {
                return Err(ReachError::Missing {
                    place: runner.place(),
                    program,
                });
            }
            if let Some(probe) = Probe::read(&said) {
                return Ok(Self {
                    runner,
                    connector,
                    location: location.clone(),
                    tag: id.to_owned(),
                    probe,
                    route,
                    login,
                });
            }
            // What the server says to the password we were given is worth more than to a try without one.
            let with_password = login.password.is_some();
            if answer.is_empty() || with_password && !said_to_password {
                answer = last_words(&end.stderr_tail);
                said_to_password |= with_password;
            }
        }
        Err(ReachError::Refused {
            place: runner.place(),
            database: location.database.clone(),
            answer,
        })
    }

    /// Who acts where, for messages: `postgres in pod db-0`.
    pub fn identity(&self) -> String {
        format!("{} in {}", self.probe.user, self.runner.place())
    }

    /// The server as it said of itself when it was reached.
    pub fn facts(&self) -> &PostgresServer {
        &self.probe.server
    }

    /// Which way its client programs are reached.
    pub fn route(&self) -> Route {
        self.route
    }

    /// Where it is.
    pub fn location(&self) -> &DatabaseLocation {
        &self.location
    }

    /// The `application_name` of the sessions that do an act, so that exactly these can be ended.
    pub(crate) fn application(&self, act: &str) -> String {
        application(&self.tag, act)
    }

    /// Runs a script on a database of the server, as the identity that works.
    pub(crate) async fn run(
        &self,
        script: &str,
        database: &str,
        act: &str,
        arguments: &[&str],
        feed: impl FnOnce(Feed) -> Feed,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        let settings = if self.probe.notices_lost_clients {
            NOTICE_LOST_CLIENT
        } else {
            ""
        };
        let mut all = self.login.arguments(database, &self.application(act), settings);
        all.extend(arguments.iter().map(|text| (*text).to_owned()));
        let feed = feed(Feed::new(self.login.password.as_ref()));
        self.runner.run(script, &all, Box::new(feed), output).await
    }

    /// Ends what an act that failed may have left on the server. Tries once, for a short time, and never fails: a lost
    /// client's session ends by itself a little later.
    pub(crate) async fn end_sessions(&self, act: &str) {
        let application = self.application(act);
        let mut said = tokio::io::sink();
        let arguments = [application.as_str()];
        let end = self.run(
            script::END_SESSIONS,
            &self.location.database,
            "end",
            &arguments,
            |feed| feed,
            &mut said,
        );
        let _ = tokio::time::timeout(CLEAN_UP_TIME, end).await;
    }
}

impl Login {
    fn arguments(&self, database: &str, application: &str, settings: &str) -> Vec<String> {
        let way = match self.way {
            Way::Socket => "socket",
            Way::Container => "container",
            Way::Line => "line",
            Way::None => "none",
        };
        [
            &self.user,
            &self.host,
            &self.port,
            database,
            application,
            way,
            &self.sslmode,
            settings,
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

/// Who may be able to log in from the server's own container, best first: its administrator over the socket needs no
/// password and sees everything; the application's role is what is left where that is shut.
fn pod_logins(credentials: &Credentials, port: u16) -> Vec<Login> {
    let own = |way, host: &str| Login {
        user: String::new(),
        host: host.to_owned(),
        port: port.to_string(),
        way,
        password: None,
        sslmode: String::new(),
    };
    let application = |host: &str| Login {
        user: credentials.user.clone(),
        host: host.to_owned(),
        port: port.to_string(),
        way: if credentials.password.is_some() {
            Way::Line
        } else {
            Way::None
        },
        password: credentials.password.clone(),
        sslmode: String::new(),
    };
    vec![
        own(Way::Socket, ""),
        own(Way::Container, ""),
        own(Way::Container, "127.0.0.1"),
        application(""),
        application("127.0.0.1"),
    ]
}

fn application(id: &str, act: &str) -> String {
    format!("{APPLICATION_PREFIX}{id}/{act}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_s_socket_is_tried_before_any_password() {
        let credentials = Credentials {
            user: "app".into(),
            password: Some(Secret::new("x")),
        };
        let ways: Vec<Way> = pod_logins(&credentials, 5432)
            .into_iter()
            .map(|login| login.way)
            .collect();
        assert_eq!(ways[0], Way::Socket);
        assert_eq!(ways.last(), Some(&Way::Line));
    }
}
