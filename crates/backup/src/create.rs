//! Making a backup.

mod facts;
mod stream;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use model::{API_VERSION, BackupFile, BackupFormat, BackupManifest, BackupProof, BackupRelease};
use postgres_room::Snapshot;
use thiserror::Error;

use crate::settings::{SETTINGS, Settings};
use crate::store::Draft;
use crate::transfer::{hash, size_in_words};
use crate::{Backup, BackupId, Place, Progress, RunError, Server, Store, StoreError, end_own_sessions};

use facts::Facts;
use stream::{Dumped, dump, globals};

/// How long pg_dump waits for the lock on a table before it gives up: long enough for ordinary statements, short
/// enough that a backup that waits behind a migration says so while somebody is looking.
pub const LOCK_WAIT: Duration = Duration::from_secs(30);

/// The roles and tablespaces of the server, as SQL.
const GLOBALS: &str = "globals.sql";

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

/// Why there is no backup. Whatever the reason, nothing that looks like one was left.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The server is a standby.
    #[error("{database} is on a standby, where a dump may be cancelled at any time: name the primary")]
    Standby {
        /// The database.
        database: String,
    },
    /// The store cannot be written.
    #[error("failed to keep the backup")]
    Store(#[from] StoreError),
    /// A file of the store cannot be written: a full disk, for one.
    #[error("failed to write {path}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The stream broke off.
    #[error("the dump of {database} did not arrive whole")]
    Stream {
        /// The database.
        database: String,
        /// Why.
        #[source]
        source: RunError,
    },
    /// A program of the pipeline failed.
    #[error("{program} ended with status {status} while dumping {database}: {words}")]
    Program {
        /// Which.
        program: &'static str,
        /// How it ended; -1 where that was never known.
        status: i32,
        /// The database.
        database: String,
        /// Its last words.
        words: String,
    },
    /// The place where the dump ran did not say what it had sent.
    #[error("the dump of {database} ended without its proof: {words}")]
    NoProof {
        /// The database.
        database: String,
        /// The last words.
        words: String,
    },
    /// Both ends do not agree.
    #[error("the dump of {database} changed on its way: {difference}")]
    Changed {
        /// The database.
        database: String,
        /// What differs.
        difference: String,
    },
}

/// Dumps the database into the store and proves it: exit status, byte count and hash at both ends, archive read to its
/// end. Only then is the manifest published. Holds a few MiB, whatever the size.
///
/// # Errors
/// See [`CreateError`]; what had been written is removed and our sessions are ended.
pub async fn create(
    server: &Server,
    store: &Store,
    request: &CreateRequest,
    progress: Progress<'_>,
) -> Result<Backup, CreateError> {
    if server.probe.server.in_recovery {
        return Err(CreateError::Standby {
            database: request.place.database.clone(),
        });
    }
    let draft = store.draft(&request.place, &request.id)?;
    let made = fill(server, draft, request, progress).await;
    if made.is_err() {
        end_own_sessions(server).await;
    }
    made
}

async fn fill(
    server: &Server,
    draft: Draft,
    request: &CreateRequest,
    progress: Progress<'_>,
) -> Result<Backup, CreateError> {
    let started = Timestamp::now();
    let snapshot = match Snapshot::open(&server.connector, None).await {
        Ok(snapshot) => Some(snapshot),
        Err(error) => {
            let why = model::causes(&error);
            progress(
                &format!("rows and schema are not recorded, because no session could be opened: {why}"),
                None,
            );
            None
        }
    };
    let codec = server.probe.codec();
    let name = format!("dump.pgc{}", codec.suffix());
    progress(
        &format!(
            "dumping {} ({} on the server) as {}",
            request.place.database,
            size_in_words(server.probe.database_bytes.unsigned_abs()),
            server.identity()
        ),
        None,
    );
    let begun = Instant::now();
    let told = |bytes: u64| {
        let rate = bytes as f64 / begun.elapsed().as_secs_f64().max(0.001);
        progress(
            &format!(
                "received {}, {}/s",
                size_in_words(bytes),
                size_in_words(rate as u64)
            ),
            None,
        );
    };
    let partial = draft.partial(&name);
    let dumping = dump(
        server,
        &partial,
        codec,
        request.lock_wait,
        snapshot.as_ref().map_or("", Snapshot::id),
        &told,
    );
    let observing = async { Ok(Facts::observe(server, snapshot.as_ref(), progress).await) };
    let (dumped, facts): (Dumped, Facts) = tokio::try_join!(dumping, observing)?;
    if let Some(snapshot) = snapshot {
        // The dump holds the same view by now; a session that was lost on the way is no loss any more.
        let _ = snapshot.close().await;
    }
    draft.keep(&name)?;
    let mut files = vec![dumped.file(&name, codec.word())];
    files.extend(keep_globals(server, &draft, progress).await?);
    if let Some(settings) = &facts.settings {
        files.push(keep_settings(&draft, settings)?);
    }
    progress(
        &format!("proven: {} in {}", size_in_words(dumped.stored.bytes), name),
        None,
    );
    let backup = draft.publish(manifest(server, request, facts, files, dumped.proof, started))?;
    Ok(backup)
}

fn manifest(
    server: &Server,
    request: &CreateRequest,
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
        left_out: Vec::new(),
        proof,
        rows: facts.rows,
        schema_hash: facts.schema_hash,
        migration: facts.migration,
        extensions,
        owners: facts.owners,
        grantees: facts.grantees,
        settings,
        release: request.release.clone(),
        made_by: request.made_by.clone(),
        reason: request.reason.clone(),
    }
}

/// Roles are worth having but not worth a backup: where they may not be read, they are left out and said to be.
async fn keep_globals(
    server: &Server,
    draft: &Draft,
    progress: Progress<'_>,
) -> Result<Option<BackupFile>, CreateError> {
    match globals(server, &draft.partial(GLOBALS)).await {
        Ok(dumped) => {
            draft.keep(GLOBALS)?;
            Ok(Some(dumped.file(GLOBALS, "none")))
        }
        Err(CreateError::Program { words, .. }) => {
            draft.leave_out(GLOBALS);
            progress(&format!("the server's roles are not kept: {words}"), None);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn keep_settings(draft: &Draft, settings: &Settings) -> Result<BackupFile, CreateError> {
    let text = serde_json::to_vec_pretty(settings)
        .map_err(std::io::Error::from)
        .map_err(write_error(&draft.partial(SETTINGS)))?;
    draft.write(SETTINGS, &text)?;
    let sha256 = hash(&text);
    Ok(BackupFile {
        name: SETTINGS.into(),
        codec: "none".into(),
        bytes: text.len() as u64,
        sha256_stream: sha256.clone(),
        sha256_stored: sha256,
    })
}

fn write_error(path: &Path) -> impl FnOnce(std::io::Error) -> CreateError {
    let path = path.display().to_string();
    move |source| CreateError::Write { path, source }
}
