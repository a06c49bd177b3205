//! A file of a store that is sealed while it is written.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use model::{BackupManifest, Encryption, PlainFile};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::StoreError;
use super::backend::Writer;
use crate::seal::{Recipients, SEALED, SUFFIX, Sealing};
use crate::transfer::{Passed, hash, hex};

/// To whom the files of a draft are sealed, and what was stored of them.
#[derive(Debug, Clone)]
pub(super) struct Seal {
    recipients: Arc<Recipients>,
    stored: Arc<Mutex<BTreeMap<String, Stored>>>,
}

/// A file before and after.
#[derive(Debug, Clone)]
struct Stored {
    plain_bytes: u64,
    passed: Passed,
}

impl Seal {
    pub(super) fn new(recipients: Arc<Recipients>) -> Self {
        Self {
            recipients,
            stored: Arc::default(),
        }
    }

    /// A writer that seals into another.
    pub(super) async fn writer(
        &self,
        name: &str,
        uri: String,
        inner: Box<dyn Writer>,
    ) -> Result<Box<dyn Writer>, StoreError> {
        let inner = Shared(Arc::new(Mutex::new(Tally {
            inner,
            hash: Sha256::new(),
            bytes: 0,
        })));
        let begun = Sealing::begin(&self.recipients, inner.clone()).await;
        Ok(Box::new(SealedWriter {
            sealing: begun.map_err(StoreError::io_at("encrypt", uri.clone()))?,
            inner,
            name: name.to_owned(),
            uri,
            seal: self.clone(),
        }))
    }

    /// A small file, sealed.
    pub(super) async fn small(&self, name: &str, uri: String, text: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let mut sealed = Vec::new();
        let sealing = async {
            let mut sealing = Sealing::begin(&self.recipients, &mut sealed).await?;
            sealing.write_all(&text).await?;
            sealing.end().await
        };
        sealing.await.map_err(StoreError::io_at("encrypt", uri))?;
        let passed = Passed {
            bytes: sealed.len() as u64,
            sha256: hash(&sealed),
        };
        self.note(name, text.len() as u64, passed);
        Ok(sealed)
    }

    /// Says in a manifest what is really stored.
    pub(super) fn describe(&self, manifest: &mut BackupManifest) {
        let stored = locked(&self.stored);
        let mut plain = Vec::new();
        for file in &mut manifest.files {
            let Some(Stored { plain_bytes, passed }) = stored.get(&file.name) else {
                continue;
            };
            file.name.push_str(SUFFIX);
            file.codec.push_str(SEALED);
            file.bytes = passed.bytes;
            file.sha256_stored.clone_from(&passed.sha256);
            plain.push(PlainFile {
                name: file.name.clone(),
                bytes: *plain_bytes,
            });
        }
        manifest.encryption = Some(Encryption {
            recipients: self.recipients.fingerprints(),
            files: plain,
        });
    }

    fn note(&self, name: &str, plain_bytes: u64, passed: Passed) {
        locked(&self.stored).insert(name.to_owned(), Stored { plain_bytes, passed });
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking holder left is no worse than what it found: every act under these locks is one assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts and hashes what is stored.
struct Tally {
    inner: Box<dyn Writer>,
    hash: Sha256,
    bytes: u64,
}

/// The stored end, which the sealing end writes to and which is finished after it: age gives its sink back to nobody.
#[derive(Clone)]
struct Shared(Arc<Mutex<Tally>>);

impl AsyncWrite for Shared {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tally = &mut *locked(&self.0);
        let written = Pin::new(&mut tally.inner).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            tally.hash.update(&bytes[..*count]);
            tally.bytes += *count as u64;
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut locked(&self.0).inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut locked(&self.0).inner).poll_shutdown(context)
    }
}

struct SealedWriter {
    sealing: Sealing<Shared>,
    inner: Shared,
    name: String,
    uri: String,
    seal: Seal,
}

#[async_trait]
impl Writer for SealedWriter {
    /// Says how many bytes went in: those that are stored are more, and stand in the manifest.
    async fn finish(self: Box<Self>) -> Result<u64, StoreError> {
        let Self {
            sealing,
            inner,
            name,
            uri,
            seal,
        } = *self;
        let plain = sealing
            .end()
            .await
            .map_err(StoreError::io_at("encrypt", uri.clone()))?;
        let Some(tally) = Arc::into_inner(inner.0) else {
            unreachable!("the sealing end is gone");
        };
        let Tally { inner, hash, bytes } = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        let stored = inner.finish().await?;
        if stored != bytes {
            return Err(StoreError::Short {
                path: uri,
                stored,
                written: bytes,
            });
        }
        let sha256 = hex(&hash.finalize());
        seal.note(&name, plain.bytes, Passed { bytes, sha256 });
        Ok(plain.bytes)
    }
}

impl AsyncWrite for SealedWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.sealing).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sealing).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sealing).poll_flush(context)
    }
}
