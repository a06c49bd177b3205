//! An archive on its way from a file into an empty database, and the proof that it arrived.

use model::BackupFile;
use thiserror::Error;
use tokio::io::{AsyncRead, BufReader};
use tokio_util::io::SyncIoBridge;

use crate::script::{self, Trailer, last_words, nonce};
use crate::server::Codec;
use crate::store::Incoming;
use crate::transfer::{Passed, pass};
use crate::{Backup, RunError, Server, StoreError};

/// How the owners and privileges in an archive are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owners {
    /// As they were: needs a superuser.
    Keep,
    /// Everything belongs to who restores.
    Drop,
}

/// Why an archive did not fill a database. The database holds nothing of it: it is filled in one transaction.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FillError {
    /// The backup has no dump that we can read.
    #[error("backup {0} holds no dump that can be read")]
    NoDump(String),
    /// The file cannot be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The store does not give it.
    #[error("failed to fetch the dump")]
    Store(#[from] StoreError),
    /// The file is not what it was.
    #[error("{path} is damaged: sha256 {found} instead of {expected}")]
    Damaged {
        /// The file.
        path: String,
        /// What the manifest says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The stream broke off.
    #[error("the archive did not arrive whole")]
    Stream(#[source] RunError),
    /// A program of the pipeline failed.
    #[error("{program} ended with status {status}: {words}")]
    Program {
        /// Which.
        program: &'static str,
        /// How it ended; -1 where that was never known.
        status: i32,
        /// Its last words.
        words: String,
    },
    /// The place did not say what had arrived.
    #[error("the restore ended without its proof: {0}")]
    NoProof(String),
    /// Both ends do not agree.
    #[error("the archive changed on its way: sha256 {sent} was sent and {arrived} arrived")]
    Changed {
        /// Here.
        sent: String,
        /// There.
        arrived: String,
    },
}

/// Fills an empty database with a backup's dump: all of it or nothing.
pub(crate) async fn fill(
    server: &Server,
    backup: &Backup,
    database: &str,
    owners: Owners,
) -> Result<(), FillError> {
    let (file, codec) = dump_file(backup)?;
    // Before anything is sent: a flipped byte in an uncompressed archive would go through pg_restore unseen.
    check(backup, file).await?;
    let (body, sent, codec) = if server.probe.can_unpack(codec) {
        let opened = backup.stream(&file.name, 0..file.bytes).await?;
        let passed = Passed {
            bytes: file.bytes,
            sha256: file.sha256_stored.clone(),
        };
        (opened, passed, codec)
    } else {
        // Unpacked twice: once to know how much will be sent, once to send it.
        let packed = || backup.stream(&file.name, 0..file.bytes);
        let mut counted = unpack(packed().await?, codec);
        let passed = pass(&mut counted, &mut tokio::io::sink())
            .await
            .map_err(read_error(backup, file))?;
        let body: Incoming = Box::pin(unpack(packed().await?, codec));
        (body, passed, Codec::None)
    };
    let nonce = nonce();
    let size = sent.bytes.to_string();
    let connection = connection_string(database);
    let owners = match owners {
        Owners::Keep => "keep",
        Owners::Drop => "drop",
    };
    let arguments = [nonce.as_str(), codec.word(), &size, &connection, owners];
    let mut said = tokio::io::sink();
    let end = server
        .run(
            script::RESTORE,
            database,
            "restore",
            &arguments,
            |feed| feed.with_body(body),
            &mut said,
        )
        .await
        .map_err(FillError::Stream)?;
    let words = || last_words(&end.stderr_tail);
    let Some(trailer) = Trailer::find(&end.stderr_tail, &nonce).filter(|_| end.exit_code == 0) else {
        return Err(FillError::NoProof(words()));
    };
    for (key, program) in [("restore", "pg_restore"), ("unpack", codec.word())] {
        if trailer.status(key) != 0 {
            return Err(FillError::Program {
                program,
                status: trailer.status(key),
                words: words(),
            });
        }
    }
    if trailer.bytes("bytes") != Some(sent.bytes) || trailer.text("sha256") != sent.sha256 {
        return Err(FillError::Changed {
            sent: sent.sha256,
            arrived: trailer.text("sha256").to_owned(),
        });
    }
    Ok(())
}

/// Whether the stored dump is still what the manifest says.
pub(crate) async fn check_dump(backup: &Backup) -> Result<(), FillError> {
    let (file, _) = dump_file(backup)?;
    check(backup, file).await
}

fn dump_file(backup: &Backup) -> Result<(&BackupFile, Codec), FillError> {
    backup
        .manifest
        .files
        .iter()
        .find(|file| file.name.starts_with("dump.pgc"))
        .and_then(|file| Some((file, Codec::from_word(&file.codec)?)))
        .ok_or_else(|| FillError::NoDump(backup.id.to_string()))
}

async fn check(backup: &Backup, file: &BackupFile) -> Result<(), FillError> {
    let mut stored = backup.stream(&file.name, 0..file.bytes).await?;
    let found = pass(&mut stored, &mut tokio::io::sink()).await;
    let found = found.map_err(read_error(backup, file))?;
    if found.sha256 == file.sha256_stored && found.bytes == file.bytes {
        return Ok(());
    }
    Err(FillError::Damaged {
        path: backup.file_uri(&file.name),
        expected: file.sha256_stored.clone(),
        found: found.sha256,
    })
}

/// A connection string that names one database, whatever the name holds: pg_restore would read a bare name with `=` in
/// it as a connection string of its own.
fn connection_string(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn unpack(packed: Incoming, codec: Codec) -> impl AsyncRead + Send + Unpin + use<> {
    const PIPE: usize = 1 << 20;
    let (ours, theirs) = tokio::io::duplex(PIPE);
    tokio::task::spawn_blocking(move || {
        let mut packed = SyncIoBridge::new(packed);
        let mut sink = SyncIoBridge::new(theirs);
        // A broken archive ends the stream early, which the byte count and the hash bring to light.
        let _ = match codec {
            Codec::Zstd => zstd::stream::copy_decode(packed, &mut sink),
            Codec::Gzip => std::io::copy(&mut flate2::read::MultiGzDecoder::new(packed), &mut sink).map(drop),
            Codec::None => std::io::copy(&mut packed, &mut sink).map(drop),
        };
        let _ = sink.shutdown();
    });
    BufReader::new(ours)
}

fn read_error(backup: &Backup, file: &BackupFile) -> impl FnOnce(std::io::Error) -> FillError + use<> {
    let path = backup.file_uri(&file.name);
    move |source| FillError::Read { path, source }
}

#[cfg(test)]
mod tests {
    use super::connection_string;

    #[test]
    fn a_database_s_name_stays_one_value_of_the_connection_string() {
        assert_eq!(connection_string("plain"), "dbname='plain'");
        assert_eq!(connection_string("a' host='evil"), r"dbname='a\' host=\'evil'");
        assert_eq!(connection_string(r"back\"), r"dbname='back\\'");
    }
}
