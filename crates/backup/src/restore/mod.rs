//! Putting a database back: a new one is filled and checked, then takes the old one's name; the old one is kept.
//!
//! A process may die anywhere on this way. What it left is recognised by the names of the databases alone: a kept one
//! means that the swap was done (both renames are one transaction), a filled one is compared again, a half-filled one is
//! empty (it is filled in one transaction) and made anew.

mod error;
mod in_place;
mod kept;
mod names;
mod outlook;
mod owners;
mod preflight;
mod source;

use model::RestoreOptions;
use postgres_room::{Admin, DatabaseEntry, RestoreName, Swap};
use serde::{Deserialize, Serialize};

use crate::compare::{Comparison, Content, compare, session};
use crate::fill::{Checked, Ownership};
use crate::script::{self, last_words};
use crate::{Progress, Server};

pub use error::RestoreError;
pub use in_place::{IN_PLACE_LIMITS, only_in_place, restore_in_place};
pub use kept::{Kept, KeptAs, Loss, drop_kept, kept, loss, newest_backup};
use names::check_id;
pub use names::{kept_name, undone_name};
pub use outlook::Outlook;
use owners::{ownership, roles_are_there};
use preflight::{may_be_restored, nothing_in_the_way};
pub use source::RestoreFrom;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// The database that was put back.
    pub database: String,
    /// The name under which the one before is kept.
    pub kept_as: String,
    /// What was compared and found equal, in words.
    pub compared: Vec<String>,
    /// What the restored database holds, in words; empty where an earlier attempt had done it.
    pub content: String,
    /// To whom what was restored belongs, in words; empty as there.
    pub ownership: String,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// Whether an earlier attempt had already done it.
    pub done_before: bool,
}

/// What the new database was found to hold.
struct Filled {
    compared: Vec<String>,
    content: String,
}

/// A new id for a restore that begins now.
pub fn restore_id(now: jiff::Timestamp) -> String {
    format!("{}{:04x}", now.strftime("%Y%m%d%H%M%S"), rand::random::<u16>())
}

/// Restores a backup or a dump under the name of the server's database and swaps. Can be repeated after a kill at any
/// point.
///
/// # Errors
/// See [`RestoreError`].
pub async fn restore<'a>(
    server: &Server,
    from: impl Into<RestoreFrom<'a>>,
    request: &RestoreRequest,
    progress: Progress<'_>,
) -> Result<RestoreReport, RestoreError> {
    put_back(server, from.into(), request, progress).await
}

async fn put_back(
    server: &Server,
    from: RestoreFrom<'_>,
    request: &RestoreRequest,
    progress: Progress<'_>,
) -> Result<RestoreReport, RestoreError> {
    let live = server.location.database.as_str();
    let options = &request.options;
    check_id(&request.id)?;
    may_be_restored(server, from, options.foreign)?;
    let dump = from.dump()?;
    if options.jobs.is_some() && !dump.layout.takes_jobs() {
        return Err(RestoreError::OneAtATime(dump.name));
    }
    let ownership = ownership(&server.probe, options, &dump.layout);
    let admin = Admin::open(&server.connector).await?;
    let entries = admin.databases().await?;
    let names = Swap {
        live: live.to_owned(),
        incoming: RestoreName::new(live, &request.id).as_str().to_owned(),
        keep_as: kept_name(live, &request.id),
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
        return Ok(done_before(live, names.keep_as));
    }
    nothing_in_the_way(server).await?;
    let outlook = outlook(server, from).await;
    if let (Outlook::Ahead { .. }, false) = (&outlook, options.older_image) {
        return Err(RestoreError::OlderImage(outlook.words()));
    }
    let create_roles = options.create_roles;
    let mut notes = roles_are_there(
        server,
        &admin,
        from.manifest(),
        &ownership,
        create_roles,
        progress,
    )
    .await?;
    notes.extend(collations(server, live).await);
    let incoming = RestoreName::new(live, &request.id);
    let found = find(&entries, incoming.as_str()).is_some();
    let filled = match take_up(server, &admin, from, &incoming, found, progress).await? {
        Some(filled) => filled,
        None => {
            progress("reading the dump from end to end before it is used", None);
            let checked = dump.check(server).await?;
            if from.manifest().is_none() {
                checked.read_to_end(server).await?;
            }
            let way = Way {
                ownership: &ownership,
                jobs: options.jobs,
            };
            fill_new(server, &admin, from, &checked, &way, &incoming, progress).await?
        }
    };
    progress("gathering statistics for the planner", None);
    analyze(server, incoming.as_str()).await?;
    progress("carrying over the settings and privileges of the database", None);
    admin.copy_properties(live, incoming.as_str()).await?;
    progress(&format!("swapping: {live} is kept as {}", names.keep_as), None);
    admin.swap(&names).await?;
    progress("swapped", None);
    Ok(RestoreReport {
        database: live.to_owned(),
        kept_as: names.keep_as,
        compared: filled.compared,
        content: filled.content,
        ownership: owners::words(&ownership, &server.probe.user),
        notes,
        done_before: false,
    })
}

