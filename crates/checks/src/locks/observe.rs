//! One look at the locks of a database.

use std::collections::{BTreeMap, BTreeSet};

use cluster::Cluster;
use model::{BlockedSession, HeldLock, PreparedTransaction, ProbedTable, Seen, Session, causes};
use postgres_room::{Activity, Database};

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct LockFacts {
    /// The database's name.
    pub database: String,
    /// The role that we are, which is the application's.
    pub role: String,
    /// Every session, be it only in part.
    pub sessions: Seen<Vec<Session>>,
    /// Why some sessions were seen only in part, where that is so.
    pub masked: Option<String>,
    /// Whoever waits.
    pub blocked: Seen<Vec<BlockedSession>>,
    /// Locks on tables.
    pub held: Seen<Vec<HeldLock>>,
    /// Prepared transactions.
    pub prepared: Seen<Vec<PreparedTransaction>>,
    /// Process ids of superusers' sessions.
    pub superusers: Seen<BTreeSet<i32>>,
    /// Pods by their addresses.
    pub pods: Seen<BTreeMap<String, String>>,
    /// What a probe was told, where one was asked for.
    pub probed: Vec<ProbedTable>,
    /// Why a probe could not be made.
    pub unprobed: Option<String>,
}

/// Looks, in the session that is given. Pods are those of `within`: a cluster and a namespace.
pub async fn observe_locks(database: &Database, within: Option<(&Cluster, &str)>) -> LockFacts {
    let (sessions, masked) = match postgres_room::activity(database).await {
        Ok(Activity { sessions, masked }) => (Seen::Present(sessions), masked),
        Err(error) => (Seen::Unreadable(causes(&error)), None),
    };
    let pods = match within {
        Some((cluster, namespace)) => Seen::from_result(cluster.pods_by_address(namespace).await.map(Some)),
        None => Seen::Absent,
    };
    LockFacts {
        database: database.name().to_owned(),
        role: database.connector().location().user.clone(),
        blocked: postgres_room::blocked(database).await,
        held: postgres_room::held_locks(database).await,
        sessions,
        masked,
        prepared: postgres_room::prepared_transactions(database).await,
        superusers: Seen::from_result(postgres_room::superusers(database).await.map(Some)),
        pods,
        probed: Vec::new(),
        unprobed: None,
    }
}
