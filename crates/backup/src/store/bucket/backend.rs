//! A bucket as a store.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use object_store::{GetOptions, GetRange};
use tokio_util::io::StreamReader;

use super::upload::Upload;
use super::{Bucket, NOTE, UploadNote};
use crate::store::StoreError;
use crate::store::backend::{Backend, Incoming, StoredFile, Writer};

#[async_trait]
impl Backend for Bucket {
    fn folder(&self) -> Option<&Path> {
        None
    }

    fn uri(&self, path: &str) -> String {
        self.place(path)
    }

    async fn files(&self, folder: &str, depth: usize) -> Result<Vec<StoredFile>, StoreError> {
        let key = self.key(folder)?;
        let above = self.root.parts_count();
        let mut objects = self.objects().list(Some(&key));
        let mut files = Vec::new();
        while let Some(object) = objects.try_next().await.map_err(self.fault("list", folder))? {
            let steps: Vec<&str> = object.location.as_ref().split('/').skip(above).collect();
            if steps.len() == depth {
                files.push(StoredFile {
                    path: steps.join("/"),
                    bytes: object.size,
                });
            }
        }
        Ok(files)
    }

    async fn read_small(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.content(path).await
    }

    async fn read(&self, path: &str, range: Range<u64>) -> Result<Incoming, StoreError> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let found = self.objects().get_opts(&self.key(path)?, options).await;
        let stream = found.map_err(self.fault("read", path))?.into_stream();
        Ok(Box::pin(StreamReader::new(stream.map_err(std::io::Error::from))))
    }

    async fn begin(&self, folder: &str) -> Result<(), StoreError> {
        // There is nothing to make; but what is there under this name is somebody else's.
        let mut objects = self.objects().list(Some(&self.key(folder)?));
        match objects.try_next().await.map_err(self.fault("list", folder))? {
            None => Ok(()),
            Some(_) => Err(StoreError::Taken(self.place(folder))),
        }
    }

    async fn writer(self: Arc<Self>, path: &str, expected: u64) -> Result<Box<dyn Writer>, StoreError> {
        Ok(Box::new(Upload::new(self, path, expected)?))
    }

    async fn put_new(&self, path: &str, text: Vec<u8>) -> Result<(), StoreError> {
        self.create(path, text.into()).await
    }

    async fn put_unless_there(&self, path: &str, text: Vec<u8>) -> Result<(), StoreError> {
        self.create_unasked(path, text.into()).await
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        let note = format!("{path}{NOTE}");
        if let Some(text) = self.content(&note).await?
            && let Ok(UploadNote { upload_id }) = serde_json::from_slice(&text)
        {
            self.abort(path, &upload_id).await?;
        }
        self.delete(path).await
    }

    async fn discard(&self, folder: &str) -> Result<(), StoreError> {
        let key = self.key(folder)?;
        let above = self.root.parts_count();
        let listed = self.objects().list(Some(&key)).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(self.fault("list", folder))?;
        let paths = listed.iter().map(|object| {
            let steps: Vec<&str> = object.location.as_ref().split('/').skip(above).collect();
            steps.join("/")
        });
        for path in paths {
            match path.strip_suffix(NOTE) {
                Some(upload) => self.remove(upload).await?,
                None => self.delete(&path).await?,
            }
        }
        Ok(())
    }

    fn abandon(self: Arc<Self>, folder: &str) {
        let (bucket, folder) = (Arc::clone(&self), folder.to_owned());
        if tokio::runtime::Handle::try_current().is_ok() {
            self.background.spawn(async move {
                // What cannot be removed is still no backup, and the note tells the next who looks.
                let _ = bucket.discard(&folder).await;
            });
        }
    }

    async fn keeping(&self) -> (String, String) {
        self.keeps().await
    }

    async fn settle(&self) {
        self.background.close();
        self.background.wait().await;
        self.background.reopen();
    }
}