/// What there is to say of a restore that an earlier attempt has done.
fn done_before(live: &str, kept_as: String) -> RestoreReport {
    RestoreReport {
        database: live.to_owned(),
        kept_as,
        compared: Vec::new(),
        content: String::new(),
        ownership: String::new(),
        notes: Vec::new(),
        done_before: true,
    }
}

/// Whether a restore would begin: everything that [`restore`] looks at before it makes anything, but for the dump itself,
/// so that nobody is stopped for a restore that would be refused. Changes nothing.
///
/// # Errors
/// As there.
pub async fn may_begin(
    server: &Server,
    from: RestoreFrom<'_>,
    options: &RestoreOptions,
) -> Result<(), RestoreError> {
    may_be_restored(server, from, options.foreign)?;
    let dump = from.dump()?;
    if options.jobs.is_some() && !dump.layout.takes_jobs() {
        return Err(RestoreError::OneAtATime(dump.name));
    }
    let admin = Admin::open(&server.connector).await?;
    let live = &server.location.database;
    if find(&admin.databases().await?, live).is_none() {
        return Err(RestoreError::NoDatabase(live.clone()));
    }
    nothing_in_the_way(server).await?;
    let missing = owners::missing(
        server,
        from.manifest(),
        &ownership(&server.probe, options, &dump.layout),
    )
    .await?;
    if missing.is_empty() || options.create_roles {
        Ok(())
    } else {
        Err(RestoreError::MissingRoles(missing))
    }
}

/// Reads a dump from end to end, as [`restore`] does before it makes anything: is it what its manifest says, or, if it is
/// somebody else's, a whole one that may be restored? Changes nothing.
///
/// # Errors
/// When it is not.
pub async fn read_dump(
    server: &Server,
    from: RestoreFrom<'_>,
    progress: Progress<'_>,
) -> Result<(), RestoreError> {
    progress("reading the dump from end to end before anybody is stopped", None);
    let dump = from.dump()?;
    let checked = dump.check(server).await?;
    if from.manifest().is_none() {
        checked.read_to_end(server).await?;
    }
    Ok(())
}

/// To whom what is restored would belong, in words.
///
/// # Errors
/// When the backup holds no dump.
pub fn ownership_words(
    server: &Server,
    from: RestoreFrom<'_>,
    options: &RestoreOptions,
) -> Result<String, RestoreError> {
    let chosen = ownership(&server.probe, options, &from.dump()?.layout);
    Ok(owners::words(&chosen, &server.probe.user))
}

/// What the running image will find in the dump, against the schema in use.
pub async fn outlook(server: &Server, from: RestoreFrom<'_>) -> Outlook {
    let dump = from.manifest().and_then(|manifest| manifest.migration.as_ref());
    match session(&server.connector, &server.location.database).await {
        Ok(session) => Outlook::judge(dump, &postgres_room::migration_state(&session, None).await),
        Err(error) => Outlook::Unknown(format!(
            "the database in use could not be asked: {}",
            model::causes(&error)
        )),
    }
}

