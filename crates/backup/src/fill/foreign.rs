//! Dumps that anybody made: a file or a folder on this machine, recognised by what is in it.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::AsyncReadExt;
use tokio_util::io::SyncIoBridge;

use super::FillError;
use super::dump::{Dump, FOLDER, Layout, Source};
use super::pipe::piped;
use crate::seal::{Identities, OpenError, open};
use crate::server::Codec;
use crate::store::Incoming;

/// How much of a file is looked at to recognise it: the header of a tar and the first words of a text.
const HEAD: usize = 4096;

/// How every archive of pg_dump begins, in the directory and tar formats its table of contents.
const MAGIC: &[u8] = b"PGDMP";

/// Where the number of the format stands behind it: after three of the version and the sizes of integers and offsets.
const FORMAT_AT: usize = 10;

/// The table of contents of the tar and directory formats, which both call the tar format.
const CONTENTS: &str = "toc.dat";

/// What only the tar format holds beside it.
const SCRIPT: &str = "restore.sql";

/// A dump on this machine that somebody else may have made.
#[derive(Clone)]
pub struct ForeignDump {
    pub(crate) dump: Dump,
    bytes: u64,
}

impl std::fmt::Debug for ForeignDump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ForeignDump").field(&self.dump.name).finish()
    }
}

impl ForeignDump {
    /// Looks at a file or folder. Names that end in `.age` are decrypted, then `.zst` and `.gz` unpacked, while they are
    /// read; nothing is written.
    ///
    /// # Errors
    /// When it cannot be read or is nothing that pg_dump wrote.
    pub async fn open(path: &Path, identities: Option<Arc<Identities>>) -> Result<Self, FillError> {
        let name = path.display().to_string();
        let read = |source| FillError::Read {
            path: name.clone(),
            source,
        };
        let found = tokio::fs::metadata(path).await.map_err(read)?;
        if found.is_dir() {
            let (files, bytes) = files_of(path).map_err(read)?;
            let dump = Dump {
                name: name.clone(),
                layout: folder(path, &name)?,
                codec: Codec::None,
                known: None,
                source: Arc::new(Folder { files }),
            };
            return Ok(Self { dump, bytes });
        }
        let (sealed, codec) = packing(path);
        let source = File {
            path: path.to_owned(),
            identities: if sealed {
                Some(keys(&name, identities)?)
            } else {
                None
            },
        };
        let mut dump = Dump {
            name,
            layout: Layout::Plain,
            codec,
            known: None,
            source: Arc::new(source),
        };
        dump.layout = recognise(&dump).await?;
        Ok(Self {
            dump,
            bytes: found.len(),
        })
    }

    /// Its path.
    pub fn name(&self) -> &str {
        &self.dump.name
    }

    /// Its size in bytes as it lies there.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it is: `SQL as text`, `an archive in custom format`.
    pub fn words(&self) -> &'static str {
        self.dump.layout.words()
    }
}

fn keys(name: &str, identities: Option<Arc<Identities>>) -> Result<Arc<Identities>, FillError> {
    identities.ok_or_else(|| {
        FillError::Sealed(OpenError::NoIdentity {
            file: name.to_owned(),
            recipients: vec!["keys that the file does not name".into()],
        })
    })
}

/// What the name's end says: whether it is encrypted, and how what is in it is packed.
fn packing(path: &Path) -> (bool, Codec) {
    let extension = |path: &Path| path.extension().and_then(OsStr::to_str).map(str::to_owned);
    let sealed = extension(path).as_deref() == Some("age");
    let inner = if sealed {
        path.with_extension("")
    } else {
        path.to_owned()
    };
    let codec = match extension(&inner).as_deref() {
        Some("zst" | "zstd") => Codec::Zstd,
        Some("gz") => Codec::Gzip,
        _ => Codec::None,
    };
    (sealed, codec)
}

