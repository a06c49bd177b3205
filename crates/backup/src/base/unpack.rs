//! A copy on its way from the store into a folder of a pod.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::BackupFile;
use thiserror::Error;
use tokio::io::AsyncRead;
use tokio_util::io::SyncIoBridge;

use crate::feed::Feed;
use crate::script::{self, Trailer, last_words, nonce};
use crate::server::Codec;
use crate::{Backup, RunError, Runner, StoreError};

/// Between the store and what unpacks.
const PIPE: usize = 1 << 20;

/// Why a copy is not where it should be.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It is a dump, or another program's.
    #[error("backup {0} is no copy of a server")]
    NoCopy(String),
    /// The place lacks a program.
    #[error("{place} has no {program}")]
    Missing {
        /// Where.
        place: String,
        /// Which.
        program: &'static str,
    },
    /// A command could not be run.
    #[error("failed to run a command in the helper pod")]
    Run(#[from] RunError),
    /// The store does not give the archive.
    #[error("failed to read the copy")]
    Store(#[from] StoreError),
    /// A program failed.
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
    #[error("unpacking ended without its proof: {0}")]
    NoProof(String),
    /// What arrived is not what the manifest says.
    #[error("the copy is damaged: sha256 {found} instead of {expected}")]
    Damaged {
        /// What the manifest says.
        expected: String,
        /// What arrived.
        found: String,
    },
}

/// What a pod can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tools {
    there: BTreeSet<String>,
    /// The server's major version; `None` where there is no server.
    pub(super) major: Option<i32>,
}

impl Tools {
    pub(crate) async fn look(runner: &Arc<dyn Runner>) -> Result<Self, UnpackError> {
        let (text, _) = run(runner, script::BASE_TOOLS, &[]).await?;
        let there = text
            .lines()
            .filter_map(|line| line.strip_prefix("tool "))
            .map(str::to_owned)
            .collect();
        let major = text
            .lines()
            .find_map(|line| line.strip_prefix("version "))
            .and_then(|version| version.parse().ok());
        Ok(Self { there, major })
    }

    /// Whether there is a program.
    pub(crate) fn has(&self, program: &str) -> bool {
        self.there.contains(program)
    }

    /// Names the first program that is missing.
    pub(crate) fn need(&self, place: &str, programs: &[&'static str]) -> Result<(), UnpackError> {
        match programs.iter().find(|program| !self.there.contains(**program)) {
            None => Ok(()),
            Some(program) => Err(UnpackError::Missing {
                place: place.to_owned(),
                program,
            }),
        }
    }
}

/// Runs a script without input; what it said, and its last words.
pub(crate) async fn run(
    runner: &Arc<dyn Runner>,
    script: &str,
    arguments: &[&str],
) -> Result<(String, crate::RunEnd), RunError> {
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    let mut said = Vec::new();
    let end = runner
        .run(script, &arguments, Box::new(Feed::new(None)), &mut said)
        .await?;
    Ok((String::from_utf8_lossy(&said).into_owned(), end))
}

/// An archive of a backup, packed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<'a> {
    pub(crate) file: &'a BackupFile,
    pub(crate) codec: Codec,
    /// Its size unpacked.
    pub(crate) archive_bytes: u64,
    /// Its hash unpacked.
    pub(crate) archive_sha256: &'a String,
}

/// Unpacks the archive of a copy of a server.
pub(super) async fn unpack(
    runner: &Arc<dyn Runner>,
    tools: &Tools,
    backup: &Backup,
    folder: &str,
) -> Result<(), UnpackError> {
    let no_copy = || UnpackError::NoCopy(backup.id.to_string());
    let base = backup.manifest.base.as_ref().ok_or_else(no_copy)?;
    let file = backup.manifest.files.first().ok_or_else(no_copy)?;
    let archive = Packed {
        file,
        codec: Codec::from_word(&file.codec).ok_or_else(no_copy)?,
        archive_bytes: base.archive_bytes,
        archive_sha256: &base.archive_sha256,
    };
    unpack_archive(runner, tools, backup, archive, folder).await
}

/// Unpacks an archive into a folder that is made for it. Every byte is hashed where it arrives and compared with the
/// manifest.
pub(crate) async fn unpack_archive(
    runner: &Arc<dyn Runner>,
    tools: &Tools,
    backup: &Backup,
    archive: Packed<'_>,
    folder: &str,
) -> Result<(), UnpackError> {
    let Packed {
        file,
        codec,
        archive_bytes,
        archive_sha256,
    } = archive;
    tools.need(&runner.place(), &["tar", "head", "tee", "wc", "sha256sum"])?;
    let packed = backup.read(file, 0..file.bytes).await?;
    let there = codec == Codec::None || tools.there.contains(codec.word());
    let (body, codec, bytes, expected): (Box<dyn AsyncRead + Unpin + Send>, _, _, _) = if there {
        (Box::new(packed), codec, file.bytes, &file.sha256_stored)
    } else {
        (
            Box::new(unpacked_here(packed, codec)),
            Codec::None,
            archive_bytes,
            archive_sha256,
        )
    };
    let nonce = nonce();
    let arguments = [nonce.as_str(), codec.word(), &bytes.to_string(), folder].map(str::to_owned);
    let feed = Feed::new(None).with_body(body);
    let end = runner
        .run(
            script::BASE_UNPACK,
            &arguments,
            Box::new(feed),
            &mut tokio::io::sink(),
        )
        .await?;
    let words = || last_words(&end.stderr_tail);
    let Some(trailer) = Trailer::find(&end.stderr_tail, &nonce).filter(|_| end.exit_code == 0) else {
        return Err(UnpackError::NoProof(words()));
    };
    if trailer.bytes("bytes") == Some(bytes) && trailer.text("sha256") != expected {
        return Err(UnpackError::Damaged {
            expected: expected.clone(),
            found: trailer.text("sha256").to_owned(),
        });
    }
    for (key, program) in [("unpack", codec.word()), ("tar", "tar")] {
        if trailer.status(key) != 0 {
            return Err(UnpackError::Program {
                program,
                status: trailer.status(key),
                words: words(),
            });
        }
    }
    if trailer.bytes("bytes") != Some(bytes) {
        let arrived = trailer.text("bytes");
        return Err(UnpackError::NoProof(format!(
            "{arrived} of {bytes} bytes arrived"
        )));
    }
    Ok(())
}

/// Unpacks on this side, for a place that cannot.
fn unpacked_here(
    packed: impl AsyncRead + Unpin + Send + 'static,
    codec: Codec,
) -> impl AsyncRead + Unpin + Send {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    tokio::task::spawn_blocking(move || {
        let packed = SyncIoBridge::new(packed);
        let mut sink = SyncIoBridge::new(theirs);
        // A broken archive ends the stream early, which the byte count and the hash bring to light.
        let _ = match codec {
            Codec::Zstd => zstd::stream::copy_decode(packed, &mut sink),
            Codec::Gzip => std::io::copy(&mut flate2::read::MultiGzDecoder::new(packed), &mut sink).map(drop),
            Codec::None => Ok(()),
        };
        let _ = sink.shutdown();
    });
    ours
}
