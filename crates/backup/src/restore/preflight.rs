//! What must hold before anything is created.

use model::Seen;
use postgres_room::replication;

use crate::Server;
use crate::ask::ask;
use crate::compare::session;

use super::{RestoreError, RestoreFrom};

/// Databases that belong to the server.
const RESERVED: [&str; 3] = ["postgres", "template0", "template1"];

/// Whether this may be put in this place at all.
pub(super) fn may_be_restored(
    server: &Server,
    from: RestoreFrom<'_>,
    foreign: bool,
) -> Result<(), RestoreError> {
    let database = server.location.database.as_str();
    if RESERVED.contains(&database) {
        return Err(RestoreError::Reserved(database.to_owned()));
    }
    let RestoreFrom::Backup(backup) = from else {
        return Ok(());
    };
    let manifest = &backup.manifest;
    let here = &server.probe.server;
    let same_server = match (&manifest.server.system_identifier, &here.system_identifier) {
        (Some(one), Some(other)) => one == other,
        // What cannot be told apart is not refused: the name has to do.
        (None, _) | (_, None) => true,
    };
    if !foreign && (manifest.database != database || !same_server) {
        let place = |name: &str, system: &Option<String>| match system {
            Some(system) if !same_server => format!("{name} on server {system}"),
            Some(_) | None => name.to_owned(),
        };
        return Err(RestoreError::Foreign {
            id: backup.id.to_string(),
            of: place(&manifest.database, &manifest.server.system_identifier),
            wanted: place(database, &here.system_identifier),
        });
    }
    if manifest.server.version_num / 10_000 > here.version_num / 10_000 {
        return Err(RestoreError::Newer {
            id: backup.id.to_string(),
            from: manifest.server.version.clone(),
            to: here.version.clone(),
        });
    }
    Ok(())
}

/// Whether a swap would break something that holds on to the database.
pub(super) async fn nothing_in_the_way(server: &Server) -> Result<(), RestoreError> {
    let database = server.location.database.as_str();
    let in_the_way = |what: String| RestoreError::InTheWay {
        database: database.to_owned(),
        what,
    };
    let session = session(&server.connector, database).await?;
    match replication(&session).await {
        Seen::Absent => {}
        Seen::Present(found) if found.is_empty() => {}
        Seen::Present(found) => return Err(in_the_way(format!("replication: {}", found.join(", ")))),
        Seen::Unreadable(why) => {
            return Err(in_the_way(format!(
                "replication, which cannot be ruled out: {why}"
            )));
        }
    }
    let query =
        "select gid::text from pg_catalog.pg_prepared_xacts where database = pg_catalog.current_database()";
    let rows = ask(&session, "read the prepared transactions", query, &[]).await?;
    if rows.is_empty() {
        Ok(())
    } else {
        let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        Err(in_the_way(format!("prepared transactions: {}", names.join(", "))))
    }
}
