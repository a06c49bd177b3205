//! A store in a bucket. Data goes up under a unique key in parts; the manifest follows by a put that overwrites nothing.

mod backend;
mod client;
mod fault;
mod keeping;
mod parts;
mod upload;

use std::sync::Arc;

use object_store::path::Path as Key;
use object_store::{MultipartId, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};
use tokio_util::task::TaskTracker;

use super::StoreError;
use super::address::BucketAddress;

pub use fault::BucketFault;

use super::stores::Tuning;
use client::Clients;

/// The end of the name of a note about an upload that is under way. Without it nobody could find, and end, the upload of
/// a client that was killed: its parts are kept, and paid for, but stand in no list.
const NOTE: &str = ".upload";

/// A bucket and the place in it.
#[derive(Debug)]
pub(super) struct Bucket {
    address: BucketAddress,
    root: Key,
    clients: Clients,
    tuning: Tuning,
    background: TaskTracker,
}

/// The content of a note.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadNote {
    upload_id: MultipartId,
}

impl Bucket {
    pub(super) fn open(address: &BucketAddress, tuning: Tuning) -> Result<Self, StoreError> {
        let failed = |source: BucketFault| StoreError::Bucket {
            doing: "open",
            object: address.place(),
            source,
        };
        let root = Key::parse(&address.prefix).map_err(|error| {
            failed(BucketFault::of(&object_store::Error::InvalidPath {
                source: error,
            }))
        })?;
        let clients = Clients::open(address, &tuning).map_err(|error| failed(BucketFault::of(&error)))?;
        Ok(Self {
            address: address.clone(),
            root,
            clients,
            tuning,
            background: TaskTracker::new(),
        })
    }

    fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.clients.objects
    }

    fn key(&self, path: &str) -> Result<Key, StoreError> {
        let joined = match (self.root.as_ref(), path) {
            ("", path) => path.to_owned(),
            (root, "") => root.to_owned(),
            (root, path) => format!("{root}/{path}"),
        };
        Key::parse(joined)
            .map_err(|source| self.fault("name", path)(object_store::Error::InvalidPath { source }))
    }

    fn place(&self, path: &str) -> String {
        let slash = if path.is_empty() { "" } else { "/" };
        format!("{}{slash}{path}", self.address.place())
    }

    fn fault(
        &self,
        doing: &'static str,
        path: &str,
    ) -> impl FnOnce(object_store::Error) -> StoreError + use<> {
        let object = self.place(path);
        move |error| StoreError::Bucket {
            doing,
            object,
            source: BucketFault::of(&error),
        }
    }

    /// Puts an object in a place where there is none. Asks first, for servers that do not know the condition of the put.
    async fn create(&self, path: &str, payload: PutPayload) -> Result<(), StoreError> {
        match self.objects().head(&self.key(path)?).await {
            Ok(_) => return Err(StoreError::Taken(self.place(path))),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(self.fault("write", path)(error)),
        }
        self.create_unasked(path, payload).await
    }

    async fn create_unasked(&self, path: &str, payload: PutPayload) -> Result<(), StoreError> {
        let key = self.key(path)?;
        let put = |mode: PutMode| {
            let options = PutOptions {
                mode,
                ..PutOptions::default()
            };
            self.objects().put_opts(&key, payload.clone(), options)
        };
        let error = match put(PutMode::Create).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match error {
            object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => {
                // The answer to a put that succeeded may have been lost, and the put repeated.
                let content = self.content(path).await?;
                let ours: Vec<u8> = payload.iter().flatten().copied().collect();
                if content.as_deref() == Some(ours.as_slice()) {
                    Ok(())
                } else {
                    Err(StoreError::Taken(self.place(path)))
                }
            }
            error if fault::is_not_implemented(&error) => {
                let put = put(PutMode::Overwrite).await;
                put.map(drop).map_err(self.fault("write", path))
            }
            error => Err(self.fault("write", path)(error)),
        }
    }

    async fn content(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.objects().get(&self.key(path)?).await {
            Ok(found) => {
                let bytes = found.bytes().await.map_err(self.fault("read", path))?;
                Ok(Some(bytes.to_vec()))
            }
            Err(error) if fault::is_missing_object(&error) => Ok(None),
            Err(error) => Err(self.fault("read", path)(error)),
        }
    }

    async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.objects().delete(&self.key(path)?).await {
            Ok(()) => Ok(()),
            Err(error) if fault::is_missing_object(&error) => Ok(()),
            Err(error) => Err(self.fault("remove", path)(error)),
        }
    }

    /// Ends an upload and forgets its note.
    async fn abort(&self, path: &str, upload: &MultipartId) -> Result<(), StoreError> {
        let ended = self
            .clients
            .multipart
            .abort_multipart(&self.key(path)?, upload)
            .await;
        match ended {
            Err(error) if !fault::is_missing_object(&error) => {
                return Err(self.fault("end the upload of", path)(error));
            }
            Ok(()) | Err(_) => {}
        }
        self.delete(&format!("{path}{NOTE}")).await
    }
}
