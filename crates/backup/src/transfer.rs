//! Bytes on their way, counted and hashed as they pass. Nothing is held whole in memory.

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What one read or write moves.
const CHUNK: usize = 256 << 10;

/// What passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Whether a failure to read tells of what is stored, and not of the way to it: a seal that does not hold, an early end.
pub(crate) fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

/// Counts and hashes a whole file.
pub(crate) async fn read_through(path: &Path) -> io::Result<Passed> {
    pass(&mut tokio::fs::File::open(path).await?, &mut tokio::io::sink()).await
}

/// Copies, counts and hashes.
pub(crate) async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<Passed> {
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            break;
        }
        hash.update(&chunk[..count]);
        bytes += count as u64;
        to.write_all(&chunk[..count]).await?;
    }
    to.flush().await?;
    Ok(Passed {
        bytes,
        sha256: hex(&hash.finalize()),
    })
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A size as people read it.
pub(crate) fn size_in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{size:.1} {}", UNITS[unit])
    }
}

/// The hash of a short text.
pub(crate) fn hash(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}
