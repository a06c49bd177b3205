//! A bounded time in which nobody writes to a database: a session that holds every table against writers.
//!
//! The server itself ends it: with the session, when the client is gone, and at its limit, when the client hangs. Nothing
//! of it outlives a restart of the server, and anybody who may end the session ends it too.

use std::fmt;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio_postgres::error::SqlState;

use crate::{ConnectError, Connector, Database, QueryError, SessionOptions};

/// How often it is tried to get every table at once. Waiting for one while others are held could end in a deadlock, whose
/// victim might be an application's transaction.
const EVERY: Duration = Duration::from_millis(200);

/// The tables that applications write to.
const TABLES: &str = "select pg_catalog.format('%I.%I', n.nspname, c.relname) from pg_catalog.pg_class c \
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    where c.relkind in ('r', 'p') and c.relpersistence <> 't' \
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1";

/// Why there is no hold. Nothing is held then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HoldError {
    /// No session.
    #[error("failed to open a session that keeps writers away")]
    Connect(#[source] ConnectError),
    /// Somebody wrote all the time.
    #[error(
        "within {} s there was no moment in which no transaction had written to {database} without being finished",
        .patience.as_secs()
    )]
    Busy {
        /// The database.
        database: String,
        /// How long was tried.
        patience: Duration,
    },
    /// The server refused.
    #[error("failed to keep writers away from {database}")]
    Refused {
        /// The database.
        database: String,
        /// Why.
        #[source]
        source: QueryError,
    },
}

/// Holds every table of a database against writers, who wait meanwhile; readers are not touched. Dropped, it ends.
pub struct Hold {
    database: Database,
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hold").field(&self.database).finish()
    }
}

impl Hold {
    /// Takes every table in the mode SHARE, all at once or none, for at most `limit`. Tries for as long as `patience`.
    ///
    /// # Errors
    /// See [`HoldError`].
    pub async fn begin(
        connector: &Connector,
        limit: Duration,
        patience: Duration,
    ) -> Result<Self, HoldError> {
        let options = SessionOptions {
            statement_timeout: Duration::ZERO,
            ..SessionOptions::default()
        };
        let database = connector.connect(&options).await.map_err(HoldError::Connect)?;
        let refused = |source| HoldError::Refused {
            database: database.name().to_owned(),
            source,
        };
        let begun = Instant::now();
        loop {
            let tables = database.texts("list the tables", TABLES).await.map_err(refused)?;
            let lock = if tables.is_empty() {
                String::new()
            } else {
                format!("lock table only {} in share mode nowait", tables.join(", only "))
            };
            let limit = limit.as_millis();
            let sql = format!("begin; set local idle_in_transaction_session_timeout = {limit}; {lock}");
            match database.texts("hold the tables", &sql).await {
                Ok(_) => return Ok(Self { database }),
                Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {}
                Err(error) => return Err(refused(error)),
            }
            database.texts("let go", "rollback").await.map_err(refused)?;
            if begun.elapsed() > patience {
                return Err(HoldError::Busy {
                    database: database.name().to_owned(),
                    patience,
                });
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Lets writers go on. Says whether they had been kept away until now.
    pub async fn end(self) -> bool {
        self.database.texts("let go", "commit").await.is_ok()
    }
}
