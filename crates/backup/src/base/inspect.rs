//! Reading a copy to its end: every file's size and hash, and the files that say what the copy is.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::server::Codec;
use crate::transfer::hex;

/// The server's own list of the files, with their hashes.
pub(super) const MANIFEST: &str = "backup_manifest";

/// Where the copy begins in the WAL.
const LABEL: &str = "backup_label";

/// The server's identity and state.
const CONTROL: &str = "global/pg_control";

/// The longest list of files that is read: about two million files.
const MANIFEST_LIMIT: u64 = 512 << 20;

/// The longest of the other files that are read.
const SMALL_LIMIT: u64 = 64 << 10;

/// Why an archive cannot be read to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The archive or its packing is broken, or it ends early.
    #[error("the archive is broken after {0}")]
    Broken(String, #[source] io::Error),
    /// One file is there twice.
    #[error("{0} is twice in the archive")]
    Twice(String),
    /// There is no list of files in it.
    #[error("the archive has no backup_manifest")]
    NoManifest,
    /// The server's list is larger than what can be held.
    #[error("{file} has {bytes} bytes, more than can be read")]
    TooLong {
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
    },
}

/// A file in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// All of an archive.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Inspected {
    /// Every plain file by its path, the list of files aside.
    pub(super) files: BTreeMap<String, Found>,
    pub(super) manifest: Vec<u8>,
    pub(super) label: Vec<u8>,
    pub(super) control: Vec<u8>,
    /// Bytes of the archive, unpacked.
    pub(super) bytes: u64,
    /// Its hash, unpacked.
    pub(super) sha256: String,
}

/// Reads a packed archive to its end.
pub(super) fn inspect(packed: impl Read, codec: Codec) -> Result<Inspected, InspectError> {
    let broken = |error| InspectError::Broken("nothing".into(), error);
    match codec {
        Codec::Zstd => inspect_tar(zstd::stream::read::Decoder::new(packed).map_err(broken)?),
        Codec::Gzip => inspect_tar(flate2::read::MultiGzDecoder::new(packed)),
        Codec::None => inspect_tar(packed),
    }
}

/// Counts and hashes what passes.
struct Counted<R> {
    from: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

fn inspect_tar(from: impl Read) -> Result<Inspected, InspectError> {
    let mut counted = Counted {
        from,
        hash: Sha256::new(),
        bytes: 0,
    };
    let mut found = Inspected::default();
    let mut last = "its beginning".to_owned();
    let broken = |last: &str| {
        let last = last.to_owned();
        move |error| InspectError::Broken(last, error)
    };
    let mut archive = tar::Archive::new(&mut counted);
    for entry in archive.entries().map_err(broken(&last))? {
        let mut entry = entry.map_err(broken(&last))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
        last.clone_from(&path);
        let kept = match path.as_str() {
            MANIFEST => Some((&mut found.manifest, MANIFEST_LIMIT)),
            LABEL => Some((&mut found.label, SMALL_LIMIT)),
            CONTROL => Some((&mut found.control, SMALL_LIMIT)),
            _ => None,
        };
        let size = entry.size();
        let file = match kept {
            Some((_, limit)) if size > limit => {
                return Err(InspectError::TooLong {
                    file: path,
                    bytes: size,
                });
            }
            Some((into, _)) => {
                entry.read_to_end(into).map_err(broken(&last))?;
                Found {
                    bytes: into.len() as u64,
                    sha256: crate::transfer::hash(into),
                }
            }
            None => read_through(&mut entry).map_err(broken(&last))?,
        };
        if file.bytes != size {
            let short = io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends early");
            return Err(InspectError::Broken(last, short));
        }
        if path != MANIFEST && found.files.insert(path.clone(), file).is_some() {
            return Err(InspectError::Twice(path));
        }
    }
    // What follows the archive's end mark is part of the stream, too.
    io::copy(&mut counted, &mut io::sink()).map_err(broken(&last))?;
    if found.manifest.is_empty() {
        return Err(InspectError::NoManifest);
    }
    found.bytes = counted.bytes;
    found.sha256 = hex(&counted.hash.finalize());
    Ok(found)
}

fn read_through(from: &mut impl Read) -> io::Result<Found> {
    const CHUNK: usize = 64 << 10;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = from.read(&mut chunk)?;
        if count == 0 {
            return Ok(Found {
                bytes,
                sha256: hex(&hash.finalize()),
            });
        }
        hash.update(&chunk[..count]);
        bytes += count as u64;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An archive with these files.
    pub(in super::super) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o600);
            builder.append_data(&mut header, path, *text).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn every_file_is_hashed_and_the_telling_ones_are_kept() {
        let tar = archive(&[
            ("backup_label", b"LABEL"),
            ("base/1/2", b"rows"),
            ("backup_manifest", b"{}"),
        ]);
        for codec in [Codec::Zstd, Codec::Gzip, Codec::None] {
            let packed = match codec {
                Codec::Zstd => zstd::encode_all(tar.as_slice(), 1).unwrap(),
                Codec::Gzip => {
                    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                    io::Write::write_all(&mut packer, &tar).unwrap();
                    packer.finish().unwrap()
                }
                Codec::None => tar.clone(),
            };
            let found = inspect(packed.as_slice(), codec).unwrap();
            assert_eq!(found.manifest, b"{}");
            assert_eq!(found.label, b"LABEL");
            assert_eq!(found.files["base/1/2"].bytes, 4);
            assert_eq!(found.files["base/1/2"].sha256, crate::transfer::hash(b"rows"));
            assert_eq!(
                (found.bytes, found.sha256),
                (tar.len() as u64, crate::transfer::hash(&tar))
            );
        }
    }

    #[test]
    fn an_archive_that_ends_early_is_broken_wherever_it_ends() {
        let tar = archive(&[("base/1/2", &[7; 5000]), ("backup_manifest", b"{}")]);
        for end in [3000, 5000, 6200] {
            assert!(inspect(&tar[..end], Codec::None).is_err(), "cut after {end}");
        }
        let packed = zstd::encode_all(tar.as_slice(), 1).unwrap();
        assert!(inspect(&packed[..packed.len() - 3], Codec::Zstd).is_err());
    }
}
