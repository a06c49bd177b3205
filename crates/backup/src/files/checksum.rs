//! What is compared: a count, a sha256, and the CRC that POSIX's `cksum` prints.

use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::transfer::hex;

/// What one read moves.
const CHUNK: usize = 256 << 10;

/// The polynomial of `cksum`, most significant bit first (IEEE Std 1003.1, utility cksum).
const POLYNOMIAL: u32 = 0x04c1_1db7;

/// The sums of a file or of its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) cksum: u32,
}

/// Reads a file to its end, or its first bytes.
pub(super) async fn sums(path: &Path, limit: Option<u64>) -> io::Result<Sums> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(path)?;
        sums_of(file.take(limit.unwrap_or(u64::MAX)))
    });
    read.await.map_err(io::Error::other)?
}

fn sums_of(mut from: impl Read) -> io::Result<Sums> {
    let table = table();
    let (mut hash, mut crc, mut bytes) = (Sha256::new(), 0_u32, 0_u64);
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&chunk[..count]);
        crc = chunk[..count]
            .iter()
            .fold(crc, |crc, byte| step(&table, crc, *byte));
        bytes += count as u64;
    }
    // The length goes in behind the content, its lowest byte first, without leading zeros.
    let mut length = bytes;
    while length > 0 {
        crc = step(&table, crc, (length & 0xff) as u8);
        length >>= 8;
    }
    Ok(Sums {
        bytes,
        sha256: hex(&hash.finalize()),
        cksum: !crc,
    })
}

fn step(table: &[u32; 256], crc: u32, byte: u8) -> u32 {
    (crc << 8) ^ table[usize::from((crc >> 24) as u8 ^ byte)]
}

fn table() -> [u32; 256] {
    std::array::from_fn(|index| {
        (0..8).fold((index as u32) << 24, |crc, _| {
            if crc & 0x8000_0000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ POLYNOMIAL
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_one_that_cksum_prints() {
        // As printed by `printf 123456789 | cksum` and `cksum </dev/null`.
        assert_eq!(sums_of(&b"123456789"[..]).unwrap().cksum, 930_766_865);
        assert_eq!(sums_of(&b""[..]).unwrap().cksum, 4_294_967_295);
    }

    #[tokio::test]
    async fn a_limit_ends_the_sum_early() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "123456789 and more").unwrap();
        let found = sums(&path, Some(9)).await.unwrap();
        assert_eq!((found.bytes, found.cksum), (9, 930_766_865));
    }
}
