//! One look at everything that migration tools recorded.

use model::{MigrationFacts, Seen, UnreadableMigrations};

use super::find::{Found, Part, find};
use super::{locks, read};
use crate::{Database, QueryError};

/// What every migration tool recorded in the database. Only reads, under the session's own timeouts. `Unreadable` where
/// the catalogue could not be read; a single table that could not be read is told among the facts.
pub async fn migrations(database: &Database) -> Seen<MigrationFacts> {
    Seen::from_result(look(database).await.map(Some))
}

async fn look(database: &Database) -> Result<MigrationFacts, QueryError> {
    let tables = find(database).await?;
    let mut facts = MigrationFacts::default();
    let mut histories: Vec<&Found> = Vec::new();
    for found in tables.iter().filter(|found| found.part == Part::History) {
        match read::history(database, found).await {
            Ok(Some(history)) => {
                facts.histories.push(history);
                histories.push(found);
            }
            Ok(None) => {}
            Err(why) => {
                facts.unreadable.push(unreadable(found, why));
                histories.push(found);
            }
        }
    }
    let lock_tables: Vec<&Found> = tables.iter().filter(|found| found.part == Part::Lock).collect();
    for found in &lock_tables {
        match locks::rows(database, found).await {
            Ok(held) => facts.locks.extend(held),
            Err(why) => facts.unreadable.push(unreadable(found, why)),
        }
    }
    facts
        .locks
        .extend(locks::sessions(database, &histories, &lock_tables).await?);
    Ok(facts)
}

fn unreadable(found: &Found, why: String) -> UnreadableMigrations {
    UnreadableMigrations {
        tool: found.tool.tool,
        table: found.name.clone(),
        why,
    }
}
