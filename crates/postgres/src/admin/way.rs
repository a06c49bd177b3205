//! The identities that may create and rename databases, and how each is spoken to.

use std::time::Duration;

use cluster::Cluster;
use model::{DatabaseLocation, DatabaseRoute, Seen};
use serde::de::DeserializeOwned;

use super::AdminError;
use super::pod::{LOGINS, PodSocket};
use super::quote::Statement;
use crate::{Connector, Database, QueryError, SessionOptions};

/// The database that every server has for acts on other databases.
const MAINTENANCE: &str = "postgres";

/// How long an act may take. Creating a database copies a template and may wait for a checkpoint.
const ACT_TIMEOUT: Duration = Duration::from_secs(600);

/// How long an act may wait for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether the role in force may create databases and rename this one. One row: `t` or `f`.
const MAY_SWAP: &str = "select r.rolsuper or (r.rolcreatedb and coalesce(pg_has_role(r.oid, d.datdba, 'USAGE'), false)) \
     from pg_roles r left join pg_database d on d.datname = :'live' where r.rolname = current_user";

/// An identity and the way to it.
pub(crate) enum Way {
    /// psql in the server's pod.
    Pod(Box<PodSocket>),
    /// A session of the application's role.
    Role(Box<Database>),
}

impl Way {
    /// The first way that works, and its name for messages.
    pub(crate) async fn open(connector: &Connector) -> Result<(Self, String), AdminError> {
        let mut reasons = Vec::new();
        if let Some(cluster) = connector.cluster() {
            match pod_way(cluster, connector.location(), &connector.application_name()).await {
                Ok(Some(socket)) => {
                    let identity = format!("psql over the socket of pod {}", socket.pod);
                    return Ok((Self::Pod(Box::new(socket)), identity));
                }
                Ok(None) => {}
                Err(tried) => reasons.extend(tried),
            }
        }
        match role_way(connector).await {
            Ok(way) => return Ok((way, format!("role {}", connector.location().user))),
            Err(reason) => reasons.push(reason),
        }
        Err(AdminError::NoIdentity { reasons })
    }

    /// Runs statements: `together` in one transaction, else each by itself. Returns the first column of each row.
    pub(crate) async fn run(
        &self,
        doing: &str,
        statement: &Statement<'_>,
        together: bool,
    ) -> Result<Vec<String>, AdminError> {
        match self {
            Self::Pod(socket) => socket.run(doing, statement, together).await,
            // One message of several statements is one transaction; a statement that refuses that stands alone.
            Self::Role(database) => Ok(database.texts(doing, &statement.filled()).await?),
        }
    }

    /// Asks for rows of JSON.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        doing: &str,
        statement: &Statement<'_>,
    ) -> Result<Vec<T>, AdminError> {
        self.run(doing, statement, false)
            .await?
            .iter()
            .map(|line| {
                serde_json::from_str(line).map_err(|_| AdminError::Answer {
                    doing: doing.to_owned(),
                })
            })
            .collect()
    }
}

/// Whether the pod's own socket lets somebody in who may swap the location's database.
pub(crate) async fn pod_can_swap(cluster: &Cluster, location: &DatabaseLocation) -> Seen<bool> {
    match pod_way(cluster, location, &format!("{}look", crate::APPLICATION_PREFIX)).await {
        Ok(Some(_)) => Seen::Present(true),
        Ok(None) => Seen::Absent,
        Err(Tried {
            reasons,
            refused: true,
        }) => {
            // Somebody was let in or the server answered: what was learnt is that nobody at hand may.
            drop(reasons);
            Seen::Present(false)
        }
        Err(Tried {
            reasons,
            refused: false,
        }) => Seen::Unreadable(reasons.join("; ")),
    }
}

/// Why no login over the socket does.
struct Tried {
    reasons: Vec<String>,
    /// Whether the command ran each time, so that the answer is the server's and not that of a missing right.
    refused: bool,
}

impl IntoIterator for Tried {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.reasons.into_iter()
    }
}

/// The first login over the pod's socket that may swap; `None` where the server is in no pod.
async fn pod_way(
    cluster: &Cluster,
    location: &DatabaseLocation,
    application: &str,
) -> Result<Option<PodSocket>, Tried> {
    let DatabaseRoute::Pod {
        namespace,
        pod,
        container,
        port,
        ..
    } = &location.route
    else {
        return Ok(None);
    };
    let mut tried = Tried {
        reasons: Vec::new(),
        refused: true,
    };
    for login in LOGINS {
        let socket = PodSocket {
            cluster: cluster.clone(),
            namespace: namespace.clone(),
            pod: pod.clone(),
            container: container.clone(),
            port: *port,
            login,
            application: application.to_owned(),
        };
        let statement = Statement {
            sql: MAY_SWAP,
            values: &[("live", &location.database)],
        };
        let reason = match socket.run("ask for the socket's rights", &statement, false).await {
            Ok(lines) if lines.first().is_some_and(|line| line == "t") => return Ok(Some(socket)),
            Ok(_) => format!("the socket of pod {pod} lets in login {login}, which may not"),
            Err(AdminError::Psql { message, .. }) => {
                format!("the socket of pod {pod}, login {login}: {message}")
            }
            Err(other) => {
                tried.refused = false;
                tried.reasons.push(model::causes(&other));
                return Err(tried);
            }
        };
        tried.reasons.push(reason);
    }
    Err(tried)
}

async fn role_way(connector: &Connector) -> Result<Way, String> {
    let user = &connector.location().user;
    let options = SessionOptions {
        database: Some(MAINTENANCE.to_owned()),
        writable: true,
        statement_timeout: ACT_TIMEOUT,
        lock_timeout: LOCK_TIMEOUT,
    };
    let database = connector
        .connect(&options)
        .await
        .map_err(|error| model::causes(&error))?;
    let statement = Statement {
        sql: MAY_SWAP,
        values: &[("live", &connector.location().database)],
    };
    let may: Result<Vec<String>, QueryError> = database
        .texts("ask for the role's rights", &statement.filled())
        .await;
    match may {
        Ok(lines) if lines.first().is_some_and(|line| line == "t") => Ok(Way::Role(Box::new(database))),
        Ok(_) => Err(format!(
            "role {user} has no right CREATEDB or does not own database {}",
            connector.location().database
        )),
        Err(error) => Err(model::causes(&error)),
    }
}
