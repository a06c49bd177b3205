//! Making a backup.

mod all;
mod attempt;
mod error;
mod examine;
mod facts;
pub(crate) mod judge;
mod pace;
pub(crate) mod room;
mod stream;
mod watch;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use model::{API_VERSION, BackupFile, BackupFormat, BackupManifest, BackupProof, BackupRelease};
use postgres_room::{ConnectError, Hold, Snapshot};

use crate::artefacts::{ArtefactsRequest, Taken, take};
use crate::server::Codec;
use crate::settings::{SETTINGS, Settings};
use crate::store::Draft;
use crate::transfer::{hash, size_in_words};
use crate::{Backup, BackupId, Place, Progress, Server, Store};

pub use all::databases;
use attempt::attempt;
pub use error::CreateError;
use examine::{Examined, examine};
use facts::Facts;
use judge::judge;
pub use pace::LONG_DUMP;
use room::Packed;
use stream::{DumpRequest, Dumped, dump, globals, measure};
use watch::{Watched, watch};

/// How long pg_dump waits for the lock on a table before it gives up: long enough for ordinary statements, short
/// enough that a backup that waits behind a migration says so while somebody is looking.
pub const LOCK_WAIT: Duration = Duration::from_secs(30);

/// The roles and tablespaces of the server, as SQL.
pub(crate) const GLOBALS: &str = "globals.sql";

/// What to back up, and what to write beside it.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// The backup's id, chosen by the caller so that a repeated act can find what an earlier one made.
    pub id: BackupId,
    /// Whose backup.
    pub place: Place,
    /// Why: `before upgrade to 1.2.3`, or what the user said.
    pub reason: String,
    /// Who makes it: run id or `user@host`.
    pub made_by: String,
    /// The release at this time, where known.
    pub release: Option<BackupRelease>,
    /// How long to wait for each table's lock; see [`LOCK_WAIT`].
    pub lock_wait: Duration,
    /// How the dump is laid out.
    pub format: BackupFormat,
    /// Whether and how it is packed on its way.
    pub packing: Packing,
}

/// How a dump is packed on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Packing {
    /// The best that the place has and can afford: zstd, else gzip, else nothing.
    #[default]
    Best,
    /// Not at all.
    None,
}

/// Dumps the database into the store and proves it: exit status, byte count and hash at both ends, archive read to its
/// end. Only then is the manifest published. Holds a few MiB, whatever the size. A dump whose transport ends without a
/// word is tried a second time, from the beginning.
///
/// # Errors
/// See [`CreateError`]; what had been written is removed and our sessions are ended.
pub async fn create(
    server: &Server,
    store: &Store,
    request: &CreateRequest,
    progress: Progress<'_>,
) -> Result<Backup, CreateError> {
    create_with(server, store, request, &Beside::default(), progress).await
}

/// What is taken beside a dump, of the same moment.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Volumes and buckets.
    pub artefacts: Option<ArtefactsRequest>,
    /// How long writers may be kept away at most, from the dump's moment until the artefacts are taken; not at all where
    /// nothing is said.
    pub quiesce: Option<Duration>,
}

/// Like [`create`], with artefacts of the same moment in the same manifest.
///
/// # Errors
/// As there.
pub async fn create_with(
    server: &Server,
    store: &Store,
    request: &CreateRequest,
    beside: &Beside,
    progress: Progress<'_>,
) -> Result<Backup, CreateError> {
    if server.probe.server.in_recovery {
        return Err(CreateError::Standby {
            database: request.place.database.clone(),
        });
    }
    let prepared = prepare(server, request, progress).await?;
    attempt(server, store, request, beside, &prepared, progress).await
}

/// What is settled before a dump begins.
struct Prepared {
    examined: Examined,
    packed: Packed,
    /// What no dump carries.
    left_out: Vec<String>,
}

/// Looks at what the dump will meet, refuses what would end badly, and says what to expect.
async fn prepare(
    server: &Server,
    request: &CreateRequest,
    progress: Progress<'_>,
) -> Result<Prepared, CreateError> {
    let (examined, room) = examine(server).await?;
    let database = &request.place.database;
    let left_out = judge(database, &server.probe, server.route(), request.format, &examined)?;
    for what in &left_out {
        progress(&format!("the dump will not carry {what}"), None);
    }
    let packed = room
        .pack(request.packing, request.format, examined.tables.len(), |tool| {
            server.probe.has(tool)
        })
        .map_err(|crowded| CreateError::Crowded {
            left: crowded.left >> 20,
            needed: crowded.needed >> 20,
        })?;
    if let Some(reason) = &packed.reason {
        progress(&format!("the dump is not packed on its way: {reason}"), None);
    }
    for holder in &examined.locks {
        let table = holder.table.as_deref().unwrap_or("a table");
        progress(
            &format!(
                "{table} is locked by {}: the dump will wait for it",
                holder.words()
            ),
            None,
        );
    }
    let bytes = examined.bytes();
    if bytes >= pace::MEASURED_FROM {
        let way = measure(server).await;
        let is_packed = packed.codec != Codec::None || packed.own != "0";
        let expected = pace::expected(bytes, way, is_packed);
        progress(&pace::outlook(bytes, way, expected), None);
    }
    Ok(Prepared {
        examined,
        packed,
        left_out,
    })
}

