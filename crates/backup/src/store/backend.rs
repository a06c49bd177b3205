//! What a place must be able to do to be a store. Paths are relative to the store's root, with `/` between their steps.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use super::StoreError;

/// Bytes on their way out of a store.
pub(crate) type Incoming = Pin<Box<dyn AsyncRead + Send>>;

/// A file in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredFile {
    /// Its path below the root.
    pub(super) path: String,
    /// Its size.
    pub(super) bytes: u64,
}

/// A folder, a bucket or a volume.
#[async_trait]
pub(super) trait Backend: Send + Sync + fmt::Debug {
    /// The folder itself, where the store is one on this machine.
    fn folder(&self) -> Option<&Path>;

    /// A path as people write it: `file://…`, `s3://…`.
    fn uri(&self, path: &str) -> String;

    /// Every file below a folder, complete or not, that lies exactly this many steps below the root. A folder that is not there
    /// holds none.
    async fn files(&self, folder: &str, depth: usize) -> Result<Vec<StoredFile>, StoreError>;

    /// A whole small file; `None` when it is not there.
    async fn read_small(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// A part of a file, which is not empty.
    async fn read(&self, path: &str, range: Range<u64>) -> Result<Incoming, StoreError>;

    /// Makes room for a backup; refuses a folder that holds something already.
    async fn begin(&self, folder: &str) -> Result<(), StoreError>;

    /// A new file that will hold about so many bytes. It is nothing until it is finished.
    async fn writer(self: Arc<Self>, path: &str, expected: u64) -> Result<Box<dyn Writer>, StoreError>;

    /// Publishes a small file: it appears whole or not at all, and never in the place of another.
    async fn put_new(&self, path: &str, text: Vec<u8>) -> Result<(), StoreError>;

    /// Like [`Backend::put_new`], relying on the store alone to refuse what is there already.
    async fn put_unless_there(&self, path: &str, text: Vec<u8>) -> Result<(), StoreError> {
        self.put_new(path, text).await
    }

    /// Removes a file; one that is not there is as good as removed.
    async fn remove(&self, path: &str) -> Result<(), StoreError>;

    /// Removes a folder with all that is in it, complete or not.
    async fn discard(&self, folder: &str) -> Result<(), StoreError>;

    /// Like [`Backend::discard`] for a draft that is dropped: at once where that can be done without waiting, otherwise
    /// in the background; [`Backend::settle`] waits for it.
    fn abandon(self: Arc<Self>, folder: &str);

    /// Waits for what goes on in the background.
    async fn settle(&self);

    /// What the store says of keeping old versions, and of how long nothing in it can be deleted, in words.
    async fn keeping(&self) -> (String, String) {
        let unknown = "unknown: it is no bucket".to_owned();
        (unknown.clone(), unknown)
    }
}

/// A file that is being written. Dropped before it is finished, it leaves nothing.
#[async_trait]
pub(super) trait Writer: AsyncWrite + Send + Unpin {
    /// Gives the file its name and says how many bytes the store holds now.
    async fn finish(self: Box<Self>) -> Result<u64, StoreError>;
}
