//! An object on its way up: in one put where it is small, in parts otherwise.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use object_store::multipart::PartId;
use object_store::path::Path as Key;
use object_store::{MultipartId, ObjectStoreExt as _};
use tokio::io::AsyncWrite;
use tokio::task::JoinSet;

use super::parts::{MOST_PARTS, Parts, parts_for};
use super::{Bucket, NOTE, UploadNote};
use crate::store::StoreError;
use crate::store::backend::Writer;

/// Where the upload stands with the server.
enum State {
    /// It knows nothing of it yet.
    Unknown,
    /// It is being told.
    Beginning(BoxFuture<'static, Result<MultipartId, StoreError>>),
    /// It takes parts.
    Begun(MultipartId),
    /// It was completed, or never begun because it was small.
    Over,
}

/// An object on its way up.
pub(super) struct Upload {
    bucket: Arc<Bucket>,
    path: String,
    key: Key,
    parts: Parts,
    buffer: Vec<u8>,
    state: State,
    sent: Vec<Option<PartId>>,
    tasks: JoinSet<Result<(usize, PartId), object_store::Error>>,
}

impl Upload {
    pub(super) fn new(bucket: Arc<Bucket>, path: &str, expected: u64) -> Result<Self, StoreError> {
        Ok(Self {
            key: bucket.key(path)?,
            path: path.to_owned(),
            parts: bucket
                .tuning
                .part_bytes
                .map_or_else(|| parts_for(expected), Parts::of),
            buffer: Vec::new(),
            state: State::Unknown,
            sent: Vec::new(),
            tasks: JoinSet::new(),
            bucket,
        })
    }

