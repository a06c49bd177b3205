//! Everything about one database in one look.

use cluster::Cluster;
use model::{DatabaseFacts, DatabaseRoute, MigrationTool, Seen};

use super::server::role_can_swap;
use super::{
    blocked, database_size, free_bytes, health, held_locks, prepared_transactions, replication, server,
    sessions,
};
use crate::migrations::{chosen, migrations};
use crate::{Admin, Database, QueryError};

/// Everything about one database, in one look. What cannot be read is said in its place.
///
/// `tool` is the profile's word on the migration tool; the cluster serves for what only the pod knows (free bytes,
/// the socket's identity). All questions are sent at once.
///
/// # Errors
/// When the server's own words or the size cannot be read.
pub async fn facts(
    cluster: Option<&Cluster>,
    database: &Database,
    tool: Option<MigrationTool>,
) -> Result<DatabaseFacts, QueryError> {
    let (
        server,
        size_bytes,
        migrations,
        sessions,
        blocked,
        held_locks,
        prepared,
        replication,
        can_swap,
        free_bytes,
        health,
    ) = tokio::join!(
        server(database),
        database_size(database),
        migrations(database),
        sessions(database),
        blocked(database),
        held_locks(database),
        prepared_transactions(database),
        replication(database),
        can_swap(cluster, database),
        async {
            match cluster {
                Some(cluster) => free_bytes(cluster, database.connector().location()).await,
                None => Seen::Absent,
            }
        },
        // On the heap: it is many questions, and whoever waits for all this may have a small stack.
        Box::pin(health(database)),
    );
    Ok(DatabaseFacts {
        location: database.connector().location().clone(),
        server: server?,
        size_bytes: size_bytes?,
        migration: chosen(&migrations, tool),
        migrations,
        sessions,
        blocked,
        held_locks,
        prepared,
        can_swap,
        free_bytes,
        replication,
        health,
    })
}

/// Whether the application's role may swap, else whether the pod's socket lets somebody in who may.
async fn can_swap(cluster: Option<&Cluster>, database: &Database) -> Seen<bool> {
    match role_can_swap(database).await {
        Ok(true) => return Seen::Present(true),
        Ok(false) => {}
        Err(error) => return Seen::Unreadable(model::causes(&error)),
    }
    match (cluster, &database.connector().location().route) {
        (Some(cluster), DatabaseRoute::Pod { .. }) => {
            Admin::pod_can_swap(cluster, database.connector().location()).await
        }
        (None, DatabaseRoute::Pod { pod, .. }) => Seen::Unreadable(format!(
            "the socket of pod {pod} can only be asked through the cluster"
        )),
        (_, DatabaseRoute::Direct) => Seen::Present(false),
    }
}
