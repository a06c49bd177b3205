//! Parts of a run that do not fit into the head, cut into Secrets of their own.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::store::ask;
use super::{JournalError, JournalStore, PartEntry, StoreError};

/// Largest piece, in bytes. A Secret holds 1 MiB in base64-free terms, but the request that carries it is base64 and
/// etcd's own request limit is 1.5 MiB: half a MiB leaves room for both.
const PIECE_BYTES: usize = 512 * 1024;
/// How long a piece is tried again while the API server does not answer.
const PIECE_PATIENCE: Duration = Duration::from_secs(45);
/// The pause between two tries of a piece.
const PIECE_PAUSE: Duration = Duration::from_secs(1);

/// Stores a part piece by piece and says what to write into the head.
pub(super) async fn put(
    store: &dyn JournalStore,
    release: &str,
    run: &str,
    name: &str,
    bytes: &[u8],
) -> Result<PartEntry, JournalError> {
    let mut pieces = 0;
    for piece in bytes.chunks(PIECE_BYTES) {
        patiently(run, || store.put_piece(release, run, name, pieces, piece)).await?;
        pieces += 1;
    }
    Ok(PartEntry {
        name: name.to_owned(),
        bytes: bytes.len(),
        sha256: sha256(bytes),
        pieces,
    })
}

/// Puts the pieces of a part together again and compares them with what the head says.
pub(super) async fn get(
    store: &dyn JournalStore,
    release: &str,
    run: &str,
    entry: &PartEntry,
) -> Result<Vec<u8>, JournalError> {
    let damaged = |why: String| JournalError::DamagedPart {
        name: entry.name.clone(),
        why,
    };
    let mut bytes = Vec::with_capacity(entry.bytes);
    for index in 0..entry.pieces {
        let piece = patiently(run, || store.get_piece(release, run, &entry.name, index)).await?;
        let piece = piece.ok_or_else(|| damaged(format!("piece {index} of {} is gone", entry.pieces)))?;
        bytes.extend_from_slice(&piece);
    }
    if bytes.len() != entry.bytes {
        return Err(damaged(format!(
            "{} bytes instead of {}",
            bytes.len(),
            entry.bytes
        )));
    }
    if sha256(&bytes) != entry.sha256 {
        return Err(damaged("its sha256 is another".into()));
    }
    Ok(bytes)
}

async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(
    run: &str,
    request: impl Fn() -> F,
) -> Result<T, JournalError> {
    let begun = Instant::now();
    loop {
        match ask(&format!("run {run}"), request()).await {
            Err(StoreError::Unavailable { .. }) if begun.elapsed() < PIECE_PATIENCE => {
                tokio::time::sleep(PIECE_PAUSE).await;
            }
            result => {
                return result.map_err(|source| JournalError::Store {
                    run: run.to_owned(),
                    source,
                });
            }
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
