//! Leaving an act that somebody no longer wants: what a dropped future cannot do itself, because it takes time.

use std::time::Duration;

use postgres_room::{APPLICATION_PREFIX, Admin, RestoreName};

use crate::restore::{RestoreError, kept_name};
use crate::{Server, script};

/// How long ending our sessions may take: the server may be the thing that is wrong, and somebody waits.
const LEAVE_TIME: Duration = Duration::from_secs(15);

/// Ends every session that this [`Server`]'s tag names: for a [`crate::create`] that was dropped before its end. Tries
/// once and never fails; a lost client's session ends by itself a little later.
pub async fn end_own_sessions(server: &Server) {
    let application = format!("{APPLICATION_PREFIX}{}", server.tag);
    let mut said = tokio::io::sink();
    let arguments = [application.as_str()];
    // By another name than those that are to be ended: the script spares its own session in any case.
    let database = &server.location.database;
    let end = server.run(
        script::END_ALL,
        database,
        "leave",
        &arguments,
        |feed| feed,
        &mut said,
    );
    let _ = tokio::time::timeout(LEAVE_TIME, end).await;
}

/// What became of a restore that was dropped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// The database in use was not touched; the new one was taken away.
    Nothing,
    /// The swap had been done already: the restored database is in use and the one before is kept.
    Swapped,
}

/// Takes away what a dropped [`crate::restore`] with this id had made. Where it had swapped already, that stays.
///
/// # Errors
/// When the server cannot be asked, or the new database cannot be dropped; the next attempt with the same id takes it up.
pub async fn abandon_restore(server: &Server, id: &str) -> Result<Abandoned, RestoreError> {
    end_own_sessions(server).await;
    let live = server.location.database.as_str();
    let admin = Admin::open(&server.connector).await?;
    let entries = admin.databases().await?;
    let find = |name: &str| entries.iter().find(|entry| entry.name == name);
    let kept = kept_name(live, id);
    for entry in [find(live), find(&kept)].into_iter().flatten() {
        if !entry.allows_connections {
            admin.allow_connections(&entry.name, true).await?;
        }
    }
    if find(&kept).is_some() {
        return Ok(Abandoned::Swapped);
    }
    let incoming = RestoreName::new(live, id);
    if find(incoming.as_str()).is_some() {
        admin.terminate_sessions(incoming.as_str()).await?;
        admin.drop_restore(&incoming).await?;
    }
    Ok(Abandoned::Nothing)
}
