//! Making a copy of a whole server.

use std::time::Instant;

use jiff::Timestamp;
use model::{API_VERSION, BackupFile, BackupManifest, BackupProof, BackupRelease, BaseFacts};
use postgres_room::Database;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::SyncIoBridge;

use super::inspect::{Inspected, inspect};
use super::look::Look;
use super::manifest::judge;
use super::tee::Tee;
use super::{BaseError, InspectError};
use crate::compare::session;
use crate::script::{self, Trailer, last_words, nonce};
use crate::server::Codec;
use crate::store::{Draft, Sink};
use crate::transfer::{Passed, size_in_words};
use crate::{Backup, BackupId, Place, Progress, RunEnd, Server, Store, end_own_sessions};

/// What leaves the server at most in a second, in KiB: as much as the server's own disk gives beside its work.
pub const DEFAULT_RATE: u32 = 300 << 10;

/// Between the stream and whoever reads it: a few of the largest pieces that come at once.
const PIPE: usize = 1 << 20;

/// Files that say how a server is set up, where they lie in the data directory.
const CONFIGURATION: [&str; 4] = [
    "postgresql.conf",
    "postgresql.auto.conf",
    "pg_hba.conf",
    "pg_ident.conf",
];

/// What to copy, and what to write beside it.
#[derive(Debug, Clone)]
pub struct BaseRequest {
    /// The backup's id.
    pub id: BackupId,
    /// Whose backup; the database is [`super::WHOLE_SERVER`].
    pub place: Place,
    /// Why.
    pub reason: String,
    /// Who makes it: `user@host`.
    pub made_by: String,
    /// The release at this time, where known.
    pub release: Option<BackupRelease>,
    /// KiB a second at most; `None` is as fast as it goes.
    pub rate: Option<u32>,
}

/// Copies the server into the store and proves the copy: exit status, byte count and hash at both ends, and every file in
/// the archive compared with the server's own list while it passes. Only then is the manifest published.
///
/// # Errors
/// See [`BaseError`]; what had been written is removed and our sessions are ended.
pub async fn create_base(
    server: &Server,
    store: &Store,
    request: &BaseRequest,
    progress: Progress<'_>,
) -> Result<Backup, BaseError> {
    if server.probe.server.in_recovery {
        return Err(BaseError::Standby);
    }
    let look = Look::at(server).await?;
    look.judge(&server.probe.user, &server.runner.place())?;
    let draft = store.draft(&request.place, &request.id).await?;
    match fill(server, &draft, request, &look, progress).await {
        Ok(manifest) => Ok(draft.publish(manifest).await?),
        Err(error) => {
            end_own_sessions(server).await;
            if let Err(left) = draft.discard().await {
                let words = model::causes(&left);
                progress(
                    &format!("what was written is no backup, but could not be removed: {words}"),
                    None,
                );
            }
            Err(error)
        }
    }
}

