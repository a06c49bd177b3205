//! Whether anybody has written to a server since a moment.
//!
//! It is not guessed from schema or counts: a migration may rewrite data and change neither. Postgres gives every
//! transaction that writes a number, on the whole server; a snapshot names the numbers given out and those still at
//! work. Where it reads the same before and after, nobody has written anything in between. In every other case somebody
//! may have, autovacuum among them: restoring without need costs time, not restoring with need costs data.

use postgres_room::QueryError;
use serde::{Deserialize, Serialize};

use crate::Server;
use crate::ask::ask;
use crate::compare::{LookError, session};

/// A moment in the life of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Anchor {
    /// The server; `None` where it does not say.
    system_identifier: Option<String>,
    /// `pg_current_snapshot()`: `xmin:xmax:at work`.
    snapshot: String,
}

/// The server could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("failed to ask which transactions have written")]
pub struct AnchorError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Anchor {
    /// This moment.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn take(server: &Server) -> Result<Self, AnchorError> {
        let snapshot = snapshot(server)
            .await
            .map_err(|error| AnchorError(Box::new(error)))?;
        Ok(Self {
            system_identifier: server.probe.server.system_identifier.clone(),
            snapshot,
        })
    }

    /// Whether certainly nobody has written since. What cannot be told counts as written.
    pub async fn holds(&self, server: &Server) -> bool {
        self.system_identifier.is_some() && Self::take(server).await.is_ok_and(|now| now == *self)
    }
}

async fn snapshot(server: &Server) -> Result<String, LookError> {
    let database = session(&server.connector, &server.location.database).await?;
    let query = "select pg_catalog.pg_current_snapshot()::text";
    let rows: Result<_, QueryError> = ask(&database, "read the snapshot", query, &[]).await;
    Ok(rows?.first().map(|row| row.get(0)).unwrap_or_default())
}
