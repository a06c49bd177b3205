//! Whether the archives of a backup's artefacts are what they were: read to their end, byte for byte.

use std::io::{self, Read};

use model::{ArtefactKept, BackupFile};
use sha2::{Digest as _, Sha256};
use tokio_util::io::SyncIoBridge;

use crate::server::Codec;
use crate::transfer::{hex, is_damage};
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
            Err(Unread::Damaged(error)) => {
                let words = format!("{words}: {file} cannot be read to its end: {error}");
                checked.differences.push(words);
            }
            Err(Unread::Store(error)) => return Err(error),
        }
    }
    Ok(checked)
}

/// Why an archive was not read to its end.
#[derive(Debug)]
enum Unread {
    /// It is not what was written.
    Damaged(io::Error),
    /// The store did not give it, or it is packed in a way that this version does not know: that says nothing of what is stored.
    Store(StoreError),
}

/// The hash of a file as it is stored, and of what is in it.
async fn read(backup: &Backup, file: &BackupFile) -> Result<(String, String), Unread> {
    let lost = |source| Unread::Store(StoreError::io_at("read", backup.file_uri(&file.name))(source));
    let unknown = || {
        let words = format!("it is packed with {:?}, which is not known", file.codec);
        lost(io::Error::new(io::ErrorKind::Unsupported, words))
    };
    let codec = Codec::from_word(&file.codec).ok_or_else(unknown)?;
    let stream = backup.read(file, 0..file.bytes).await.map_err(Unread::Store)?;
    let stream = SyncIoBridge::new(stream);
    let reading = tokio::task::spawn_blocking(move || hashes(codec, stream));
    match reading.await.map_err(|error| lost(io::Error::other(error)))? {
        Ok(hashes) => Ok(hashes),
        Err((error, true)) => Err(Unread::Damaged(error)),
        Err((error, false)) => Err(lost(error)),
    }
}

/// The hash of what is read, and of what is in it; with an error, whether what is stored is to blame.
fn hashes(codec: Codec, from: impl Read) -> Result<(String, String), (io::Error, bool)> {
    let mut packed = Hashing::new(from);
    let read = unpacked(codec, &mut packed).and_then(|archive| {
        // What follows the last frame belongs to the file, too.
        io::copy(&mut packed, &mut io::sink())?;
        Ok(archive)
    });
    match read {
        Ok(archive) => Ok((hex(&packed.hash.finalize()), archive)),
        Err(error) => Err((error, !packed.lost)),
    }
}

fn unpacked(codec: Codec, packed: &mut impl Read) -> io::Result<String> {
    match codec {
        Codec::Zstd => hash_of(zstd::Decoder::new(packed)?),
        Codec::Gzip => hash_of(flate2::read::MultiGzDecoder::new(packed)),
        Codec::None => hash_of(packed),
    }
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
    /// Whether it could not be read, for a reason that says nothing of what is stored.
    lost: bool,
}

impl<R> Hashing<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            hash: Sha256::new(),
            lost: false,
        }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer);
        let count = read.inspect_err(|error| self.lost = !is_damage(error))?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives some bytes, and then an error.
    struct Breaking(io::Cursor<Vec<u8>>, io::ErrorKind);

    impl Read for Breaking {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(self.1.into()),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn a_store_that_breaks_off_is_no_damage_and_a_cut_file_is() {
        let whole = zstd::encode_all(&b"the files of a volume"[..], 3).unwrap();
        let half = || io::Cursor::new(whole[..whole.len() / 2].to_vec());
        for (kind, damaged) in [
            (io::ErrorKind::TimedOut, false),
            (io::ErrorKind::Other, false),
            (io::ErrorKind::UnexpectedEof, true),
        ] {
            for codec in [Codec::Zstd, Codec::None] {
                let (error, is_damaged) = hashes(codec, Breaking(half(), kind)).unwrap_err();
                assert_eq!(is_damaged, damaged, "{kind:?} {codec:?} {error}");
            }
        }
        let (error, is_damaged) = hashes(Codec::Zstd, half()).unwrap_err();
        assert!(is_damaged, "{error}");
        assert!(hashes(Codec::Zstd, &whole[..]).is_ok());
    }
}
