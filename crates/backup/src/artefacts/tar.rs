//! A volume as a tar archive on its way into a backup, and the proof that it arrived.

use std::time::Instant;

use model::BackupFile;

use super::ArtefactError;
use super::place::{Hand, folder};
use crate::feed::Feed;
use crate::script::{self, Trailer, last_words, nonce};
use crate::server::Codec;
use crate::store::Draft;
use crate::transfer::{Passed, size_in_words};
use crate::{Progress, RunEnd};

/// How tar says that a file was not the same when it had been read.
const CHANGED: [&str; 3] = [
    "file changed as we read it",
    "removed before we read it",
    "File shrank",
];

/// A file system may hold far more than the volume, and what is expected sizes the parts of an upload.
const EXPECTED_AT_MOST: u64 = 1 << 40;

/// An archive that was proven to have arrived and to be whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Archive {
    pub(super) file: BackupFile,
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) changed: bool,
}

/// Copies a folder of a volume into a draft.
pub(super) async fn copy(
    hand: &Hand,
    volume: &str,
    path: Option<&str>,
    name: &str,
    draft: &Draft,
    progress: Progress<'_>,
) -> Result<Archive, ArtefactError> {
    let place = hand.runner.place();
    let missing = |source| ArtefactError::Unpack {
        volume: volume.to_owned(),
        source,
    };
    hand.tools
        .need(&place, &["tar", "tee", "wc", "sha256sum"])
        .map_err(missing)?;
    let codec = [Codec::Zstd, Codec::Gzip]
        .into_iter()
        .find(|codec| hand.tools.has(codec.word()))
        .unwrap_or(Codec::None);
    let name = format!("{name}{}", codec.suffix());
    let begun = Instant::now();
    let told = |bytes: u64| {
        let rate = bytes as f64 / begun.elapsed().as_secs_f64().max(0.001);
        let words = format!(
            "{volume}: received {}, {}/s",
            size_in_words(bytes),
            size_in_words(rate as u64)
        );
        progress(&words, None);
    };
    let mut sink = draft
        .sink(&name, hand.used_bytes.min(EXPECTED_AT_MOST), &told)
        .await?;
    let nonce = nonce();
    let arguments = [nonce.clone(), codec.word().to_owned(), folder(path)];
    let input = Box::new(Feed::new(None));
    let ended = hand
        .runner
        .run(script::ARTEFACT_TAR, &arguments, input, &mut sink)
        .await;
    if let Some(source) = sink.take_failure() {
        return Err(ArtefactError::Write {
            path: sink.uri().to_owned(),
            source,
        });
    }
    let end = ended.map_err(|source| ArtefactError::Stream {
        volume: volume.to_owned(),
        source,
    })?;
    let received = sink.finish().await?;
    judge(volume, &end, &nonce, &name, codec, received)
}

/// Whether what was received, and is stored, is all of what was sent by programs that all ended well.
fn judge(
    volume: &str,
    end: &RunEnd,
    nonce: &str,
    name: &str,
    codec: Codec,
    received: Passed,
) -> Result<Archive, ArtefactError> {
    let volume = volume.to_owned();
    let words = last_words(&end.stderr_tail);
    let Some(trailer) = Trailer::find(&end.stderr_tail, nonce).filter(|_| end.exit_code == 0) else {
        return Err(ArtefactError::NoProof { volume, words });
    };
    // Of a volume in use files may go or change while they are read; that is told, and no failure.
    let changed = trailer.status("tar") == 1 && only_changes(&end.stderr_tail);
    let reader = "tar, reading the archive to its end,";
    for (key, program) in [("tar", "tar"), ("pack", codec.word()), ("read", reader)] {
        let status = trailer.status(key);
        if status != 0 && !(key == "tar" && changed) {
            return Err(ArtefactError::Program {
                program,
                status,
                volume,
                words,
            });
        }
    }
    let differs = |difference| ArtefactError::Changed {
        volume: volume.clone(),
        difference,
    };
    if trailer.bytes("bytes") != Some(received.bytes) {
        let sent = trailer.text("bytes");
        return Err(differs(format!(
            "{sent} bytes were sent and {} received",
            received.bytes
        )));
    }
    if trailer.text("sha256") != received.sha256 {
        let sent = trailer.text("sha256");
        return Err(differs(format!(
            "sha256 {sent} was sent and {} received",
            received.sha256
        )));
    }
    let (Some(entries), Some(bytes)) = (trailer.bytes("entries"), trailer.bytes("archive_bytes")) else {
        return Err(ArtefactError::NoProof { volume, words });
    };
    Ok(Archive {
        file: BackupFile {
            name: name.to_owned(),
            codec: codec.word().to_owned(),
            bytes: received.bytes,
            sha256_stream: received.sha256.clone(),
            sha256_stored: received.sha256,
        },
        entries,
        bytes,
        sha256: trailer.text("archive_sha256").to_owned(),
        changed,
    })
}

/// Whether tar complained of nothing else.
fn only_changes(stderr: &str) -> bool {
    let mut lines = stderr.lines().filter(|line| line.starts_with("tar:")).peekable();
    lines.peek().is_some() && lines.all(|line| CHANGED.iter().any(|change| line.contains(change)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(stderr: &str) -> Result<Archive, ArtefactError> {
        let end = RunEnd {
            exit_code: 0,
            stderr_tail: stderr.into(),
        };
        let received = Passed {
            bytes: 3,
            sha256: "ab".into(),
        };
        judge(
            "volume shop/u",
            &end,
            "N",
            "artefact-u.tar.zst",
            Codec::Zstd,
            received,
        )
    }

    const GOOD: &str =
        "N tar=0 pack=0 read=0 entries=2 archive_sha256=cd archive_bytes=9 sha256=ab bytes=3 end\n";

    #[test]
    fn an_archive_whose_ends_agree_is_proven_and_anything_less_is_not() {
        let archive = judged(GOOD).unwrap();
        assert_eq!((archive.entries, archive.bytes, archive.changed), (2, 9, false));
        let error = |from: &str, to: &str| judged(&GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(error("tar=0", "tar=2").contains("tar ended with status 2"));
        assert!(error("pack=0", "pack=1").contains("zstd ended with status 1"));
        assert!(error("read=0", "read=2").contains("reading the archive to its end"));
        assert!(error(" bytes=3", " bytes=4").contains("4 bytes were sent and 3 received"));
        assert!(error(" sha256=ab", " sha256=ac").contains("sha256 ac was sent"));
        assert!(error(" end", "").contains("without its proof"));
        assert!(error("entries=2", "entries=").contains("without its proof"));
    }

    #[test]
    fn a_file_that_changed_while_it_was_read_is_told_and_one_that_could_not_be_read_is_a_failure() {
        let with = |words: &str| judged(&format!("tar: {words}\n{}", GOOD.replace("tar=0", "tar=1")));
        assert!(with("./log: file changed as we read it").unwrap().changed);
        assert!(with("./x: Cannot open: Permission denied").is_err());
        let both = "./log: file changed as we read it\ntar: ./x: Cannot open: Permission denied";
        assert!(with(both).is_err());
        assert!(judged(&GOOD.replace("tar=0", "tar=1")).is_err());
    }
}
