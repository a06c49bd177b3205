//! Putting a database back: a new one is filled and checked, then takes the old one's name; the old one is kept.
//!
//! A process may die anywhere on this way. What it left is recognised by the names of the databases alone: a kept one
//! means that the swap was done (both renames are one transaction), a filled one is compared again, a half-filled one is
//! empty (it is filled in one transaction) and made anew.

mod error;
mod names;
mod preflight;

use model::{BackupManifest, RestoreOptions};
use postgres_room::{Admin, DatabaseEntry, RestoreName, Swap};

use crate::compare::{Comparison, Content, compare};
use crate::fill::{Owners, check_dump, fill};
use crate::script::{self, last_words};
use crate::{Backup, Progress, Server};

pub use error::RestoreError;
use names::check_id;
pub use names::{kept_name, undone_name};
use preflight::{may_be_restored, nothing_in_the_way, roles_are_there};

/// Which restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRequest {
    /// Names this restore and the databases it makes: `<database>_restore_<id>` and `<database>_pre_<id>`. The same id
    /// takes up what an earlier, killed attempt left. Lower-case letters and digits, at most 24; see
    /// [`restore_id`].
    pub id: String,
    /// What a person answered.
    pub options: RestoreOptions,
}

/// A restore that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// The database that was put back.
    pub database: String,
    /// The name under which the one before is kept.
    pub kept_as: String,
    /// What was compared and found equal, in words.
    pub compared: Vec<String>,
    /// Whether an earlier attempt had already done it.
    pub done_before: bool,
}

/// A new id for a restore that begins now.
pub fn restore_id(now: jiff::Timestamp) -> String {
    format!("{}{:04x}", now.strftime("%Y%m%d%H%M%S"), rand::random::<u16>())
}

/// Restores a backup under the name of the server's database and swaps. Can be repeated after a kill at any point.
///
/// # Errors
/// See [`RestoreError`].
pub async fn restore(
    server: &Server,
    backup: &Backup,
    request: &RestoreRequest,
    progress: Progress<'_>,
) -> Result<RestoreReport, RestoreError> {
    let live = server.location.database.as_str();
    check_id(&request.id)?;
    may_be_restored(server, backup, request.options.foreign)?;
    let admin = Admin::open(&server.connector).await?;
    let entries = admin.databases().await?;
    let names = Swap {
        live: live.to_owned(),
        incoming: RestoreName::new(live, &request.id).as_str().to_owned(),
        keep_as: kept_name(live, &request.id),
    };
    let report = |compared, done_before| RestoreReport {
        database: live.to_owned(),
        kept_as: names.keep_as.clone(),
        compared,
        done_before,
    };
    let Some(entry) = find(&entries, live) else {
        return Err(RestoreError::NoDatabase(live.to_owned()));
    };
    if !entry.allows_connections {
        progress(
            "an earlier attempt ended while it swapped: letting sessions in again",
            None,
        );
        admin.allow_connections(live, true).await?;
    }
    if find(&entries, &names.keep_as).is_some() {
        if let Some(kept) = find(&entries, &names.keep_as).filter(|kept| !kept.allows_connections) {
            admin.allow_connections(&kept.name, true).await?;
        }
        return Ok(report(Vec::new(), true));
    }
    nothing_in_the_way(server).await?;
    roles_are_there(server, &backup.manifest).await?;
    let incoming = RestoreName::new(live, &request.id);
    let found = find(&entries, incoming.as_str()).is_some();
    let compared = match take_up(server, &admin, backup, &incoming, found, progress).await? {
        Some(compared) => compared,
        None => fill_new(server, &admin, backup, &incoming, progress).await?,
    };
    progress("gathering statistics for the planner", None);
    analyze(server, incoming.as_str()).await?;
    progress("carrying over the settings and privileges of the database", None);
    admin.copy_properties(live, incoming.as_str()).await?;
    progress(&format!("swapping: {live} is kept as {}", names.keep_as), None);
    admin.swap(&names).await?;
    progress("swapped", None);
    Ok(report(compared, false))
}