/// What the server's container lacks for a dump beside the server, in words; `None` where it has room, or where that
/// cannot be told: then the dump itself will say.
pub(crate) async fn crowding(server: &Server) -> Option<String> {
    let (examined, room) = examine(server).await.ok()?;
    let has = |tool: &str| server.probe.has(tool);
    let crowded = room
        .pack(Packing::None, BackupFormat::Custom, examined.tables.len(), has)
        .err()?;
    Some(format!(
        "the server's container has {} MiB of memory left and a dump beside it needs {}",
        crowded.left >> 20,
        crowded.needed >> 20
    ))
}

async fn fill(
    server: &Server,
    draft: &Draft,
    request: &CreateRequest,
    beside: &Beside,
    prepared: &Prepared,
    progress: Progress<'_>,
) -> Result<BackupManifest, CreateError> {
    let hold = hold(server, request, beside, progress).await?;
    let started = Timestamp::now();
    let opened = Snapshot::open(&server.connector, None).await;
    let snapshot = shared(opened, beside.artefacts.is_some(), progress)?;
    let packed = &prepared.packed;
    let name = file_name(request.format, packed.codec);
    progress(
        &format!(
            "dumping {} ({} on the server) as {}, route {}",
            request.place.database,
            size_in_words(server.probe.database_bytes.unsigned_abs()),
            server.identity(),
            server.route().word()
        ),
        None,
    );
    let begun = Instant::now();
    let watched = Watched::default();
    let told = |bytes: u64| {
        let sight = watched.sight();
        let (words, share) = pace::told(
            &prepared.examined.tables,
            prepared.examined.bytes(),
            &sight,
            bytes,
            begun.elapsed(),
        );
        progress(&words, share);
    };
    // Text can be larger than what it is of, packed it is not.
    let text = if packed.codec == Codec::None { 2 } else { 1 };
    let expected = server.probe.database_bytes.unsigned_abs().saturating_mul(text);
    let sink = draft.sink(&name, expected, &told).await?;
    let wanted = DumpRequest {
        format: request.format,
        packed,
        lock_wait: request.lock_wait,
        snapshot: snapshot.as_ref().map_or("", Snapshot::id),
    };
    let dumping = dump(server, sink, &wanted);
    let observing = async { Ok(Facts::observe(server, snapshot.as_ref(), progress).await) };
    let taking = async {
        match &beside.artefacts {
            Some(wanted) => take(wanted, draft, &request.id, started, hold, progress)
                .await
                .map_err(|error| CreateError::Artefact(Box::new(error))),
            None => Ok(Taken::default()),
        }
    };
    let work = async { tokio::try_join!(dumping, observing, taking) };
    let watching = async {
        watch(server, &watched).await;
        std::future::pending::<()>().await;
    };
    let worked = tokio::select! {
        worked = work => worked,
        () = watching => unreachable!("whoever watches waits for the dump"),
    };
    let (dumped, facts, taken): (Dumped, Facts, Taken) =
        worked.map_err(|error| sort(error, &prepared.examined, &watched, request.lock_wait))?;
    if let Some(snapshot) = snapshot {
        // The dump holds the same view by now; a session that was lost on the way is no loss any more.
        let _ = snapshot.close().await;
    }
    let mut files = vec![dumped.file(&name, packed.codec.word())];
    files.extend(keep_globals(server, draft, progress).await?);
    if let Some(settings) = &facts.settings {
        files.push(keep_settings(draft, settings).await?);
    }
    progress(
        &format!("proven: {} in {}", size_in_words(dumped.stored.bytes), name),
        None,
    );
    files.extend(taken.files);
    Ok(BackupManifest {
        artefacts: taken.artefacts,
        ..manifest(server, request, prepared, facts, files, dumped.proof, started)
    })
}

/// The view that a dump shares. A dump can do without one, and takes its own moment then; what lies between that and the
/// artefacts would not be known.
fn shared(
    opened: Result<Snapshot, ConnectError>,
    artefacts: bool,
    progress: Progress<'_>,
) -> Result<Option<Snapshot>, CreateError> {
    match opened {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(source) if artefacts => Err(CreateError::Moment(Box::new(source))),
        Err(error) => {
            let why = model::causes(&error);
            progress(
                &format!("rows and schema are not recorded, because no session could be opened: {why}"),
                None,
            );
            Ok(None)
        }
    }
}

