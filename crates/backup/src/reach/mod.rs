//! From here to a server's client programs, by the best way that can be had.

mod choose;
mod forward;
mod job;
mod route;

use std::sync::Arc;

use async_trait::async_trait;
use cluster::Cluster;
use model::{AccessRequest, BackupFormat, DatabaseLocation, DatabaseRoute, Phase, Seen};
use postgres_room::Credentials;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::create::judge::client_fits;
use crate::create::{crowding, judge::client_major};
use crate::helper_pod::Like;
use crate::{LocalRunner, Progress, ReachError, RunEnd, RunError, Runner, Server};

pub use choose::NoRoute;
use choose::{Way, choose};
use forward::Door;
pub use job::JobError;
pub(crate) use job::JobRunner;
pub use route::Route;

/// Settings of libpq under which the name in the server's certificate counts.
const CHECKED: [&str; 2] = ["verify-ca", "verify-full"];

/// The port of a server that was told no other.
const USUAL_PORT: u16 = 5432;

/// What a way has to lead to.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The way that was asked for; `None` leaves the choice to us.
    pub route: Option<Route>,
    /// The layout of the dump: a folder cannot be written in the server's own container.
    pub format: BackupFormat,
}

/// A place in the cluster where the server runs.
#[derive(Clone, Copy)]
struct InPod<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    pod: &'a str,
    container: &'a str,
    port: u16,
}

impl Server {
    /// Like [`Server::reach`], by the best way that can be had: the server's own container, a Job beside it, a port
    /// forwarded to this machine; or straight, where the server is not in the cluster. Says which and why.
    ///
    /// # Errors
    /// As there; [`ReachError::NoRoute`] says of every way what stands in it.
    pub async fn reach_by(
        cluster: Option<&Cluster>,
        location: &DatabaseLocation,
        credentials: &Credentials,
        id: &str,
        wanted: Wanted,
        progress: Progress<'_>,
    ) -> Result<Self, ReachError> {
        let DatabaseRoute::Pod {
            namespace,
            pod,
            container,
            port,
            workload: _,
        } = &location.route
        else {
            return Self::reach_directly(cluster, location, credentials, id, wanted, progress).await;
        };
        let Some(cluster) = cluster else {
            return Self::reach_directly(None, location, credentials, id, wanted, progress).await;
        };
        let here = InPod {
            cluster,
            namespace,
            pod,
            container,
            port: *port,
        };
        let mut ways = obstacles(here, location, credentials, wanted.format).await;
        loop {
            let choice = choose(&ways, wanted.route).map_err(|source| ReachError::NoRoute {
                database: location.database.clone(),
                source,
            })?;
            let tried = match choice.route {
                Route::Exec => {
                    let server = Self::reach(Some(cluster), location, credentials, id).await;
                    match server {
                        Ok(server) => match crowding(&server).await {
                            None => Ok(server),
                            Some(words) => Err(words),
                        },
                        Err(error) => Err(model::causes(&error)),
                    }
                }
                Route::Job => by_job(here, location, credentials, id)
                    .await
                    .map_err(|error| model::causes(&error)),
                Route::PortForward => by_port(here, location, credentials, id)
                    .await
                    .map_err(|error| model::causes(&error)),
                Route::Direct => Err("the server runs in a pod".into()),
            };
            match tried {
                Ok(server) => {
                    progress(&format!("route {}: {}", choice.route.word(), choice.reason), None);
                    return Ok(server);
                }
                // What was found out by trying stands in the way like what was known before; with a way that was asked
                // for, the next round says so and ends.
                Err(obstacle) => {
                    for way in ways.iter_mut().filter(|way| way.route == choice.route) {
                        way.obstacle = Some(obstacle.clone());
                    }
                }
            }
        }
    }

    async fn reach_directly(
        cluster: Option<&Cluster>,
        location: &DatabaseLocation,
        credentials: &Credentials,
        id: &str,
        wanted: Wanted,
        progress: Progress<'_>,
    ) -> Result<Self, ReachError> {
        let ways = [Way {
            route: Route::Direct,
            obstacle: None,
        }];
        let choice = choose(&ways, wanted.route).map_err(|source| ReachError::NoRoute {
            database: location.database.clone(),
            source,
        })?;
        let server = Self::reach(cluster, location, credentials, id).await?;
        // The usual port is the server's; on any other there may be a pooler, which would tear the dump's session apart.
        if location.port != USUAL_PORT {
            match server.connector.pooler().await {
                Seen::Present(pooler) => {
                    return Err(ReachError::Pooler {
                        host: location.host.clone(),
                        port: location.port,
                        pooler,
                    });
                }
                Seen::Absent => {}
                Seen::Unreadable(why) => {
                    progress(
                        &format!(
                            "whether a pooler answers at port {} is not known: {why}",
                            location.port
                        ),
                        None,
                    );
                }
            }
        }
        progress(&format!("route {}: {}", choice.route.word(), choice.reason), None);
        Ok(server)
    }
}

