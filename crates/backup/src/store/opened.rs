//! A sealed backup as it is to somebody who has the key: every file under its plain name with its plain content. Nothing
//! plain is ever stored; files are opened while they are read.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use model::BackupManifest;
use tokio::io::AsyncReadExt as _;

use super::backend::{Backend, Incoming, StoredFile, Writer};
use super::layout::MANIFEST;
use super::{Backup, StoreError};
use crate::seal::{Identities, OpenError, SEALED, SUFFIX, open};

/// A file as it is stored.
#[derive(Debug)]
struct Sealed {
    path: String,
    bytes: u64,
    plain_bytes: u64,
}

/// The store behind a backup, with the backup's files opened.
#[derive(Debug)]
struct Opened {
    inner: Arc<dyn Backend>,
    identities: Arc<Identities>,
    recipients: Vec<String>,
    /// By plain path.
    files: BTreeMap<String, Sealed>,
    manifest_path: String,
    manifest: BackupManifest,
}

impl Backup {
    /// The same backup as a holder of its key sees it: it can be verified and restored like one that was never sealed.
    /// A backup that is not sealed is itself.
    ///
    /// # Errors
    /// When none of the identities opens it; nothing has been touched then.
    pub async fn opened(&self, identities: Option<Arc<Identities>>) -> Result<Self, OpenError> {
        let Some(encryption) = &self.manifest.encryption else {
            return Ok(self.clone());
        };
        let Some(identities) = identities else {
            return Err(OpenError::NoIdentity {
                file: self.uri(),
                recipients: encryption.recipients.clone(),
            });
        };
        let mut files = BTreeMap::new();
        let mut manifest = self.manifest.clone();
        for file in &mut manifest.files {
            let known = encryption.files.iter().find(|known| known.name == file.name);
            let (Some(known), Some(name)) = (known, file.name.strip_suffix(SUFFIX)) else {
                continue;
            };
            let sealed = Sealed {
                path: format!("{}/{}", self.folder, file.name),
                bytes: file.bytes,
                plain_bytes: known.bytes,
            };
            files.insert(format!("{}/{name}", self.folder), sealed);
            file.name = name.to_owned();
            file.codec = file.codec.strip_suffix(SEALED).unwrap_or(&file.codec).to_owned();
            file.bytes = known.bytes;
            file.sha256_stored.clone_from(&file.sha256_stream);
        }
        manifest.encryption = None;
        let opened = Opened {
            inner: Arc::clone(&self.backend),
            identities,
            recipients: encryption.recipients.clone(),
            files,
            manifest_path: format!("{}/{MANIFEST}", self.folder),
            manifest: manifest.clone(),
        };
        for sealed in opened.files.values() {
            // Only the headers: whether the rest is whole is told while it is read.
            opened.open(sealed).await?;
        }
        Ok(Self::new(
            Arc::new(opened),
            self.folder.clone(),
            self.id.clone(),
            manifest,
            self.verifications.clone(),
        ))
    }
}

impl Opened {
    async fn open(&self, sealed: &Sealed) -> Result<Incoming, OpenError> {
        let uri = self.inner.uri(&sealed.path);
        let stored = self.inner.read(&sealed.path, 0..sealed.bytes).await;
        let stored = stored.map_err(|error| OpenError::Read {
            file: uri.clone(),
            source: io::Error::other(error),
        })?;
        let opened = open(stored, &self.identities, &uri, &self.recipients).await?;
        Ok(Box::pin(opened))
    }

    async fn open_at(&self, sealed: &Sealed, start: u64) -> Result<Incoming, StoreError> {
        let failed = |source| StoreError::io_at("open", self.inner.uri(&sealed.path))(source);
        let mut opened = self
            .open(sealed)
            .await
            .map_err(|error| failed(io::Error::other(error)))?;
        let mut before = (&mut opened).take(start);
        tokio::io::copy(&mut before, &mut tokio::io::sink())
            .await
            .map_err(failed)?;
        Ok(opened)
    }
}

#[async_trait]
impl Backend for Opened {
    /// None: what lies in the folder is not what is seen here.
    fn folder(&self) -> Option<&Path> {
        None
    }

    fn uri(&self, path: &str) -> String {
        self.inner
            .uri(self.files.get(path).map_or(path, |sealed| &sealed.path))
    }

    async fn files(&self, folder: &str, depth: usize) -> Result<Vec<StoredFile>, StoreError> {
        self.inner.files(folder, depth).await
    }

    async fn read_small(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if path == self.manifest_path {
            let text = serde_json::to_vec_pretty(&self.manifest).map_err(io::Error::from);
            return Ok(Some(text.map_err(StoreError::io_at("read", self.uri(path)))?));
        }
        let Some(sealed) = self.files.get(path) else {
            return self.inner.read_small(path).await;
        };
        let mut text = Vec::new();
        let mut opened = self.open_at(sealed, 0).await?;
        let read = opened.read_to_end(&mut text).await;
        read.map_err(StoreError::io_at("open", self.uri(path)))?;
        Ok(Some(text))
    }

    async fn read(&self, path: &str, range: Range<u64>) -> Result<Incoming, StoreError> {
        let Some(sealed) = self.files.get(path) else {
            return self.inner.read(path, range).await;
        };
        let opened = self.open_at(sealed, range.start).await?;
        if range.end >= sealed.plain_bytes {
            // To the very end, where the last chunk proves that nothing was cut off.
            return Ok(opened);
        }
        Ok(Box::pin(opened.take(range.end.saturating_sub(range.start))))
    }

    async fn begin(&self, folder: &str) -> Result<(), StoreError> {
        self.inner.begin(folder).await
    }

    async fn writer(self: Arc<Self>, path: &str, expected: u64) -> Result<Box<dyn Writer>, StoreError> {
        Arc::clone(&self.inner).writer(path, expected).await
    }

    async fn put_new(&self, path: &str, text: Vec<u8>) -> Result<(), StoreError> {
        self.inner.put_new(path, text).await
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        self.inner.remove(path).await
    }

    async fn discard(&self, folder: &str) -> Result<(), StoreError> {
        self.inner.discard(folder).await
    }

    fn abandon(self: Arc<Self>, folder: &str) {
        Arc::clone(&self.inner).abandon(folder);
    }

    async fn settle(&self) {
        self.inner.settle().await;
    }
}
