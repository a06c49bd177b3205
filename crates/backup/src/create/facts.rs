//! What is written beside a dump, read in the dump's own view of the database.

use model::{MigrationState, Seen, TableRows};
use postgres_room::{Database, QueryError, Snapshot, quote_literal};

use crate::compare::{LOOKS, LookError, session};
use crate::settings::Settings;
use crate::{Progress, Server};

/// What the manifest says of the database. Empty where it could not be read; a backup is worth having without.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) rows: Vec<TableRows>,
    pub(super) schema_hash: String,
    pub(super) migration: Option<MigrationState>,
    pub(super) owners: Vec<String>,
    pub(super) grantees: Vec<String>,
    pub(super) settings: Option<Settings>,
}

impl Facts {
    /// Reads what can be read and says what cannot.
    pub(super) async fn observe(
        server: &Server,
        snapshot: Option<&Snapshot>,
        progress: Progress<'_>,
    ) -> Self {
        let Some(snapshot) = snapshot else {
            return Self::default();
        };
        let mut look = 1;
        loop {
            match reader(server, snapshot).await {
                Ok(database) => {
                    let facts = Self::read(&database, progress).await;
                    if look == LOOKS || !database.client().is_closed() {
                        return facts;
                    }
                    progress("the session was lost: looking again", None);
                }
                Err(error) if look == LOOKS => {
                    progress(
                        &format!("rows and schema are not recorded: {}", model::causes(&error)),
                        None,
                    );
                    return Self::default();
                }
                Err(_) => {}
            }
            look += 1;
        }
    }

    async fn read(database: &Database, progress: Progress<'_>) -> Self {
        let told = |error: QueryError| progress(&format!("not recorded: {}", model::causes(&error)), None);
        // The counts come last: they take longest, and a failed statement ends the transaction for what follows.
        let schema_hash = postgres_room::schema_hash(database)
            .await
            .map_err(told)
            .unwrap_or_default();
        let migration = match postgres_room::migration_state(database, None).await {
            Seen::Present(state) => Some(state),
            Seen::Absent => None,
            Seen::Unreadable(why) => {
                progress(
                    &format!("the state of the migration tool is not recorded: {why}"),
                    None,
                );
                None
            }
        };
        let owners = postgres_room::owners(database)
            .await
            .map_err(told)
            .unwrap_or_default();
        let grantees = postgres_room::grantees(database)
            .await
            .map_err(told)
            .unwrap_or_default();
        let settings = Settings::observe(database).await.map_err(told).ok();
        let rows = postgres_room::row_counts(database)
            .await
            .map_err(told)
            .unwrap_or_default();
        Self {
            rows,
            schema_hash,
            migration,
            owners,
            grantees,
            settings,
        }
    }
}

/// A second session in the same view. A statement that fails ends its transaction; in the session that holds the view,
/// that would take the view away from pg_dump.
async fn reader(server: &Server, snapshot: &Snapshot) -> Result<Database, LookError> {
    let database = session(&server.connector, &server.location.database).await?;
    // A count that waits for a lock would outlive a program that was killed: nothing else makes the server look. On its
    // own: whatever stands before the beginning of a transaction in one message is taken as a part of it.
    let notice = "select pg_catalog.set_config(name, '5s', false) from pg_catalog.pg_settings \
                  where name = 'client_connection_check_interval' and pg_catalog.version() ~ 'linux'";
    let begin = format!(
        "begin transaction isolation level repeatable read, read only; set transaction snapshot {}",
        quote_literal(snapshot.id())
    );
    for statements in [notice, &begin] {
        database
            .client()
            .batch_execute(statements)
            .await
            .map_err(|error| QueryError {
                doing: "look at the database as the dump does".into(),
                error,
            })?;
    }
    Ok(database)
}