    /// Waits until fewer than so many parts are on their way.
    fn poll_room(&mut self, context: &mut Context<'_>, most: usize) -> Poll<Result<(), StoreError>> {
        while self.tasks.len() >= most.max(1) {
            match ready!(self.tasks.poll_join_next(context)) {
                None => break,
                Some(Ok(Ok((index, part)))) => self.sent[index] = Some(part),
                Some(Ok(Err(error))) => {
                    return Poll::Ready(Err(self.bucket.fault("write", &self.path)(error)));
                }
                Some(Err(error)) => {
                    let source = io::Error::other(error);
                    return Poll::Ready(Err(StoreError::io_at("write", self.bucket.place(&self.path))(
                        source,
                    )));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends the buffer on its way as the next part.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StoreError>> {
        loop {
            match &mut self.state {
                State::Unknown => {
                    let begun = begin(Arc::clone(&self.bucket), self.path.clone(), self.key.clone());
                    self.state = State::Beginning(begun.boxed());
                }
                State::Beginning(begun) => {
                    let id = ready!(begun.as_mut().poll(context));
                    match id {
                        Ok(id) => self.state = State::Begun(id),
                        Err(error) => {
                            self.state = State::Over;
                            return Poll::Ready(Err(error));
                        }
                    }
                }
                State::Begun(id) => {
                    let index = self.sent.len();
                    if index as u64 == MOST_PARTS {
                        let source = io::Error::other(format!(
                            "{MOST_PARTS} parts of {} MiB are full: it is larger than was expected",
                            self.parts.bytes >> 20
                        ));
                        let error = StoreError::io_at("write", self.bucket.place(&self.path))(source);
                        return Poll::Ready(Err(error));
                    }
                    let part = Bytes::from(mem::take(&mut self.buffer));
                    let (bucket, key, id) = (Arc::clone(&self.bucket), self.key.clone(), id.clone());
                    self.sent.push(None);
                    self.tasks.spawn(async move {
                        let sent = bucket.clients.multipart.put_part(&key, &id, index, part.into());
                        sent.await.map(|part| (index, part))
                    });
                    return Poll::Ready(Ok(()));
                }
                State::Over => {
                    let source = io::Error::other("the upload is over");
                    let error = StoreError::io_at("write", self.bucket.place(&self.path))(source);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }

    async fn complete(&mut self) -> Result<Option<String>, StoreError> {
        if matches!(self.state, State::Unknown) {
            let whole = mem::take(&mut self.buffer);
            self.bucket.create(&self.path, whole.into()).await?;
            self.state = State::Over;
            return Ok(None);
        }
        if !self.buffer.is_empty() {
            std::future::poll_fn(|context| self.poll_send(context)).await?;
        }
        std::future::poll_fn(|context| self.poll_room(context, 1)).await?;
        let State::Begun(id) = &self.state else {
            return Ok(None);
        };
        // Every part is there: each task either left its part or was an error above.
        let parts: Vec<PartId> = mem::take(&mut self.sent).into_iter().flatten().collect();
        let completed = self
            .bucket
            .clients
            .multipart
            .complete_multipart(&self.key, id, parts)
            .await;
        let completed = completed.map_err(self.bucket.fault("complete the upload of", &self.path))?;
        self.state = State::Over;
        self.bucket.delete(&format!("{}{NOTE}", self.path)).await?;
        Ok(completed.e_tag)
    }
}

/// Begins an upload and leaves the note by which somebody else can end it.
async fn begin(bucket: Arc<Bucket>, path: String, key: Key) -> Result<MultipartId, StoreError> {
    let begun = bucket.clients.multipart.create_multipart(&key).await;
    let upload_id = begun.map_err(bucket.fault("begin the upload of", &path))?;
    let note = UploadNote {
        upload_id: upload_id.clone(),
    };
    let text = serde_json::to_vec(&note)
        .map_err(io::Error::from)
        .map_err(StoreError::io_at("write", bucket.place(&path)))?;
    if let Err(error) = bucket.create(&format!("{path}{NOTE}"), text.into()).await {
        // Best effort: the error that is told is the first.
        let _ = bucket.abort(&path, &upload_id).await;
        return Err(error);
    }
    Ok(upload_id)
}

#[async_trait]
impl Writer for Upload {
    async fn finish(mut self: Box<Self>) -> Result<u64, StoreError> {
        let written = self.complete().await?;
        let found = self.bucket.objects().head(&self.key).await;
        let found = found.map_err(self.bucket.fault("look at", &self.path))?;
        // Each part's hash was in its signed request, so the server has checked it. That what it put together is what is
        // there now, its tag says.
        if let (Some(written), Some(found)) = (&written, &found.e_tag)
            && written != found
        {
            return Err(StoreError::Taken(self.bucket.place(&self.path)));
        }
        Ok(found.size)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let state = mem::replace(&mut self.state, State::Over);
        if matches!(state, State::Unknown | State::Over) || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let mut tasks = mem::take(&mut self.tasks);
        let (bucket, path) = (Arc::clone(&self.bucket), self.path.clone());
        self.bucket.background.spawn(async move {
            // A part that arrives after the end of its upload would stay for ever.
            tasks.shutdown().await;
            let id = match state {
                State::Begun(id) => id,
                State::Beginning(begun) => match begun.await {
                    Ok(id) => id,
                    Err(_) => return,
                },
                State::Unknown | State::Over => return,
            };
            // Where it cannot be ended now, its note tells the next who looks.
            let _ = bucket.abort(&path, &id).await;
        });
    }
}

impl AsyncWrite for Upload {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let size = usize::try_from(this.parts.bytes).unwrap_or(usize::MAX);
        if this.buffer.len() == size {
            ready!(this.poll_send(context)).map_err(io::Error::other)?;
        }
        if this.buffer.is_empty() {
            ready!(this.poll_room(context, this.parts.at_once)).map_err(io::Error::other)?;
            this.buffer.reserve_exact(size);
        }
        let count = bytes.len().min(size - this.buffer.len());
        this.buffer.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    /// What is not a whole part yet waits for the rest of it.
    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