/// What a file is, by its first bytes.
async fn recognise(dump: &Dump) -> Result<Layout, FillError> {
    let unknown = |why: &str| {
        Err(FillError::Unknown {
            path: dump.name.clone(),
            why: why.to_owned(),
        })
    };
    let mut head = Vec::new();
    let opened = dump.unpacked().await?;
    opened
        .take(HEAD as u64)
        .read_to_end(&mut head)
        .await
        .map_err(dump.unreadable())?;
    if head.starts_with(MAGIC) {
        return match head.get(FORMAT_AT) {
            Some(1) => Ok(Layout::Custom),
            _ => unknown("it is the table of contents of an archive, without the archive: name the folder"),
        };
    }
    if head.get(257..262) == Some(b"ustar") {
        return in_tar(dump).await;
    }
    for (magic, words) in [
        (
            &b"\x1f\x8b"[..],
            "it is packed with gzip: give its name the end .gz",
        ),
        (
            &b"\x28\xb5\x2f\xfd"[..],
            "it is packed with zstd: give its name the end .zst",
        ),
        (
            &b"age-encryption.org"[..],
            "it is encrypted with age: give its name the end .age",
        ),
    ] {
        if head.starts_with(magic) {
            return unknown(words);
        }
    }
    if head.is_empty() {
        return unknown("it is empty");
    }
    if std::str::from_utf8(&head).is_err_and(|error| error.error_len().is_some()) || head.contains(&0) {
        return unknown("it is neither an archive of pg_dump nor text");
    }
    Ok(Layout::Plain)
}

/// A tar is pg_dump's own format, or somebody packed a folder of the directory format.
async fn in_tar(dump: &Dump) -> Result<Layout, FillError> {
    let stream = dump.unpacked().await?;
    let found = tokio::task::spawn_blocking(move || {
        let mut archive = tar::Archive::new(SyncIoBridge::new(stream));
        let (mut contents, mut scripted) = (None, false);
        for entry in archive.entries()? {
            let path = entry?.path()?.into_owned();
            scripted |= path == Path::new(SCRIPT);
            if path.file_name() == Some(OsStr::new(CONTENTS)) {
                contents.get_or_insert(path);
            }
        }
        Ok((contents, scripted))
    });
    let found = found.await.map_err(std::io::Error::other).and_then(|found| found);
    let unknown = |why: &str| FillError::Unknown {
        path: dump.name.clone(),
        why: why.to_owned(),
    };
    let (Some(path), scripted) = found.map_err(dump.unreadable())? else {
        return Err(unknown("it is a tar without a toc.dat"));
    };
    if scripted {
        return Ok(Layout::Tar);
    }
    let inside = path.parent().unwrap_or(Path::new(""));
    let inside: Option<PathBuf> = inside
        .components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| match part {
            Component::Normal(part) => Some(part),
            _ => None,
        })
        .collect();
    match inside.as_ref().and_then(|path| path.to_str()) {
        Some(inside) => Ok(Layout::Folder(inside.to_owned())),
        None => Err(unknown("it is a tar whose toc.dat lies outside of it")),
    }
}

/// A folder of the directory format.
fn folder(path: &Path, name: &str) -> Result<Layout, FillError> {
    let unknown = |why: &str| FillError::Unknown {
        path: name.to_owned(),
        why: why.to_owned(),
    };
    let mut begin = vec![0; MAGIC.len()];
    let read = std::fs::File::open(path.join(CONTENTS)).and_then(|mut file| file.read_exact(&mut begin));
    match read {
        Ok(()) if begin == MAGIC => Ok(Layout::Folder(FOLDER.into())),
        Ok(()) => Err(unknown("its toc.dat is not of pg_dump")),
        Err(_) => Err(unknown("it is a folder without a toc.dat")),
    }
}

/// The files of a folder, in order, and their size.
fn files_of(path: &Path) -> std::io::Result<(Vec<PathBuf>, u64)> {
    let mut files = Vec::new();
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_file() {
            bytes += found.len();
            files.push(entry.path());
        }
    }
    files.sort();
    Ok((files, bytes))
}

struct File {
    path: PathBuf,
    identities: Option<Arc<Identities>>,
}

#[async_trait]
impl Source for File {
    async fn open(&self) -> Result<Incoming, FillError> {
        let name = self.path.display().to_string();
        let file = tokio::fs::File::open(&self.path).await;
        let file = file.map_err(|source| FillError::Read {
            path: name.clone(),
            source,
        })?;
        match &self.identities {
            None => Ok(Box::pin(file)),
            Some(identities) => Ok(Box::pin(open(file, identities, &name, &[]).await?)),
        }
    }
}

struct Folder {
    files: Vec<PathBuf>,
}

#[async_trait]
impl Source for Folder {
    async fn open(&self) -> Result<Incoming, FillError> {
        let files = self.files.clone();
        Ok(Box::pin(piped(move |out| {
            let mut tar = tar::Builder::new(out);
            tar.mode(tar::HeaderMode::Deterministic);
            for file in files {
                let name = file.file_name().unwrap_or_default();
                tar.append_path_with_name(&file, Path::new(FOLDER).join(name))?;
            }
            tar.finish()
        })))
    }
}