/// What the library's newer rules for comparing text mean for the database in use. The restored one is built by them.
async fn collations(server: &Server, live: &str) -> Vec<String> {
    let found = match session(&server.connector, live).await {
        Ok(session) => postgres_room::collation_drift(&session).await,
        Err(_) => return Vec::new(),
    };
    match found {
        Ok(drifted) if drifted.is_empty() => Vec::new(),
        Ok(drifted) => vec![format!(
            "the database before was made under other rules for comparing text ({}), so its text indexes may be wrong; \
             those of the restored one were built anew",
            drifted.join(", ")
        )],
        Err(error) => vec![format!(
            "whether the rules for comparing text have changed is not known: {}",
            model::causes(&error)
        )],
    }
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
    if find(&entries, &swap.incoming).is_none() {
        if find(&entries, &swap.keep_as).is_none() {
            return Err(RestoreError::NothingKept {
                id: id.to_owned(),
                name: swap.incoming,
            });
        }
        // An earlier attempt may have been killed between the renames and letting sessions in.
        admin.swap(&swap).await?;
        return Ok(done_before(live, swap.keep_as));
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
    Ok(RestoreReport {
        done_before: false,
        ..done_before(live, swap.keep_as)
    })
}

/// What an earlier attempt left: a database that equals the backup is used, anything else is dropped.
async fn take_up(
    server: &Server,
    admin: &Admin,
    from: RestoreFrom<'_>,
    incoming: &RestoreName,
    found: bool,
    progress: Progress<'_>,
) -> Result<Option<Filled>, RestoreError> {
    if !found {
        return Ok(None);
    }
    let name = incoming.as_str();
    progress(&format!("looking at {name}, which an earlier attempt left"), None);
    // The earlier attempt may still be filling it.
    admin.allow_connections(name, true).await?;
    admin.terminate_sessions(name).await?;
    match compared(server, from, name).await {
        Ok((comparison, content)) if comparison.differences.is_empty() && !comparison.compared.is_empty() => {
            Ok(Some(Filled {
                compared: comparison.compared,
                content,
            }))
        }
        Ok(_) | Err(_) => {
            admin.drop_restore(incoming).await?;
            Ok(None)
        }
    }
}

/// How a new database is filled.
struct Way<'a> {
    ownership: &'a Ownership,
    jobs: Option<u16>,
}

async fn fill_new(
    server: &Server,
    admin: &Admin,
    from: RestoreFrom<'_>,
    checked: &Checked<'_>,
    way: &Way<'_>,
    incoming: &RestoreName,
    progress: Progress<'_>,
) -> Result<Filled, RestoreError> {
    let name = incoming.as_str();
    progress(&format!("creating {name}"), None);
    admin
        .create_database_like(incoming, &server.location.database)
        .await?;
    let filled = async {
        let chosen = owners::words(way.ownership, &server.probe.user);
        progress(
            &format!("filling {name} as {}: {chosen}", server.identity()),
            None,
        );
        checked.fill(server, name, way.ownership, way.jobs).await?;
        progress(&format!("comparing {name} with what it was filled from"), None);
        let (comparison, content) = compared(server, from, name).await?;
        if comparison.differences.is_empty() {
            Ok(Filled {
                compared: comparison.compared,
                content,
            })
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

/// Compares with the manifest, where there is one, and says what is there.
async fn compared(
    server: &Server,
    from: RestoreFrom<'_>,
    name: &str,
) -> Result<(Comparison, String), RestoreError> {
    let content = Content::look(&server.connector, name).await?;
    let comparison = from
        .manifest()
        .map(|manifest| compare(manifest, &content))
        .unwrap_or_default();
    let rows: i64 = content.rows.iter().map(|table| table.rows).sum();
    Ok((
        comparison,
        format!("{rows} rows in {} tables", content.rows.len()),
    ))
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
