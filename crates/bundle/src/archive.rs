//! Writing an archive, all of it or nothing, and reading back what was written.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use model::BundleArchive;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::mouth::Bundle;

/// Endings of the files that are written.
const ENDINGS: [&str; 2] = [".tar.gz", ".tgz"];

/// Why no archive was written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The name promises another kind of archive.
    #[error("{} has another ending than .tar.gz or .tgz, and no other archive is written", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// There is a file of that name.
    #[error("{} exists already: name another file, or give --force to replace it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It could not be written.
    #[error("failed to write the archive {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What was read back is not what was written.
    #[error("failed to read the archive {} back as it was written", path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Whether an archive can be written there, before anything is gathered for it.
///
/// # Errors
/// [`ArchiveError::Ending`], [`ArchiveError::Exists`].
pub fn check_place(path: &Path, force: bool) -> Result<(), ArchiveError> {
    if folder_name(path).is_none() {
        return Err(ArchiveError::Ending {
            path: path.to_owned(),
        });
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(ArchiveError::Exists {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Writes an archive that only its owner may read, and reads it back to its end. Until it is complete it has another name.
///
/// # Errors
/// See [`ArchiveError`].
pub fn write(bundle: &Bundle, path: &Path, force: bool) -> Result<BundleArchive, ArchiveError> {
    check_place(path, force)?;
    let folder = folder_name(path).unwrap_or_default();
    let failed = |source| ArchiveError::Write {
        path: path.to_owned(),
        source,
    };
    // A temporary file is born with mode 0600: at no moment can anybody else read it.
    let mut file = NamedTempFile::new_in(parent(path)).map_err(failed)?;
    pack(bundle, &folder, file.as_file_mut())
        .and_then(|()| file.as_file().sync_all())
        .map_err(failed)?;
    let kept = if force {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    kept.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => ArchiveError::Exists {
            path: path.to_owned(),
        },
        _ => failed(error.error),
    })?;
    read_back(bundle, &folder, path).map_err(|source| ArchiveError::ReadBack {
        path: path.to_owned(),
        source,
    })
}

fn pack(bundle: &Bundle, folder: &str, file: &mut File) -> io::Result<()> {
    let mut archive = tar::Builder::new(GzEncoder::new(io::BufWriter::new(file), Compression::default()));
    let written = u64::try_from(bundle.taken_at().as_second()).unwrap_or_default();
    for (path, text) in bundle.files() {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(written);
        archive.append_data(&mut header, format!("{folder}/{path}"), text.as_bytes())?;
    }
    archive.into_inner()?.finish()?.flush()
}

/// Reads the file as whoever receives it will, and compares every file in it.
fn read_back(bundle: &Bundle, folder: &str, path: &Path) -> io::Result<BundleArchive> {
    let packed = std::fs::read(path)?;
    let mut expected = bundle.files().iter();
    let differs = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    for entry in tar::Archive::new(GzDecoder::new(packed.as_slice())).entries()? {
        let mut entry = entry?;
        let Some((name, text)) = expected.next() else {
            return Err(differs("it holds more than was written".to_owned()));
        };
        let mut read = Vec::new();
        entry.read_to_end(&mut read)?;
        if entry.path()? != Path::new(folder).join(name) || read != text.as_bytes() {
            return Err(differs(format!("{name} is not there as it was written")));
        }
    }
    if expected.next().is_some() {
        return Err(differs("it ends too early".to_owned()));
    }
    Ok(BundleArchive {
        file: path.display().to_string(),
        bytes: packed.len() as u64,
        sha256: Sha256::digest(&packed)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    })
}

/// The folder that an archive unpacks to: its name without the ending. `None` where it has another ending.
fn folder_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))?;
    (!stem.is_empty()).then(|| stem.to_owned())
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::SearchedValues;

    use super::*;
    use crate::contents::Part;
    use crate::mouth::Mouth;
    use crate::redact::{KnownValues, Redactor};

    fn bundle() -> Bundle {
        let redactor = Redactor::new(&KnownValues::default(), false).unwrap();
        let mut mouth = Mouth::new(redactor, 10_000);
        mouth.take(Part::text(
            &format!("logs/{}.log", "x".repeat(150)),
            "a log",
            "said\n".to_owned(),
        ));
        mouth
            .close(
                "books",
                "shop",
                Timestamp::UNIX_EPOCH,
                "0.1.0",
                SearchedValues::default(),
            )
            .unwrap()
    }

    #[test]
    fn an_archive_is_its_owner_s_alone_and_replaces_nothing_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("books.tar.gz");
        let written = write(&bundle(), &path, false).unwrap();
        assert_eq!(written.bytes, path.metadata().unwrap().len());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let again = write(&bundle(), &path, false).unwrap_err();
        assert!(again.to_string().contains("--force"), "{again}");
        assert_eq!(write(&bundle(), &path, true).unwrap(), written);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_differs_from_what_was_written_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("books.tar.gz");
        let bundle = bundle();
        write(&bundle, &path, false).unwrap();
        assert!(read_back(&bundle, "another", &path).is_err());
        let packed = std::fs::read(&path).unwrap();
        std::fs::write(&path, &packed[..packed.len() / 2]).unwrap();
        assert!(read_back(&bundle, "books", &path).is_err());
    }

    #[test]
    fn the_ending_says_what_is_written() {
        let asked = |name: &str| check_place(Path::new(name), false).map_err(|error| error.to_string());
        assert_eq!(asked("/nowhere/a.tar.gz"), Ok(()));
        assert_eq!(asked("/nowhere/a.tgz"), Ok(()));
        for name in ["a.zip", "a", ".tar.gz"] {
            assert!(asked(name).unwrap_err().contains(".tar.gz"), "{name}");
        }
    }
}
