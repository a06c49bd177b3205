//! The database of a release: where it is, what it says of itself, who is connected and who waits for whom.

use serde::{Deserialize, Serialize};

use crate::{DatabaseHealth, MigrationFacts, MigrationState, Seen};

/// Where the knowledge of a database came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseOrigin {
    /// What was read, for the user: `Deployment web, container web, env DATABASE_URL from Secret web-db key url`.
    pub found_in: String,
    /// The Secret that holds the credentials, with its keys, never its data.
    pub secret: Option<String>,
    /// Where the credentials are read again when they are needed.
    pub source: CredentialSource,
}

/// The place that credentials are read from. Holds names only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "source")]
pub enum CredentialSource {
    /// The environment of a workload's container, `envFrom` and references into Secrets and ConfigMaps included.
    #[serde(rename_all = "camelCase")]
    Environment {
        /// The workload.
        workload: crate::WorkloadName,
        /// The container of its pod template.
        container: String,
        /// The variable that holds a URL, or the variable that names the host where the parts stand apart.
        variable: String,
    },
    /// A connection string in a Secret, named by the user.
    #[serde(rename_all = "camelCase")]
    Secret {
        /// The Secret's namespace.
        namespace: String,
        /// The Secret.
        name: String,
        /// The key that holds the connection string.
        key: String,
    },
    /// User and password in two keys of a Secret, as operators write them.
    #[serde(rename_all = "camelCase")]
    Login {
        /// The Secret's namespace.
        namespace: String,
        /// The Secret.
        name: String,
        /// The key that holds the user.
        user: String,
        /// The key that holds the password.
        password: String,
    },
    /// The server's own container: what its environment says, else its socket, which asks for no password.
    #[serde(rename_all = "camelCase")]
    Pod {
        /// The pod's namespace.
        namespace: String,
        /// The pod.
        pod: String,
        /// The container that runs Postgres.
        container: String,
    },
    /// An address given by the user, who gives the password in the environment of the program (`PGPASSWORD`) or in
    /// libpq's own password file.
    Given,
}

/// How to reach the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "route")]
pub enum DatabaseRoute {
    /// The server runs in a pod of the cluster.
    Pod {
        /// Namespace of the pod.
        namespace: String,
        /// The pod.
        pod: String,
        /// The container that runs Postgres.
        container: String,
        /// The port that the container listens on; a Service may offer it under another number.
        port: u16,
        /// The workload that owns the pod, for a name that outlives it.
        workload: Option<crate::WorkloadName>,
    },
    /// The server is reached by address only.
    Direct,
}

/// A database that a release uses. Holds no password: that is read again when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseLocation {
    /// Host as the application writes it.
    pub host: String,
    /// Port as the application writes it.
    pub port: u16,
    /// The database's name. A hostile string: never pasted into SQL or a shell.
    pub database: String,
    /// The application's role.
    pub user: String,
    /// `sslmode` as the application writes it.
    pub sslmode: Option<String>,
    /// How it was found.
    pub origin: DatabaseOrigin,
    /// How it is reached.
    pub route: DatabaseRoute,
}

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostgresServer {
    /// `server_version`, such as `17.6`.
    pub version: String,
    /// `server_version_num`, such as 170006.
    pub version_num: i32,
    /// `pg_control_system().system_identifier`.
    pub system_identifier: Option<String>,
    /// Whether it is a standby.
    pub in_recovery: bool,
    /// `pg_current_wal_lsn()` at the time of looking; `None` on a standby.
    pub lsn: Option<String>,
}

/// What kind of client a session is. Only writers block an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SessionRole {
    /// An application's session that may write.
    Writer,
    /// A dump: pg_dump, pg_basebackup or one of ours.
    Dump,
    /// Monitoring that only reads statistics.
    Exporter,
    /// A replication connection.
    Replication,
    /// Our own session.
    Ours,
    /// A server process such as autovacuum.
    Server,
}

