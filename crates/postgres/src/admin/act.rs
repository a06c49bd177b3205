//! The acts on databases.

use std::time::Duration;

use cluster::Cluster;
use model::{DatabaseLocation, Seen};
use tokio::time::{Instant, sleep};

use super::names::is_kept_name;
use super::quote::Statement;
use super::way::{self, Way};
use super::{AdminError, DatabaseEntry, RestoreName, Swap, TerminatedSession, properties};
use crate::{APPLICATION_PREFIX, Connector};

/// How long ended sessions may take to be gone: a backend looks for the signal at its next wait or row.
const SESSIONS_GONE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is looked whether ended sessions are gone. Postgres offers nothing to watch.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// An identity that may create and rename databases.
pub struct Admin {
    way: Way,
    identity: String,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Admin {
    /// Opens the strongest identity there is: psql over the pod's own socket, else the application's role if it has
    /// CREATEDB and owns the database. No secret ever stands in an argument.
    ///
    /// # Errors
    /// When neither works; the error says why each did not.
    pub async fn open(connector: &Connector) -> Result<Self, AdminError> {
        let (way, identity) = Way::open(connector).await?;
        Ok(Self { way, identity })
    }

    /// Whether the pod's own socket lets somebody in who may swap the location's database. `Absent`: the server is in
    /// no pod.
    pub async fn pod_can_swap(cluster: &Cluster, location: &DatabaseLocation) -> Seen<bool> {
        way::pod_can_swap(cluster, location).await
    }

    /// Who acts, for messages: `psql over the socket of pod db-0`, `role app`.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The databases of the server, templates left out, ordered by name.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn databases(&self) -> Result<Vec<DatabaseEntry>, AdminError> {
        // Without the right to connect a database's size may not be asked.
        let sql = "select jsonb_build_object('name', d.datname, 'owner', pg_get_userbyid(d.datdba), \
                       'allows_connections', d.datallowconn, \
                       'bytes', case when has_database_privilege(d.oid, 'connect') then pg_database_size(d.oid) end, \
                       'sessions', (select count(*) from pg_stat_activity a where a.datid = d.oid)) \
                   from pg_database d where not d.datistemplate order by d.datname";
        self.way
            .ask("list the databases", &Statement { sql, values: &[] })
            .await
    }

    async fn exists(&self, name: &str) -> Result<bool, AdminError> {
        let sql = "select to_json(exists (select from pg_database where datname = :'name'))";
        let rows: Vec<bool> = self
            .way
            .ask(
                "look for the database",
                &Statement {
                    sql,
                    values: &[("name", name)],
                },
            )
            .await?;
        Ok(rows.first() == Some(&true))
    }

    /// Creates an empty database for a restore: encoding, locale, tablespace and owner as `like` has them.
    ///
    /// # Errors
    /// When the name is taken, `like` is missing or the server refuses.
    pub async fn create_database_like(&self, name: &RestoreName, like: &str) -> Result<(), AdminError> {
        if self.exists(name.as_str()).await? {
            return Err(AdminError::Taken {
                name: name.as_str().to_owned(),
            });
        }
        properties::create_like(&self.way, name.as_str(), like).await
    }

