//! The databases that restores left beside the one in use: telling them, and dropping one when a person wants that.

use postgres_room::{Admin, RestoreName};

use super::names::{check_id, id_in, kept_name, undone_name};
use super::{RestoreError, find};
use crate::ask::ask;
use crate::compare::session;
use crate::{Backup, Filter, Progress, Server, Store};

/// Why a database is beside the one in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptAs {
    /// It was in use before a restore.
    Before,
    /// It was restored and swapped out again.
    Undone,
    /// A restore that did not come to its end is filling it, or has.
    Unfinished,
}

/// A database beside the one in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The restore's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Why it is there.
    pub kept_as: KeptAs,
    /// Its size in bytes, where it may be known.
    pub bytes: Option<i64>,
    /// Sessions on it.
    pub sessions: i64,
}

/// What is kept of a server's database, by name.
///
/// # Errors
/// When the server cannot be asked.
pub async fn kept(server: &Server) -> Result<Vec<Kept>, RestoreError> {
    let live = server.location.database.as_str();
    let admin = Admin::open(&server.connector).await?;
    let entries = admin.databases().await?;
    let found = entries.into_iter().filter_map(|entry| {
        let id = id_in(&entry.name)?;
        let kept_as = [
            (KeptAs::Before, kept_name(live, id)),
            (KeptAs::Undone, undone_name(live, id)),
            (KeptAs::Unfinished, RestoreName::new(live, id).as_str().to_owned()),
        ]
        .into_iter()
        .find_map(|(kept_as, name)| (name == entry.name).then_some(kept_as))?;
        Some(Kept {
            id: id.to_owned(),
            kept_as,
            bytes: entry.bytes,
            sessions: entry.sessions,
            name: entry.name.clone(),
        })
    });
    Ok(found.collect())
}

/// What would be lost with a kept database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What is dropped.
    pub kept: Kept,
    /// How many tables it holds.
    pub tables: i64,
    /// How many tables the database in use holds.
    pub tables_in_use: i64,
}

/// Looks whether a kept database may be dropped: nobody is connected to it, and the database in use is well.
///
/// # Errors
/// When nothing is kept under this id, or the database in use is not well.
pub async fn loss(server: &Server, id: &str) -> Result<Loss, RestoreError> {
    check_id(id)?;
    let live = server.location.database.as_str();
    let all = kept(server).await?;
    if let Some(unfinished) = all.iter().find(|kept| kept.kept_as == KeptAs::Unfinished) {
        return Err(RestoreError::NotWell {
            database: live.to_owned(),
            why: format!("restore {} has not come to its end", unfinished.id),
        });
    }
    let found = all.into_iter().find(|kept| kept.id == id);
    let Some(found) = found else {
        return Err(RestoreError::NothingKept {
            id: id.to_owned(),
            name: kept_name(live, id),
        });
    };
    let not_well = |why: String| RestoreError::NotWell {
        database: live.to_owned(),
        why,
    };
    let admin = Admin::open(&server.connector).await?;
    match find(&admin.databases().await?, live) {
        Some(entry) if entry.allows_connections => {}
        Some(_) => return Err(not_well("it lets no sessions in".into())),
        None => return Err(not_well("it does not exist".into())),
    }
    let tables_in_use = tables(server, live)
        .await
        .map_err(|error| not_well(model::causes(&error)))?;
    let tables = tables(server, &found.name).await?;
    if tables > 0 && tables_in_use == 0 {
        return Err(not_well(format!(
            "it holds no tables, and {} holds {tables}",
            found.name
        )));
    }
    if found.sessions > 0 {
        return Err(RestoreError::InUse {
            name: found.name,
            sessions: found.sessions,
        });
    }
    Ok(Loss {
        kept: found,
        tables,
        tables_in_use,
    })
}

/// The newest proven backup of the server's database in a store, those aside that a restore test found to differ: without one,
/// nothing that could restore is dropped.
///
/// # Errors
/// When the store cannot be read.
pub async fn newest_backup(store: &Store, server: &Server) -> Result<Option<Backup>, crate::StoreError> {
    let filter = Filter {
        database: Some(server.location.database.clone()),
        ..Filter::default()
    };
    let system = &server.probe.server.system_identifier;
    let mut backups = store.list(&filter).await?;
    backups.retain(|backup| {
        let tested = backup.verifications.last();
        backup.manifest.base.is_none()
            && tested.is_none_or(|test| test.differences.is_empty())
            && backup.manifest.server.system_identifier == *system
            && system.is_some()
    });
    Ok(backups
        .into_iter()
        .max_by(|one, other| one.manifest.finished_at.cmp(&other.manifest.finished_at)))
}

/// Drops what [`loss`] looked at, after it looked again.
///
/// # Errors
/// As there, and when the server refuses.
pub async fn drop_kept(server: &Server, id: &str, progress: Progress<'_>) -> Result<Loss, RestoreError> {
    let loss = loss(server, id).await?;
    let admin = Admin::open(&server.connector).await?;
    progress(&format!("dropping {}", loss.kept.name), None);
    admin
        .drop_kept(&loss.kept.name, &server.location.database)
        .await?;
    Ok(loss)
}

async fn tables(server: &Server, database: &str) -> Result<i64, RestoreError> {
    let session = session(&server.connector, database).await?;
    let query =
        "select count(*) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'";
    let rows = ask(&session, "count the tables", query, &[]).await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}