/// Keeps writers away, where that was asked for.
async fn hold(
    server: &Server,
    request: &CreateRequest,
    beside: &Beside,
    progress: Progress<'_>,
) -> Result<Option<Hold>, CreateError> {
    let Some(limit) = beside.quiesce else {
        return Ok(None);
    };
    let words = format!(
        "keeping writers away from {} until the artefacts are taken, {} s at most",
        request.place.database,
        limit.as_secs()
    );
    progress(&words, None);
    let held = Hold::begin(&server.connector, limit, request.lock_wait).await;
    held.map(Some).map_err(CreateError::Hold)
}

/// What a dump is called in its folder.
fn file_name(format: BackupFormat, codec: Codec) -> String {
    let ending = match format {
        BackupFormat::Custom => "pgc",
        BackupFormat::Directory => "tar",
        BackupFormat::Plain => "sql",
    };
    format!("dump.{ending}{}", codec.suffix())
}

/// Names who held what, where a dump ended because it waited too long.
fn sort(error: CreateError, examined: &Examined, watched: &Watched, lock_wait: Duration) -> CreateError {
    let CreateError::Program {
        program: stream::PG_DUMP,
        database,
        words,
        ..
    } = &error
    else {
        return error;
    };
    let mut holders = watched.waited_for();
    // A dump copies once it has every lock: what fails then has another reason.
    if watched.sight().copying.is_some() {
        return error;
    }
    if holders.is_empty() && words.to_lowercase().contains("lock") {
        holders.clone_from(&examined.locks);
    }
    if holders.is_empty() {
        return error;
    }
    let holders: Vec<String> = holders
        .iter()
        .map(|holder| {
            format!(
                "{} is held by {}",
                holder.table.as_deref().unwrap_or("a table"),
                holder.words()
            )
        })
        .collect();
    CreateError::Locked {
        database: database.clone(),
        seconds: lock_wait.as_secs(),
        holders: holders.join("; "),
    }
}

fn manifest(
    server: &Server,
    request: &CreateRequest,
    prepared: &Prepared,
    facts: Facts,
    files: Vec<BackupFile>,
    proof: BackupProof,
    started: Timestamp,
) -> BackupManifest {
    let (extensions, settings) = match facts.settings {
        Some(settings) => (settings.extensions, settings.settings),
        None => Default::default(),
    };
    BackupManifest {
        api_version: API_VERSION.into(),
        kind: "BackupManifest".into(),
        id: request.id.to_string(),
        cluster: request.place.cluster.clone(),
        namespace: request.place.namespace.clone(),
        server_name: request.place.server.clone(),
        database: request.place.database.clone(),
        server: server.probe.server.clone(),
        client_version: server.probe.client_version.clone(),
        started_at: started.to_string(),
        finished_at: Timestamp::now().to_string(),
        database_bytes: server.probe.database_bytes,
        files,
        format: request.format,
        route: server.route().word().into(),
        left_out: prepared.left_out.clone(),
        proof,
        rows: facts.rows,
        schema_hash: facts.schema_hash,
        migration: facts.migration,
        extensions,
        owners: facts.owners,
        grantees: facts.grantees,
        settings,
        base: None,
        release: request.release.clone(),
        made_by: request.made_by.clone(),
        reason: request.reason.clone(),
        encryption: None,
        keys: None,
        artefacts: Vec::new(),
    }
}

/// Roles are worth having but not worth a backup: where they may not be read, they are left out and said to be.
async fn keep_globals(
    server: &Server,
    draft: &Draft,
    progress: Progress<'_>,
) -> Result<Option<BackupFile>, CreateError> {
    let sink = draft.sink(GLOBALS, 0, &|_| ()).await?;
    match globals(server, sink).await {
        Ok(dumped) => Ok(Some(dumped.file(GLOBALS, "none"))),
        Err(CreateError::Program { words, .. }) => {
            draft.leave_out(GLOBALS).await?;
            progress(&format!("the server's roles are not kept: {words}"), None);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn keep_settings(draft: &Draft, settings: &Settings) -> Result<BackupFile, CreateError> {
    let text = serde_json::to_vec_pretty(settings)
        .map_err(std::io::Error::from)
        .map_err(write_error(SETTINGS))?;
    let (sha256, bytes) = (hash(&text), text.len() as u64);
    draft.write(SETTINGS, text).await?;
    Ok(BackupFile {
        name: SETTINGS.into(),
        codec: "none".into(),
        bytes,
        sha256_stream: sha256.clone(),
        sha256_stored: sha256,
    })
}

fn write_error(path: &str) -> impl FnOnce(std::io::Error) -> CreateError {
    let path = path.to_owned();
    move |source| CreateError::Write { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_whose_moment_is_not_known_has_no_artefacts() {
        let refused = || {
            let pod = "db-0".to_owned();
            Err(ConnectError::NoCluster { pod })
        };
        let alone = shared(refused(), false, &|_, _| ()).unwrap();
        assert!(alone.is_none(), "a dump alone takes its own moment");
        let told = shared(refused(), true, &|_, _| ()).unwrap_err();
        assert!(matches!(told, CreateError::Moment(_)), "{told}");
    }
}
