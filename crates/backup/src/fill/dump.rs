//! A dump that a database can be filled from, and the look through all of it before any of it is used.

use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::SyncIoBridge;

use super::FillError;
use super::pipe::piped;
use super::plain::PlainScan;
use super::tar::TarScan;
use crate::server::Codec;
use crate::store::Incoming;
use crate::transfer::{Passed, hex, pass};
use crate::{Backup, Server};

/// What is read at a time.
const PIECE: usize = 256 << 10;

/// The folder that an archive in directory format has in its tar.
pub(super) const FOLDER: &str = "dump";

/// How a dump is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Layout {
    /// pg_dump's custom format.
    Custom,
    /// pg_dump's tar format.
    Tar,
    /// pg_dump's directory format, as tar; with the folder's path in it.
    Folder(String),
    /// SQL as text.
    Plain,
}

impl Layout {
    /// Whether several sessions can fill from it at a time.
    pub(crate) fn takes_jobs(&self) -> bool {
        match self {
            Self::Custom | Self::Folder(_) => true,
            Self::Tar | Self::Plain => false,
        }
    }

    /// The layout in words.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Custom => "an archive in custom format",
            Self::Tar => "an archive in tar format",
            Self::Folder(_) => "an archive in directory format",
            Self::Plain => "SQL as text",
        }
    }
}

/// Where a dump's bytes come from.
#[async_trait]
pub(super) trait Source: Send + Sync {
    /// All of them, from the first on.
    async fn open(&self) -> Result<Incoming, FillError>;
}

/// A dump.
#[derive(Clone)]
pub(crate) struct Dump {
    /// Its path or address.
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) codec: Codec,
    /// What its manifest says of its bytes, where it has one.
    pub(super) known: Option<Passed>,
    pub(super) source: Arc<dyn Source>,
}

/// A dump that was read once from end to end, with what will be sent of it.
pub(crate) struct Checked<'a> {
    pub(super) dump: &'a Dump,
    /// How what is sent is packed.
    pub(super) codec: Codec,
    /// What is sent before it.
    prefix: String,
    /// All that is sent.
    pub(super) sent: Passed,
}

struct Stored {
    backup: Backup,
    name: String,
    bytes: u64,
}

#[async_trait]
impl Source for Stored {
    async fn open(&self) -> Result<Incoming, FillError> {
        Ok(self.backup.stream(&self.name, 0..self.bytes).await?)
    }
}

impl Dump {
    /// The dump of a backup of ours.
    pub(crate) fn of_backup(backup: &Backup) -> Result<Self, FillError> {
        let known = |name: &str| {
            let end = name.strip_prefix("dump.")?;
            Some(match end.split('.').next()? {
                "pgc" => Layout::Custom,
                "tar" => Layout::Folder(FOLDER.into()),
                "sql" => Layout::Plain,
                _ => return None,
            })
        };
        let found = backup.manifest.files.iter().find_map(|file| {
            let layout = known(&file.name)?;
            Some((file, layout, Codec::from_word(&file.codec)?))
        });
        let (file, layout, codec) = found.ok_or_else(|| FillError::NoDump(backup.id.to_string()))?;
        Ok(Self {
            name: backup.file_uri(&file.name),
            layout,
            codec,
            known: Some(Passed {
                bytes: file.bytes,
                sha256: file.sha256_stored.clone(),
            }),
            source: Arc::new(Stored {
                backup: backup.clone(),
                name: file.name.clone(),
                bytes: file.bytes,
            }),
        })
    }