async fn fill(
    server: &Server,
    draft: &Draft,
    request: &BaseRequest,
    look: &Look,
    progress: Progress<'_>,
) -> Result<BackupManifest, BaseError> {
    let started = Timestamp::now();
    let codec = [Codec::Zstd, Codec::Gzip]
        .into_iter()
        .find(|codec| server.probe.can_unpack(*codec))
        .unwrap_or(Codec::None);
    let name = format!("base.tar{}", codec.suffix());
    progress(
        &format!(
            "copying the server ({} in its databases) as {}",
            size_in_words(look.bytes),
            server.identity()
        ),
        None,
    );
    for path in &look.elsewhere {
        progress(
            &format!("{path} lies outside the data directory and is not in the copy"),
            None,
        );
    }
    let slot = hold_wal(server, request, look, progress).await;
    let begun = Instant::now();
    let told = |bytes: u64| {
        let rate = bytes as f64 / begun.elapsed().as_secs_f64().max(0.001);
        let words = format!(
            "received {}, {}/s",
            size_in_words(bytes),
            size_in_words(rate as u64)
        );
        progress(&words, None);
    };
    let sink = draft.sink(&name, look.bytes, &told).await?;
    let (received, copy) = receive(server, request, codec, sink).await?;
    drop(slot);
    let judged = judge(&copy);
    if !judged.differences.is_empty() {
        return Err(BaseError::Differs(judged.differences));
    }
    same_system(&copy, server.probe.server.system_identifier.as_deref())?;
    progress(
        &format!(
            "proven: {} files in {name} ({}) are what the server's own list says",
            copy.files.len(),
            size_in_words(received.bytes)
        ),
        None,
    );
    let last = judged.wal.last().cloned();
    let base = BaseFacts {
        timeline: last.as_ref().map_or(0, |range| range.timeline),
        start_lsn: judged
            .wal
            .first()
            .map_or_else(String::new, |range| range.start.clone()),
        end_lsn: last.map_or_else(String::new, |range| range.end),
        data_checksums: look.data_checksums,
        administrator: look.administrator.clone(),
        file_count: copy.files.len() as u64,
        archive_bytes: copy.bytes,
        archive_sha256: copy.sha256.clone(),
        configuration: CONFIGURATION
            .into_iter()
            .filter(|name| copy.files.contains_key(*name))
            .map(str::to_owned)
            .collect(),
        configuration_elsewhere: look.elsewhere.clone(),
    };
    let file = BackupFile {
        name,
        codec: codec.word().into(),
        bytes: received.bytes,
        sha256_stream: received.sha256.clone(),
        sha256_stored: received.sha256,
    };
    Ok(manifest(server, request, look, base, file, started))
}

/// A session whose temporary slot keeps the server from recycling WAL that the copy will need at its end. Where it may
/// not be made, `wal_keep_size` has to do; a copy without its WAL fails and is never published.
async fn hold_wal(
    server: &Server,
    request: &BaseRequest,
    look: &Look,
    progress: Progress<'_>,
) -> Option<Database> {
    let name = format!(
        "safe_upgrade_{}",
        request.id.as_str().to_ascii_lowercase().replace('-', "_")
    );
    let held = async {
        let database = session(&server.connector, &server.location.database)
            .await
            .map_err(|error| model::causes(&error))?;
        let made = database
            .client()
            .execute(
                "select pg_catalog.pg_create_physical_replication_slot($1, true, true)",
                &[&name],
            )
            .await;
        made.map_err(|error| model::causes(&error))?;
        Ok::<_, String>(database)
    };
    match held.await {
        Ok(database) => Some(database),
        Err(why) => {
            let keep = &look.wal_keep;
            progress(
                &format!("no slot holds the WAL meanwhile (wal_keep_size is {keep}): {why}"),
                None,
            );
            None
        }
    }
}

/// Runs pg_basebackup; what comes goes into the store and, at the same time, through the reader that looks into it.
async fn receive(
    server: &Server,
    request: &BaseRequest,
    codec: Codec,
    mut sink: Sink<'_>,
) -> Result<(Passed, Inspected), BaseError> {
    let nonce = nonce();
    let rate = request.rate.map(|rate| rate.to_string()).unwrap_or_default();
    let label = format!("safe-upgrade {}", request.id);
    let arguments = [nonce.as_str(), codec.word(), &rate, &label];
    let (theirs, ours) = tokio::io::duplex(PIPE);
    let inspecting = tokio::task::spawn_blocking(move || inspect(SyncIoBridge::new(ours), codec));
    let database = server.location.database.as_str();
    let mut tee = Tee::new(&mut sink, theirs);
    let ended = server
        .run(script::BASE, database, "base", &arguments, |feed| feed, &mut tee)
        .await;
    let flushed = tee.shutdown().await;
    drop(tee);
    let inspected: Result<Inspected, InspectError> = inspecting
        .await
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    if let Some(source) = sink.take_failure() {
        let path = sink.uri().to_owned();
        return Err(BaseError::Write { path, source });
    }
    let end = match (ended, &inspected) {
        (Ok(end), _) => end,
        // The reader gave up first, and the stream broke because of that.
        (Err(_), Err(_)) => {
            return Err(BaseError::Inspect(
                inspected.err().unwrap_or(InspectError::NoManifest),
            ));
        }
        (Err(source), Ok(_)) => return Err(BaseError::Stream(source)),
    };
    let trailer = proven(&end, &nonce, codec)?;
    let copy = inspected?;
    if let Err(source) = flushed {
        let path = sink.uri().to_owned();
        return Err(BaseError::Write { path, source });
    }
    let received = sink.finish().await?;
    agree(&trailer, &received)?;
    Ok((received, copy))
}