/// A session in `pg_stat_activity`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Process id.
    pub pid: i32,
    /// Role name; `None` where we may not see it.
    pub user: Option<String>,
    /// `application_name`.
    pub application: String,
    /// Client address without mask; `None` for a local socket.
    pub client: Option<String>,
    /// `state`, such as `idle in transaction`.
    pub state: Option<String>,
    /// Seconds since its transaction began.
    pub transaction_seconds: Option<f64>,
    /// Seconds since its state changed.
    pub state_seconds: Option<f64>,
    /// `wait_event_type: wait_event`.
    pub waiting_for: Option<String>,
    /// The first 200 characters of its statement, literals removed.
    pub statement: String,
    /// What kind of client it is.
    pub role: SessionRole,
}

impl Session {
    /// Whether it is a vacuum against the wraparound of transaction numbers, which does not give way to anybody.
    pub fn is_against_wraparound(&self) -> bool {
        self.statement.contains("(to prevent wraparound)")
    }
}

/// Modes of locks on relations, from weak to strong.
pub const LOCK_MODES: [&str; 8] = [
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

/// A relation lock that one session holds and another waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockEdge {
    /// Process id of the holder; 0 stands for a prepared transaction.
    pub holder: i32,
    /// Name of the relation, where the lock is on one.
    pub relation: Option<String>,
    /// Lock mode, such as `AccessExclusiveLock`.
    pub mode: String,
}

/// A session that waits for a lock, with those it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockedSession {
    /// Who waits.
    pub session: Session,
    /// Seconds it has waited.
    pub waited_seconds: f64,
    /// What stands in its way, as `pg_blocking_pids` says.
    pub blocked_by: Vec<LockEdge>,
    /// The session at the root of the wait chain, if it is one we can see.
    pub root: Option<Session>,
}

/// A lock on a user's table that a session or a prepared transaction holds at the time of looking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldLock {
    /// Process id of the holder; 0 stands for a prepared transaction.
    pub holder: i32,
    /// Schema-qualified name of the table.
    pub relation: String,
    /// Lock mode, such as `AccessShareLock`.
    pub mode: String,
}

/// A transaction prepared for two-phase commit: it holds its locks until somebody ends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreparedTransaction {
    /// Its global identifier.
    pub gid: String,
    /// The role that prepared it.
    pub owner: String,
    /// Seconds since it was prepared.
    pub age_seconds: f64,
}

/// Everything seen of one database in one look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseFacts {
    /// Which database.
    pub location: DatabaseLocation,
    /// The server's own words.
    pub server: PostgresServer,
    /// `pg_database_size` in bytes.
    pub size_bytes: i64,
    /// The state that an upgrade compares before and after: that of the profile's tool, else of the first table of
    /// `migrations`. `Absent` where no known table is there.
    pub migration: Seen<MigrationState>,
    /// What every migration tool recorded.
    pub migrations: Seen<MigrationFacts>,
    /// Sessions on this database, our own included and marked.
    pub sessions: Seen<Vec<Session>>,
    /// Sessions that wait for a lock.
    pub blocked: Seen<Vec<BlockedSession>>,
    /// Granted locks on user tables (`pg_locks` with `pg_class`, system schemas left out), our own session's aside.
    pub held_locks: Seen<Vec<HeldLock>>,
    /// Prepared transactions in this database (`pg_prepared_xacts`).
    pub prepared: Seen<Vec<PreparedTransaction>>,
    /// Whether some identity we can use may create, rename and swap databases.
    pub can_swap: Seen<bool>,
    /// Free bytes on the volume under PGDATA, where that can be asked.
    pub free_bytes: Seen<u64>,
    /// Logical slots and subscriptions, which a swap would break.
    pub replication: Seen<Vec<String>>,
    /// Limits, settings and damage.
    #[serde(default = "Seen::not_asked")]
    pub health: Seen<DatabaseHealth>,
}