    /// Gives `to` what `from` has and a dump without `--create` leaves out: settings, privileges, connection limit,
    /// comment. Can be run twice.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn copy_properties(&self, from: &str, to: &str) -> Result<(), AdminError> {
        properties::copy(&self.way, from, to).await
    }

    /// `ALTER DATABASE … ALLOW_CONNECTIONS`. Nobody passes a closed door, superusers included.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn allow_connections(&self, database: &str, allowed: bool) -> Result<(), AdminError> {
        let (doing, sql) = if allowed {
            (
                "let sessions in",
                "alter database :\"name\" with allow_connections true",
            )
        } else {
            (
                "let no session in",
                "alter database :\"name\" with allow_connections false",
            )
        };
        let doing = format!("{doing} on database {database}");
        self.way
            .run(
                &doing,
                &Statement {
                    sql,
                    values: &[("name", database)],
                },
                false,
            )
            .await
            .map(drop)
    }

    /// Ends every session on a database, ours included, and waits until they are gone.
    ///
    /// # Errors
    /// When the server refuses, or sessions are still there after 30 s.
    pub async fn terminate_sessions(&self, database: &str) -> Result<Vec<TerminatedSession>, AdminError> {
        self.end(database, "true").await
    }

    /// Ends the sessions with these process ids on a database, and only there, and waits until they are gone.
    ///
    /// # Errors
    /// When the server refuses, or sessions are still there after 30 s.
    pub async fn terminate(
        &self,
        database: &str,
        pids: &[i32],
    ) -> Result<Vec<TerminatedSession>, AdminError> {
        let list = pids.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
        self.end(database, &format!("pid = any('{{{list}}}'::int[])"))
            .await
    }

    /// Tells the sessions with these process ids on a database, and only there, to give up their statements.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn cancel(&self, database: &str, pids: &[i32]) -> Result<(), AdminError> {
        let list = pids.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
        let sql = format!(
            "select to_json(pg_cancel_backend(pid)) from pg_stat_activity \
             where datname = :'name' and pid <> pg_backend_pid() and pid = any('{{{list}}}'::int[])"
        );
        let values = [("name", database)];
        let statement = Statement {
            sql: &sql,
            values: &values,
        };
        let told: Vec<bool> = self
            .way
            .ask("cancel the statements of sessions", &statement)
            .await?;
        drop(told);
        Ok(())
    }

    async fn end(&self, database: &str, which: &str) -> Result<Vec<TerminatedSession>, AdminError> {
        let doing = format!("end the sessions on database {database}");
        let sql = format!(
            "select jsonb_build_object('pid', pid, 'user', coalesce(usename, ''), \
                 'application', coalesce(application_name, ''), \
                 'ours', coalesce(application_name, '') like :'prefix' || '%') \
             from (select pid, usename, application_name, pg_terminate_backend(pid) as told from pg_stat_activity \
                   where datname = :'name' and pid <> pg_backend_pid() and backend_type is distinct from 'parallel worker' \
                     and {which} offset 0) as ended"
        );
        let values = [("name", database), ("prefix", APPLICATION_PREFIX)];
        let statement = Statement {
            sql: &sql,
            values: &values,
        };
        let deadline = Instant::now() + SESSIONS_GONE_TIMEOUT;
        let mut ended: Vec<TerminatedSession> = Vec::new();
        loop {
            // Each look ends anew what is there: a session may have begun between the looks.
            let found: Vec<TerminatedSession> = self.way.ask(&doing, &statement).await?;
            if found.is_empty() {
                return Ok(ended);
            }
            let sessions = found.len();
            ended.extend(found);
            ended.sort_by_key(|session| session.pid);
            ended.dedup_by_key(|session| session.pid);
            if Instant::now() >= deadline {
                return Err(AdminError::SessionsRemain {
                    database: database.to_owned(),
                    sessions,
                    seconds: SESSIONS_GONE_TIMEOUT.as_secs(),
                });
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Lets nobody in, ends the sessions on both databases, renames both in one transaction, lets sessions in again.
    /// On failure both keep their names and take sessions again. Done already (by the names that are there): only lets
    /// sessions in.
    ///
    /// # Errors
    /// When a name is missing or taken, the name to keep looks like a restore's, or the server refuses.
    pub async fn swap(&self, swap: &Swap) -> Result<(), AdminError> {
        let Swap {
            live,
            incoming,
            keep_as,
        } = swap;
        // A database that was in use must never have a name that may be dropped.
        if RestoreName::is_one(keep_as) {
            return Err(AdminError::NotOurs {
                name: keep_as.clone(),
            });
        }
        let missing = |name: &str| AdminError::Missing {
            name: name.to_owned(),
        };
        match (
            self.exists(live).await?,
            self.exists(incoming).await?,
            self.exists(keep_as).await?,
        ) {
            (true, true, false) => {}
            (true, false, true) => {
                self.allow_connections(live, true).await?;
                return self.allow_connections(keep_as, true).await;
            }
            (_, true, true) => {
                return Err(AdminError::Taken {
                    name: keep_as.clone(),
                });
            }
            (false, _, _) => return Err(missing(live)),
            (true, false, false) => return Err(missing(incoming)),
        }
        match self.close_and_rename(swap).await {
            Ok(()) => {
                self.allow_connections(live, true).await?;
                self.allow_connections(keep_as, true).await
            }
            Err(failure) => {
                for database in [live, incoming] {
                    if let Err(error) = self.allow_connections(database, true).await {
                        return Err(AdminError::StillClosed {
                            database: database.clone(),
                            cause: model::causes(&error),
                            source: Box::new(failure),
                        });
                    }
                }
                Err(failure)
            }
        }
    }

    async fn close_and_rename(&self, swap: &Swap) -> Result<(), AdminError> {
        let Swap {
            live,
            incoming,
            keep_as,
        } = swap;
        for database in [live, incoming] {
            self.allow_connections(database, false).await?;
            self.terminate_sessions(database).await?;
        }
        let statement = Statement {
            sql: "alter database :\"live\" rename to :\"keep\"; alter database :\"incoming\" rename to :\"live\"",
            values: &[("live", live), ("incoming", incoming), ("keep", keep_as)],
        };
        self.way
            .run("swap the databases", &statement, true)
            .await
            .map(drop)
    }

    /// Drops a database that a restore filled and that was never swapped in. Gone already: nothing happens.
    ///
    /// # Errors
    /// When the name is no restore's, or the server refuses.
    pub async fn drop_restore(&self, name: &RestoreName) -> Result<(), AdminError> {
        if !RestoreName::is_one(name.as_str()) {
            return Err(AdminError::NotOurs {
                name: name.as_str().to_owned(),
            });
        }
        if !self.exists(name.as_str()).await? {
            return Ok(());
        }
        self.allow_connections(name.as_str(), false).await?;
        self.terminate_sessions(name.as_str()).await?;
        let statement = Statement {
            sql: "drop database if exists :\"name\"",
            values: &[("name", name.as_str())],
        };
        self.way
            .run(&format!("drop database {name}"), &statement, false)
            .await
            .map(drop)
    }

    /// Drops a database that a restore had put aside and a person no longer wants. Gone already: nothing happens.
    ///
    /// # Errors
    /// When it is the one in use or has no name that a restore gives, somebody is connected, or the server refuses.
    pub async fn drop_kept(&self, name: &str, live: &str) -> Result<(), AdminError> {
        if name == live || !is_kept_name(name) {
            return Err(AdminError::NotOurs {
                name: name.to_owned(),
            });
        }
        if !self.exists(name).await? {
            return Ok(());
        }
        // Without FORCE: whoever is connected keeps it.
        let statement = Statement {
            sql: "drop database if exists :\"name\"",
            values: &[("name", name)],
        };
        self.way
            .run(&format!("drop database {name}"), &statement, false)
            .await
            .map(drop)
    }

    /// Creates a role that may do nothing and not log in.
    ///
    /// # Errors
    /// When it is there, or the server refuses.
    pub async fn create_role(&self, name: &str) -> Result<(), AdminError> {
        let statement = Statement {
            sql: "create role :\"name\" nologin",
            values: &[("name", name)],
        };
        self.way
            .run(&format!("create role {name}"), &statement, false)
            .await
            .map(drop)
    }
}