/// What the other end says of what it sent, where every program there ended well.
fn proven(end: &RunEnd, nonce: &str, codec: Codec) -> Result<Trailer, BaseError> {
    let words = || last_words(&end.stderr_tail);
    let Some(trailer) = Trailer::find(&end.stderr_tail, nonce).filter(|_| end.exit_code == 0) else {
        return Err(BaseError::NoProof(words()));
    };
    for (key, program) in [("copy", "pg_basebackup"), ("pack", codec.word())] {
        if trailer.status(key) != 0 {
            return Err(BaseError::Program {
                program,
                status: trailer.status(key),
                words: words(),
            });
        }
    }
    Ok(trailer)
}

fn agree(trailer: &Trailer, received: &Passed) -> Result<(), BaseError> {
    if trailer.bytes("bytes") != Some(received.bytes) {
        let sent = trailer.text("bytes");
        return Err(BaseError::Changed(format!(
            "{sent} bytes were sent and {} received",
            received.bytes
        )));
    }
    if trailer.text("sha256") != received.sha256 {
        let sent = trailer.text("sha256");
        return Err(BaseError::Changed(format!(
            "sha256 {sent} was sent and {} received",
            received.sha256
        )));
    }
    Ok(())
}

/// Whether the copy is of the server that was asked. The first eight bytes of its control file are the system's
/// identifier, in the server's own order of bytes.
fn same_system(copy: &Inspected, expected: Option<&str>) -> Result<(), BaseError> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let first: Option<[u8; 8]> = copy.control.get(..8).and_then(|bytes| bytes.try_into().ok());
    let found =
        first.map(|bytes| [u64::from_le_bytes(bytes), u64::from_be_bytes(bytes)].map(|id| id.to_string()));
    match found {
        Some(found) if found.iter().any(|id| id == expected) => Ok(()),
        found => Err(BaseError::OtherSystem {
            found: found.map_or_else(|| "unknown".into(), |[little, _]| little),
            expected: expected.to_owned(),
        }),
    }
}

fn manifest(
    server: &Server,
    request: &BaseRequest,
    look: &Look,
    base: BaseFacts,
    file: BackupFile,
    started: Timestamp,
) -> BackupManifest {
    BackupManifest {
        api_version: API_VERSION.into(),
        kind: "BackupManifest".into(),
        id: request.id.to_string(),
        cluster: request.place.cluster.clone(),
        namespace: request.place.namespace.clone(),
        server_name: request.place.server.clone(),
        database: request.place.database.clone(),
        server: server.probe.server.clone(),
        client_version: look.client_version.clone(),
        started_at: started.to_string(),
        finished_at: Timestamp::now().to_string(),
        database_bytes: i64::try_from(look.bytes).unwrap_or(i64::MAX),
        files: vec![file],
        format: model::BackupFormat::Custom,
        route: server.route().word().into(),
        left_out: Vec::new(),
        proof: BackupProof {
            exit_status: 0,
            bytes_match: true,
            hash_match: true,
            read_to_end: true,
        },
        rows: Vec::new(),
        schema_hash: String::new(),
        migration: None,
        extensions: Default::default(),
        owners: Vec::new(),
        grantees: Vec::new(),
        settings: Vec::new(),
        base: Some(base),
        release: request.release.clone(),
        made_by: request.made_by.clone(),
        reason: request.reason.clone(),
        encryption: None,
        keys: None,
        artefacts: Vec::new(),
    }
}
