//! Whether the archives of a backup's artefacts are what they were: read to their end, byte for byte.

use std::io::{self, Read};

use model::{ArtefactKept, BackupFile};
use sha2::{Digest as _, Sha256};
use tokio_util::io::SyncIoBridge;

use crate::server::Codec;
use crate::transfer::hex;
use crate::{Backup, Progress, StoreError};

/// What one read moves.
const CHUNK: usize = 256 << 10;

/// What was found, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedArtefacts {
    /// Equal.
    pub compared: Vec<String>,
    /// Not equal.
    pub differences: Vec<String>,
    /// What is not in the backup's store, and was not looked at.
    pub left_out: Vec<String>,
}

/// Reads every archive to its end, unpacked, and compares it with the manifest. What lies elsewhere is named.
///
/// # Errors
/// When the store does not give them.
pub async fn check_artefacts(
    backup: &Backup,
    progress: Progress<'_>,
) -> Result<CheckedArtefacts, StoreError> {
    let mut checked = CheckedArtefacts::default();
    for artefact in &backup.manifest.artefacts {
        let words = artefact.of.words();
        let (file, expected, entries) = match &artefact.kept {
            ArtefactKept::Tar {
                file,
                archive_sha256,
                entries,
                ..
            } => (file, archive_sha256, entries),
            ArtefactKept::Snapshot { name, .. } => {
                checked
                    .left_out
                    .push(format!("{words}: VolumeSnapshot {name} is in the cluster"));
                continue;
            }
            ArtefactKept::Instant { .. } => {
                checked
                    .left_out
                    .push(format!("{words}: nothing of it is in the backup"));
                continue;
            }
        };
        let Some(stored) = backup.manifest.files.iter().find(|found| found.name == *file) else {
            checked
                .differences
                .push(format!("{words}: the backup has no file {file}"));
            continue;
        };
        progress(&format!("reading {file} to its end"), None);
        match read(backup, stored).await {
            Ok((packed, archive)) if packed == stored.sha256_stored && archive == *expected => {
                let equal = format!("{words}: {entries} entries, hash of the archive as stored and unpacked");
                checked.compared.push(equal);
            }
            Ok((packed, archive)) => {
                let stored = &stored.sha256_stored;
                checked.differences.push(format!(
                    "{words}: sha256 is {packed} as stored and {archive} unpacked, and was {stored} and {expected}"
                ));
            }
            Err(error) => {
                let words = format!("{words}: {file} cannot be read to its end: {error}");
                checked.differences.push(words);
            }
        }
    }
    Ok(checked)
}

/// The hash of a file as it is stored, and of what is in it.
async fn read(backup: &Backup, file: &BackupFile) -> io::Result<(String, String)> {
    let unknown = || io::Error::other(format!("it is packed with {:?}, which is not known", file.codec));
    let codec = Codec::from_word(&file.codec).ok_or_else(unknown)?;
    let stream = backup.read(file, 0..file.bytes).await.map_err(io::Error::other)?;
    let stream = SyncIoBridge::new(stream);
    let reading = tokio::task::spawn_blocking(move || {
        let mut packed = Hashing::new(stream);
        let archive = match codec {
            Codec::Zstd => hash_of(zstd::Decoder::new(&mut packed)?)?,
            Codec::Gzip => hash_of(flate2::read::MultiGzDecoder::new(&mut packed))?,
            Codec::None => hash_of(&mut packed)?,
        };
        // What follows the last frame belongs to the file, too.
        io::copy(&mut packed, &mut io::sink())?;
        Ok((hex(&packed.hash.finalize()), archive))
    });
    reading.await.map_err(io::Error::other)?
}

fn hash_of(from: impl Read) -> io::Result<String> {
    let mut hashing = Hashing::new(from);
    let mut chunk = vec![0; CHUNK];
    while hashing.read(&mut chunk)? > 0 {}
    Ok(hex(&hashing.hash.finalize()))
}

/// Hashes what is read.
struct Hashing<R> {
    from: R,
    hash: Sha256,
}

impl<R> Hashing<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            hash: Sha256::new(),
        }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}
