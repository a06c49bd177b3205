//! A backup that is being written: nothing of it is a backup until its manifest is there.

use std::sync::Arc;

use model::{BackupManifest, KeyFingerprints};

use super::backend::Backend;
use super::layout::MANIFEST;
use super::sealed::Seal;
use super::{Backup, Sink, StoreError};
use crate::BackupId;
use crate::seal::{Recipients, SUFFIX};

/// Files of a backup that are removed again unless it is published.
#[derive(Debug)]
pub(crate) struct Draft {
    backend: Arc<dyn Backend>,
    folder: String,
    id: BackupId,
    seal: Option<Seal>,
    keys: Option<KeyFingerprints>,
    settled: bool,
}

impl Draft {
    pub(super) async fn begin(
        backend: Arc<dyn Backend>,
        folder: String,
        id: &BackupId,
        recipients: Option<Arc<Recipients>>,
        keys: Option<KeyFingerprints>,
    ) -> Result<Self, StoreError> {
        backend.begin(&folder).await?;
        Ok(Self {
            backend,
            folder,
            id: id.clone(),
            seal: recipients.map(Seal::new),
            keys,
            settled: false,
        })
    }

    /// Begins a file that will hold about so many bytes; the number sizes the parts of an upload and need not be exact.
    pub(crate) async fn sink<'a>(
        &self,
        name: &str,
        expected: u64,
        progress: &'a (dyn Fn(u64) + Send + Sync),
    ) -> Result<Sink<'a>, StoreError> {
        let path = self.file_path(name);
        let uri = self.backend.uri(&path);
        let mut writer = Arc::clone(&self.backend).writer(&path, expected).await?;
        if let Some(seal) = &self.seal {
            writer = seal.writer(name, uri.clone(), writer).await?;
        }
        Ok(Sink::new(writer, uri, progress))
    }

    /// Writes a small file whole.
    pub(crate) async fn write(&self, name: &str, mut text: Vec<u8>) -> Result<(), StoreError> {
        let path = self.file_path(name);
        if let Some(seal) = &self.seal {
            text = seal.small(name, self.backend.uri(&path), text).await?;
        }
        self.backend.put_new(&path, text).await
    }

    /// Leaves out a file that did not become what it should, whether it was finished or not.
    pub(crate) async fn leave_out(&self, name: &str) -> Result<(), StoreError> {
        self.backend.remove(&self.file_path(name)).await
    }

    /// Publishes the manifest: from now on this is a backup.
    pub(crate) async fn publish(mut self, mut manifest: BackupManifest) -> Result<Backup, StoreError> {
        if let Some(seal) = &self.seal {
            seal.describe(&mut manifest);
        }
        manifest.keys = self.keys.take();
        let path = self.path(MANIFEST);
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(std::io::Error::from)
            .map_err(StoreError::io_at("write", self.backend.uri(&path)))?;
        let published = self.backend.put_new(&path, text).await;
        // Where somebody else's manifest lies, the folder is not ours to remove.
        self.settled = matches!(published, Ok(()) | Err(StoreError::Taken(_)));
        published?;
        Ok(Backup::new(
            Arc::clone(&self.backend),
            self.folder.clone(),
            self.id.clone(),
            manifest,
            Vec::new(),
        ))
    }

    /// Removes everything that was written, and says so where that cannot be done. It is no backup either way.
    pub(crate) async fn discard(mut self) -> Result<(), StoreError> {
        self.settled = true;
        // An upload that was dropped is ended in the background, and would leave its note behind us.
        self.backend.settle().await;
        self.backend.discard(&self.folder).await
    }

    /// Where a file of the backup lies; the manifest and what is written beside it later is never sealed.
    fn file_path(&self, name: &str) -> String {
        let suffix = if self.seal.is_some() { SUFFIX } else { "" };
        self.path(&format!("{name}{suffix}"))
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.settled {
            Arc::clone(&self.backend).abandon(&self.folder);
        }
    }
}