/// Swaps the database that a restore with this id had replaced back in; the restored one is kept as
/// `<database>_undone_<id>`. Can be repeated.
///
/// # Errors
/// When nothing is kept under that id, or the swap is refused.
pub async fn undo_restore(
    server: &Server,
    id: &str,
    progress: Progress<'_>,
) -> Result<RestoreReport, RestoreError> {
    let live = server.location.database.as_str();
    check_id(id)?;
    let admin = Admin::open(&server.connector).await?;
    let entries = admin.databases().await?;
    let swap = Swap {
        live: live.to_owned(),
        incoming: kept_name(live, id),
        keep_as: undone_name(live, id),
    };
    let report = |done_before| RestoreReport {
        database: live.to_owned(),
        kept_as: swap.keep_as.clone(),
        compared: Vec::new(),
        done_before,
    };
    if find(&entries, &swap.incoming).is_none() {
        return if find(&entries, &swap.keep_as).is_some() {
            Ok(report(true))
        } else {
            Err(RestoreError::NothingKept {
                id: id.to_owned(),
                name: swap.incoming,
            })
        };
    }
    if let Some(entry) = find(&entries, live).filter(|entry| !entry.allows_connections) {
        admin.allow_connections(&entry.name, true).await?;
    }
    nothing_in_the_way(server).await?;
    progress(
        &format!(
            "swapping {} back in; what is in use now is kept as {}",
            swap.incoming, swap.keep_as
        ),
        None,
    );
    admin.swap(&swap).await?;
    Ok(report(false))
}

/// What an earlier attempt left: a database that equals the backup is used, anything else is dropped.
async fn take_up(
    server: &Server,
    admin: &Admin,
    backup: &Backup,
    incoming: &RestoreName,
    found: bool,
    progress: Progress<'_>,
) -> Result<Option<Vec<String>>, RestoreError> {
    if !found {
        return Ok(None);
    }
    let name = incoming.as_str();
    progress(&format!("looking at {name}, which an earlier attempt left"), None);
    // The earlier attempt may still be filling it.
    admin.allow_connections(name, true).await?;
    admin.terminate_sessions(name).await?;
    let comparison = compared(server, &backup.manifest, name).await;
    match comparison {
        Ok(comparison) if comparison.differences.is_empty() && !comparison.compared.is_empty() => {
            Ok(Some(comparison.compared))
        }
        Ok(_) | Err(_) => {
            admin.drop_restore(incoming).await?;
            Ok(None)
        }
    }
}

async fn fill_new(
    server: &Server,
    admin: &Admin,
    backup: &Backup,
    incoming: &RestoreName,
    progress: Progress<'_>,
) -> Result<Vec<String>, RestoreError> {
    let name = incoming.as_str();
    progress("checking that the stored backup is what it was", None);
    check_dump(backup).await?;
    progress(&format!("creating {name}"), None);
    admin
        .create_database_like(incoming, &server.location.database)
        .await?;
    let filled = async {
        progress(&format!("filling {name} as {}", server.identity()), None);
        let owners = if server.probe.superuser {
            Owners::Keep
        } else {
            Owners::Drop
        };
        fill(server, backup, name, owners).await?;
        progress(&format!("comparing {name} with the backup"), None);
        let comparison = compared(server, &backup.manifest, name).await?;
        if comparison.differences.is_empty() {
            Ok(comparison.compared)
        } else {
            Err(RestoreError::Differs(comparison.differences))
        }
    }
    .await;
    if filled.is_err() {
        server.end_sessions("restore").await;
        // It is ours and nobody uses it; where it cannot be dropped, the next attempt does it.
        let _ = admin.drop_restore(incoming).await;
    }
    filled
}

async fn compared(
    server: &Server,
    manifest: &BackupManifest,
    name: &str,
) -> Result<Comparison, RestoreError> {
    Ok(compare(manifest, &Content::look(&server.connector, name).await?))
}

async fn analyze(server: &Server, name: &str) -> Result<(), RestoreError> {
    let mut said = tokio::io::sink();
    let end = server
        .run(script::ANALYZE, name, "analyze", &[], |feed| feed, &mut said)
        .await
        .map_err(RestoreError::Analyze)?;
    if end.exit_code == 0 {
        Ok(())
    } else {
        Err(RestoreError::AnalyzeRefused(last_words(&end.stderr_tail)))
    }
}

fn find<'a>(entries: &'a [DatabaseEntry], name: &str) -> Option<&'a DatabaseEntry> {
    entries.iter().find(|entry| entry.name == name)
}