/// What is known to stand in each way before it is tried.
async fn obstacles(
    here: InPod<'_>,
    location: &DatabaseLocation,
    credentials: &Credentials,
    format: BackupFormat,
) -> Vec<Way> {
    let rights = rights(here).await;
    let by_name = location.sslmode.as_deref().filter(|mode| CHECKED.contains(mode));
    let no_password = "no password is known, and only the server's own container lets in without";
    let exec = match format {
        BackupFormat::Directory => Some("the directory format needs a folder of ours".to_owned()),
        BackupFormat::Custom | BackupFormat::Plain => rights.exec.clone(),
    };
    let job = if credentials.password.is_none() {
        Some(no_password.to_owned())
    } else if let Some(mode) = by_name {
        Some(format!(
            "sslmode {mode} needs the authority's certificate, which a Job would not have"
        ))
    } else {
        rights.job
    };
    let forward = if credentials.password.is_none() {
        Some(no_password.to_owned())
    } else if let Some(mode) = by_name {
        Some(format!(
            "sslmode {mode} checks a name that a forwarded port does not have"
        ))
    } else {
        rights.forward
    };
    [
        (Route::Exec, exec),
        (Route::Job, job),
        (Route::PortForward, forward),
    ]
    .map(|(route, obstacle)| Way { route, obstacle })
    .to_vec()
}

/// What may not be done, in words.
struct Rights {
    exec: Option<String>,
    job: Option<String>,
    forward: Option<String>,
}

/// What a Job beside the server takes, besides commands in its pod.
pub fn job_rights(namespace: &str) -> Vec<AccessRequest> {
    [
        ("batch", "jobs", "create"),
        ("batch", "jobs", "delete"),
        ("", "pods", "list"),
        ("", "pods", "watch"),
    ]
    .map(|(group, resource, verb)| request(namespace, group, resource, None, verb))
    .to_vec()
}

fn request(
    namespace: &str,
    group: &str,
    resource: &str,
    subresource: Option<&str>,
    verb: &str,
) -> AccessRequest {
    AccessRequest {
        phase: Phase::Backup,
        verb: verb.into(),
        group: group.into(),
        resource: resource.into(),
        subresource: subresource.map(str::to_owned),
        name: None,
        namespace: namespace.into(),
    }
}

/// Asks for what each way needs. What cannot be asked is tried.
async fn rights(here: InPod<'_>) -> Rights {
    let stream = |subresource: &str| {
        ["get", "create"].map(|verb| request(here.namespace, "", "pods", Some(subresource), verb))
    };
    let (exec, forward) = (stream("exec"), stream("portforward"));
    let job = job_rights(here.namespace);
    let all: Vec<AccessRequest> = exec.iter().chain(&job).chain(&forward).cloned().collect();
    let Ok(decisions) = here.cluster.can_i(&all).await else {
        return Rights {
            exec: None,
            job: None,
            forward: None,
        };
    };
    let refused = |wanted: &[AccessRequest]| {
        let refused: Vec<String> = decisions
            .iter()
            .filter(|decision| !decision.allowed && wanted.contains(&decision.request))
            .map(|decision| decision.request.to_string())
            .collect();
        (!refused.is_empty()).then(|| format!("you may not {}", refused.join(", ")))
    };
    // Since Kubernetes 1.35 both verbs are asked for; before, `get` alone.
    let needs_exec = refused(&exec[..1]);
    Rights {
        job: refused(&job).or_else(|| needs_exec.clone()),
        exec: needs_exec,
        forward: refused(&forward[..1]),
    }
}

/// A Job with the server's image.
async fn by_job(
    here: InPod<'_>,
    location: &DatabaseLocation,
    credentials: &Credentials,
    id: &str,
) -> Result<Server, ReachError> {
    let failed = |source| ReachError::Job {
        database: location.database.clone(),
        source: Box::new(source),
    };
    let like = Like::of(here.cluster, here.namespace, here.pod, here.container)
        .await
        .map_err(|error| failed(error.into()))?;
    // A name of the application's own namespace means nothing in another; the pod's address is the same everywhere.
    let address = like.address.clone();
    let runner = Arc::new(
        JobRunner::start(here.cluster, &job::shape(&like))
            .await
            .map_err(failed)?,
    );
    let host = address.unwrap_or_else(|| location.host.clone());
    Server::reach_beside(
        here.cluster,
        runner,
        location,
        credentials,
        id,
        Route::Job,
        (&host, here.port),
    )
    .await
}

/// The programs of this machine and a door to the pod's port.
async fn by_port(
    here: InPod<'_>,
    location: &DatabaseLocation,
    credentials: &Credentials,
    id: &str,
) -> Result<Server, ReachError> {
    let encrypted = location.sslmode.as_deref() == Some("require");
    let door = Door::open(here.cluster, here.namespace, here.pod, here.port, encrypted).await;
    let door = Arc::new(door.map_err(|error| ReachError::Run {
        database: location.database.clone(),
        source: RunError::Local(error),
    })?);
    let address = (door.host.clone(), door.port);
    let through = |runner: LocalRunner| {
        Arc::new(Through {
            runner,
            _door: door.clone(),
        })
    };
    let first = LocalRunner::new(location.sslmode.as_deref());
    let reach = async |runner: LocalRunner| {
        let to = (address.0.as_str(), address.1);
        Server::reach_beside(
            here.cluster,
            through(runner),
            location,
            credentials,
            id,
            Route::PortForward,
            to,
        )
        .await
    };
    let server = reach(first.clone()).await?;
    let major = server.probe.major();
    if client_major(&server.probe.client_version) == Some(major) {
        return Ok(server);
    }
    let server = reach(first.with_programs_of(major)).await?;
    let client = client_major(&server.probe.client_version);
    if client.is_some_and(|client| client_fits(client, major)) {
        return Ok(server);
    }
    Err(ReachError::Client {
        client: server.probe.client_version.clone(),
        server: major,
    })
}

/// Programs of this machine, with the door that they go through.
struct Through {
    runner: LocalRunner,
    _door: Arc<Door>,
}

#[async_trait]
impl Runner for Through {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        self.runner.run(script, arguments, input, output).await
    }

    fn place(&self) -> String {
        self.runner.place()
    }
}
