//! A file from here into a pod.

use std::path::Path;

use crate::feed::Feed;
use crate::script::{self, nonce};
use crate::transfer::size_in_words;
use crate::{Progress, Runner};

use super::checksum::sums;
use super::part::local;
use super::remote::{look, run_error, safe, trailer};
use super::{CopiedFile, FileError, FileProof, named};

/// Copies a file from here to where the runner runs: beside its destination first, which it becomes only after size and
/// hash agree there.
///
/// # Errors
/// See [`FileError`]. What was at the destination is as it was, and the part is taken away where that can be reached.
pub async fn put_file(
    runner: &dyn Runner,
    source: &Path,
    path: &str,
    overwrite: bool,
    progress: Progress<'_>,
) -> Result<CopiedFile, FileError> {
    let metadata = std::fs::metadata(source).map_err(local("read", source))?;
    if !metadata.is_file() {
        return Err(FileError::NoFile {
            file: source.display().to_string(),
            what: "a folder or a device",
        });
    }
    // Before anything is sent; what comes into being meanwhile is found at the other end.
    match look(runner, path).await {
        Ok(_) if !overwrite => return Err(FileError::Taken(named(runner, path))),
        Ok(_) | Err(FileError::Absent(_) | FileError::Unreadable(_)) => {}
        Err(error) => return Err(error),
    }
    let here = sums(source, None).await.map_err(local("read", source))?;
    let file = tokio::fs::File::open(source)
        .await
        .map_err(local("read", source))?;
    progress(&format!("sending {}", size_in_words(here.bytes)), None);

    let target = safe(path);
    let part = format!("{target}.part-{:08x}", rand::random::<u32>());
    let nonce = nonce();
    let arguments = [
        nonce.clone(),
        target,
        part.clone(),
        here.bytes.to_string(),
        here.sha256.clone(),
        here.cksum.to_string(),
        format!("{:o}", mode(&metadata)),
        if overwrite { "yes" } else { "no" }.to_owned(),
    ];
    let input = Box::new(Feed::new(None).with_body(file));
    let mut nothing = tokio::io::sink();
    let unfinished = Unfinished { runner, part };
    let end = runner
        .run(script::FILE_WRITE, &arguments, input, &mut nothing)
        .await;
    let end = match end {
        Ok(end) => end,
        Err(error) => {
            unfinished.forget().await;
            return Err(run_error(runner, error));
        }
    };
    let (said, words) = trailer(runner, Ok(end), &nonce)?;
    let file = || named(runner, path);
    let remote = |doing| FileError::Remote {
        doing,
        file: file(),
        words: words.clone(),
    };
    let there = || said.text("sum").to_owned();
    match said.text("state") {
        "done" => {}
        "exists" => return Err(FileError::Taken(file())),
        "folder" => return Err(FileError::Folder(file())),
        "link" => return Err(FileError::Link(file())),
        "part" => return Err(FileError::Busy(file())),
        "special" => {
            return Err(FileError::NoFile {
                file: file(),
                what: "a device, pipe or socket",
            });
        }
        "short" => {
            return Err(FileError::Short {
                file: file(),
                sent: here.bytes,
                arrived: said.bytes("bytes").unwrap_or_default(),
            });
        }
        "differs" if said.text("proof") == FileProof::Sha256.word() => {
            return Err(FileError::Differs {
                file: file(),
                proof: FileProof::Sha256.word(),
                there: there(),
                here: here.sha256,
            });
        }
        "differs" => {
            return Err(FileError::Differs {
                file: file(),
                proof: FileProof::Cksum.word(),
                there: there(),
                here: here.cksum.to_string(),
            });
        }
        "mode" => return Err(remote("set the mode of")),
        "rename" => return Err(remote("give its name to")),
        _ => return Err(remote("write")),
    }
    let proof = match said.text("proof") {
        "sha256" => FileProof::Sha256,
        "cksum" => FileProof::Cksum,
        _ => FileProof::Bytes,
    };
    Ok(CopiedFile {
        bytes: here.bytes,
        sha256: here.sha256,
        proof,
        resumed: 0,
        grown: 0,
        mode_kept: true,
    })
}

/// A part that must not stay when nobody knows how its writer ended.
struct Unfinished<'a> {
    runner: &'a dyn Runner,
    part: String,
}

impl Unfinished<'_> {
    async fn forget(self) {
        let mut nothing = tokio::io::sink();
        let input = Box::new(Feed::new(None));
        // The place may be gone with everything in it; then there is nothing to take away.
        let _ = self
            .runner
            .run(script::FILE_FORGET, &[self.part], input, &mut nothing)
            .await;
    }
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode(_metadata: &std::fs::Metadata) -> u32 {
    // What the other system calls a private file.
    0o600
}
