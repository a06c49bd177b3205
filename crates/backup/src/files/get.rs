//! A file from a pod to here.

use std::path::Path;
use std::time::Instant;

use crate::feed::Feed;
use crate::script;
use crate::transfer::size_in_words;
use crate::{Progress, Runner};

use super::checksum::sums;
use super::part::{Part, local};
use super::remote::{compare, look, run_error, safe};
use super::{CopiedFile, FileError, FileProof, named};

/// What a resumed copy counts in: the other end leaves out whole blocks of this many bytes.
const BLOCK: u64 = 1 << 20;

/// Copies a file from where the runner runs to here: into `<destination>.part` first, which becomes the destination only
/// after size and hash of both ends agree. What an earlier attempt left there is taken up where its hash proves that it is
/// a beginning of the file. A file that grows meanwhile is copied as long as it was at the beginning.
///
/// # Errors
/// See [`FileError`]. The destination is as it was; a part that may be taken up later stays.
pub async fn get_file(
    runner: &dyn Runner,
    path: &str,
    destination: &Path,
    overwrite: bool,
    progress: Progress<'_>,
) -> Result<CopiedFile, FileError> {
    if destination.is_dir() {
        return Err(FileError::Folder(destination.display().to_string()));
    }
    if !overwrite && std::fs::symlink_metadata(destination).is_ok() {
        return Err(FileError::Taken(destination.display().to_string()));
    }
    let found = look(runner, path).await?;
    let part = Part::open(destination)?;
    let resumed = beginning(runner, path, &part, found.bytes).await?;
    if resumed > 0 {
        progress(&format!("{} are here already", size_in_words(resumed)), None);
    }
    read(runner, path, &part, resumed, found.bytes, progress).await?;

    progress("comparing both ends", None);
    part.sync()?;
    let here = sums(part.path(), None)
        .await
        .map_err(local("read", part.path()))?;
    if here.bytes != found.bytes {
        return Err(FileError::Short {
            file: named(runner, path),
            sent: found.bytes,
            arrived: here.bytes,
        });
    }
    let (proof, now) = match compare(runner, path, &here).await {
        Ok(compared) => compared,
        Err(error @ (FileError::Differs { .. } | FileError::Short { .. })) => {
            // Nothing of it can be taken up again.
            part.forget();
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    let mode_kept = found.mode.is_some();
    part.publish(destination, found.mode, overwrite)?;
    Ok(CopiedFile {
        bytes: here.bytes,
        sha256: here.sha256,
        proof,
        resumed,
        grown: now.unwrap_or(found.bytes).saturating_sub(found.bytes),
        mode_kept,
    })
}

/// How much of what an earlier attempt left is proven to be a beginning of the file, in whole blocks.
async fn beginning(runner: &dyn Runner, path: &str, part: &Part, bytes: u64) -> Result<u64, FileError> {
    let whole = part.bytes()?.min(bytes) / BLOCK * BLOCK;
    if whole == 0 {
        return Ok(0);
    }
    let here = sums(part.path(), Some(whole))
        .await
        .map_err(local("read", part.path()))?;
    match compare(runner, path, &here).await {
        Ok((FileProof::Sha256, _)) => Ok(whole),
        // Less than a sha256 is not enough to build on; another file is none of ours to build on.
        Ok((FileProof::Cksum | FileProof::Bytes, _))
        | Err(FileError::Differs { .. } | FileError::Short { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}

async fn read(
    runner: &dyn Runner,
    path: &str,
    part: &Part,
    from: u64,
    bytes: u64,
    progress: Progress<'_>,
) -> Result<(), FileError> {
    let begun = Instant::now();
    let told = |arrived: u64| {
        let rate = (arrived - from) as f64 / begun.elapsed().as_secs_f64().max(0.001);
        let words = format!(
            "received {} of {}, {}/s",
            size_in_words(arrived),
            size_in_words(bytes),
            size_in_words(rate as u64)
        );
        progress(&words, Some(arrived as f64 / bytes.max(1) as f64));
    };
    let mut arriving = part.continue_at(from, &told)?;
    if from == bytes {
        return Ok(());
    }
    let arguments = [safe(path), (from / BLOCK).to_string(), (bytes - from).to_string()];
    let input = Box::new(Feed::new(None));
    let end = runner
        .run(script::FILE_READ, &arguments, input, &mut arriving)
        .await;
    // What arrived before a break is worth keeping, so it is written in any case; a full disk is the better word.
    arriving.end().await.map_err(local("write", part.path()))?;
    match end {
        Ok(_) => Ok(()),
        Err(error) => Err(run_error(runner, error)),
    }
}