    /// Reads it from end to end: is it what its manifest says, and, where it is text, may it be given to psql? Before
    /// anything is sent: a flipped byte in an uncompressed archive would go through pg_restore unseen.
    pub(crate) async fn check(&self, server: &Server) -> Result<Checked<'_>, FillError> {
        if self.layout == Layout::Plain {
            if !server.probe.has("psql-restricted") {
                return Err(FillError::Unrestricted {
                    place: server.runner.place(),
                });
            }
            if self.known.is_some() {
                self.stored().await?;
            }
            return self.text().await;
        }
        let stored = self.stored().await?;
        self.tar_is_whole().await?;
        let checked = |codec, sent| Checked {
            dump: self,
            codec,
            prefix: String::new(),
            sent,
        };
        if server.probe.can_unpack(self.codec) {
            return Ok(checked(self.codec, stored));
        }
        // Unpacked twice: once to know how much will be sent, once to send it.
        let unpacked = pass(&mut self.unpacked().await?, &mut tokio::io::sink()).await;
        Ok(checked(Codec::None, unpacked.map_err(self.unreadable())?))
    }

    /// Its bytes as they lie there.
    async fn stored(&self) -> Result<Passed, FillError> {
        let mut stored = self.source.open().await?;
        let found = pass(&mut stored, &mut tokio::io::sink()).await;
        let found = found.map_err(self.unreadable())?;
        match &self.known {
            Some(known) if *known != found => Err(FillError::Damaged {
                path: self.name.clone(),
                expected: known.sha256.clone(),
                found: found.sha256,
            }),
            Some(_) | None => Ok(found),
        }
    }

    async fn tar_is_whole(&self) -> Result<(), FillError> {
        match self.layout {
            Layout::Tar | Layout::Folder(_) => {}
            Layout::Custom | Layout::Plain => return Ok(()),
        }
        let mut scan = TarScan::new();
        let mut tar = self.unpacked().await?;
        let mut piece = vec![0; PIECE];
        loop {
            let count = tar.read(&mut piece).await.map_err(self.unreadable())?;
            if count == 0 {
                break;
            }
            scan.feed(&piece[..count]);
        }
        if scan.has_ended() {
            Ok(())
        } else {
            Err(FillError::Cut(self.name.clone()))
        }
    }

    async fn text(&self) -> Result<Checked<'_>, FillError> {
        let refused = |fault| FillError::Plain {
            path: self.name.clone(),
            fault,
        };
        // Whoever wrote the text does not know this word.
        let prefix = format!("\\restrict {:032x}\n", rand::random::<u128>());
        let mut scan = PlainScan::new();
        let (mut alone, mut behind) = (Sha256::new(), Sha256::new());
        behind.update(prefix.as_bytes());
        let mut bytes = 0;
        let mut text = self.unpacked().await?;
        let mut piece = vec![0; PIECE];
        loop {
            let count = text.read(&mut piece).await.map_err(self.unreadable())?;
            if count == 0 {
                break;
            }
            let piece = &piece[..count];
            scan.feed(piece).map_err(refused)?;
            alone.update(piece);
            behind.update(piece);
            bytes += count as u64;
        }
        let facts = scan.finish().map_err(refused)?;
        let (prefix, hash) = if facts.restricts {
            (String::new(), alone)
        } else {
            (prefix, behind)
        };
        Ok(Checked {
            dump: self,
            codec: Codec::None,
            sent: Passed {
                bytes: bytes + prefix.len() as u64,
                sha256: hex(&hash.finalize()),
            },
            prefix,
        })
    }

    /// Its bytes, unpacked here.
    pub(super) async fn unpacked(&self) -> Result<Incoming, FillError> {
        let packed = self.source.open().await?;
        Ok(unpack(packed, self.codec))
    }

    pub(super) fn unreadable(&self) -> impl FnOnce(std::io::Error) -> FillError + use<> {
        let path = self.name.clone();
        move |source| FillError::Read { path, source }
    }
}

impl Checked<'_> {
    /// All that is sent.
    pub(super) async fn body(&self) -> Result<impl AsyncRead + Send + Unpin + use<>, FillError> {
        let body = if self.codec == self.dump.codec {
            self.dump.source.open().await?
        } else {
            self.dump.unpacked().await?
        };
        Ok(std::io::Cursor::new(self.prefix.clone().into_bytes()).chain(body))
    }
}

/// Unpacks; a broken archive is an error of the reader.
pub(super) fn unpack(packed: Incoming, codec: Codec) -> Incoming {
    if codec == Codec::None {
        return packed;
    }
    Box::pin(piped(move |out| {
        let mut packed = SyncIoBridge::new(packed);
        match codec {
            Codec::Zstd => zstd::stream::copy_decode(packed, out),
            Codec::Gzip => std::io::copy(&mut flate2::read::MultiGzDecoder::new(packed), out).map(drop),
            Codec::None => std::io::copy(&mut packed, out).map(drop),
        }
    }))
}
