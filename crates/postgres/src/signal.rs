//! Ending what a session does, or the session.

use std::error::Error;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;

use crate::{Admin, AdminError, Database, QueryError};

/// How long a session may take to heed a signal: it looks for one at its next wait or row.
const HEEDED: Duration = Duration::from_secs(10);

/// How often it is looked. Postgres offers nothing to watch.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What is asked of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `pg_cancel_backend`: give up the running statement. A session that is idle in its transaction has none to give up.
    Cancel,
    /// `pg_terminate_backend`: end.
    Terminate,
}

impl Signal {
    /// What the session is to do.
    pub fn words(self) -> &'static str {
        match self {
            Self::Cancel => "give up its statement",
            Self::Terminate => "end",
        }
    }
}

/// Why a session was not told, or did not heed.
#[derive(Debug, Error)]
pub enum SignalError {
    /// The server could not be asked; nobody was told.
    #[error("failed to tell the session")]
    Query(#[from] QueryError),
    /// Neither the application's role nor anybody else we can be may do it; nobody was told.
    #[error("failed to tell the session as somebody who may")]
    Admin(#[from] AdminError),
    /// It goes on.
    #[error("pid {pid} was told to {} and had not done so {} s later", signal.words(), HEEDED.as_secs())]
    NotHeeded {
        /// The process id.
        pid: i32,
        /// What it was told.
        signal: Signal,
    },
    /// It was told, or may have been; whether it heeds could not be asked.
    #[error("failed to learn whether pid {pid} heeds: it was told to {}", signal.words())]
    NotKnown {
        /// The process id.
        pid: i32,
        /// What it was told.
        signal: Signal,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl SignalError {
    /// Whether the session was told, or may have been.
    pub fn was_told(&self) -> bool {
        match self {
            Self::Query(_) | Self::Admin(_) => false,
            Self::NotHeeded { .. } | Self::NotKnown { .. } => true,
        }
    }
}

/// Tells the session of a process id, as the application's role or else as whoever may, and waits until it has heeded:
/// until it is gone, or runs another statement or none. One that is gone already has heeded, as has one that is to give up
/// its statement and runs none.
///
/// # Errors
/// See [`SignalError`].
pub async fn signal(database: &Database, pid: i32, signal: Signal) -> Result<(), SignalError> {
    let Some(before) = doing(database, pid).await? else {
        return Ok(());
    };
    if signal == Signal::Cancel && before.is_none() {
        return Ok(());
    }
    let not_known = |source: Box<dyn Error + Send + Sync>| SignalError::NotKnown { pid, signal, source };
    let sql = match signal {
        Signal::Cancel => "select pg_cancel_backend($1)",
        Signal::Terminate => "select pg_terminate_backend($1)",
    };
    match database.query("tell the session", sql, &[&pid]).await {
        Ok(_) => {}
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            let admin = Admin::open(database.connector()).await?;
            let told = match signal {
                Signal::Cancel => admin.cancel(database.name(), &[pid]).await,
                Signal::Terminate => admin.terminate(database.name(), &[pid]).await.map(drop),
            };
            match told {
                Ok(()) => {}
                Err(error) if is_refusal(&error) => return Err(error.into()),
                Err(error) => return Err(not_known(error.into())),
            }
        }
        Err(error) if error.code().is_some() => return Err(error.into()),
        Err(error) => return Err(not_known(error.into())),
    }
    let deadline = Instant::now() + HEEDED;
    loop {
        let now = doing(database, pid)
            .await
            .map_err(|error| not_known(error.into()))?;
        let heeded = match signal {
            Signal::Cancel => now.as_ref() != Some(&before),
            Signal::Terminate => now.is_none(),
        };
        if heeded {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(SignalError::NotHeeded { pid, signal });
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Whether the server has refused, so that nobody was told.
fn is_refusal(error: &AdminError) -> bool {
    match error {
        AdminError::Query(error) => error.code().is_some(),
        AdminError::NoIdentity { .. }
        | AdminError::Connect { .. }
        | AdminError::Missing { .. }
        | AdminError::Taken { .. }
        | AdminError::NotOurs { .. } => true,
        // What psql says may as well be that its connection was lost.
        AdminError::Psql { .. }
        | AdminError::Exec { .. }
        | AdminError::Answer { .. }
        | AdminError::SessionsRemain { .. }
        | AdminError::StillClosed { .. } => false,
    }
}

/// Which statement a session runs, by its beginning; `None` where the session is gone.
async fn doing(database: &Database, pid: i32) -> Result<Option<Option<String>>, QueryError> {
    let rows = database
        .query(
            "look what the session does",
            "select case when state = 'active' then query_start::text end from pg_stat_activity \
             where pid = $1 and datname = current_database()",
            &[&pid],
        )
        .await?;
    Ok(rows.first().map(|row| row.get(0)))
}
