//! Whether a store can do what a backup needs of it: asked by doing it, with files of our own that go again.

use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::{Store, StoreError};
use crate::transfer::{hex, pass};

/// More than one part, so that a bucket is asked for all that a large upload needs.
const LARGE: usize = (8 << 20) + 1;

/// What a backup needs of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAct {
    /// Publish a small file.
    Write,
    /// Read it back.
    Read,
    /// Refuse a second file of the same name.
    CreateOnly,
    /// List what is there.
    List,
    /// Take a large file: in parts, for a bucket.
    Multipart,
    /// Remove what is there.
    Delete,
}

/// What came of one act.
#[derive(Debug)]
pub struct StoreFinding {
    /// Which.
    pub act: StoreAct,
    /// What does not work. An act that could not be tried, because one before it failed, is not among the findings.
    pub result: Result<(), StoreProblem>,
}

/// What does not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreProblem {
    /// It was refused.
    #[error("it is refused")]
    Refused(#[from] StoreError),
    /// It was done, but not as it should.
    #[error("{0}")]
    Wrong(&'static str),
}

impl Store {
    /// Writes, reads back, compares, lists and deletes files of our own in a folder of its own.
    pub async fn test(&self) -> Vec<StoreFinding> {
        let folder = format!("probe-{:08x}", rand::random::<u32>());
        let (small, large) = (format!("{folder}/small"), format!("{folder}/large"));
        let mut findings = Vec::new();
        let mut found = |act, result: Result<(), StoreProblem>| {
            let works = result.is_ok();
            findings.push(StoreFinding { act, result });
            works
        };
        let written = self.write_probe(&folder, &small).await;
        if !found(StoreAct::Write, written) {
            return findings;
        }
        found(StoreAct::Read, self.read_probe(&small, folder.as_bytes()).await);
        found(
            StoreAct::CreateOnly,
            self.write_again(&small, folder.as_bytes()).await,
        );
        found(StoreAct::List, self.list_probe(&folder, &small).await);
        found(StoreAct::Multipart, self.large_probe(&large).await);
        found(
            StoreAct::Delete,
            self.delete_probe(&folder, &[&small, &large]).await,
        );
        findings
    }

    async fn write_probe(&self, folder: &str, path: &str) -> Result<(), StoreProblem> {
        self.backend.begin(folder).await?;
        Ok(self.backend.put_new(path, folder.as_bytes().to_vec()).await?)
    }

    async fn read_probe(&self, path: &str, wanted: &[u8]) -> Result<(), StoreProblem> {
        match self.backend.read_small(path).await? {
            Some(text) if text == wanted => Ok(()),
            Some(_) => Err(StoreProblem::Wrong("something else came back than was written")),
            None => Err(StoreProblem::Wrong("what was written is not there")),
        }
    }

    async fn write_again(&self, path: &str, wanted: &[u8]) -> Result<(), StoreProblem> {
        let overwritten = StoreProblem::Wrong("an object that was there was overwritten");
        match self.backend.put_unless_there(path, b"another".to_vec()).await {
            Ok(()) => Err(overwritten),
            Err(StoreError::Taken(_)) => self.read_probe(path, wanted).await.map_err(|_| overwritten),
            Err(error) => Err(error.into()),
        }
    }

    async fn list_probe(&self, folder: &str, path: &str) -> Result<(), StoreProblem> {
        let files = self.backend.files(folder, 2).await?;
        if files.iter().any(|file| file.path == path) {
            Ok(())
        } else {
            Err(StoreProblem::Wrong("what was written is not listed"))
        }
    }

    async fn large_probe(&self, path: &str) -> Result<(), StoreProblem> {
        let content: Vec<u8> = (0..LARGE).map(|index| (index % 251) as u8).collect();
        let mut writer = std::sync::Arc::clone(&self.backend).writer(path, 0).await?;
        let write = writer.write_all(&content).await;
        write.map_err(StoreError::io_at("write", self.backend.uri(path)))?;
        let stored = writer.finish().await?;
        let mut incoming = self.backend.read(path, 0..stored.max(1)).await?;
        let read = pass(&mut incoming, &mut tokio::io::sink()).await;
        let read = read.map_err(StoreError::io_at("read", self.backend.uri(path)))?;
        if read.bytes == content.len() as u64 && read.sha256 == hex(&Sha256::digest(&content)) {
            Ok(())
        } else {
            Err(StoreProblem::Wrong("something else came back than was written"))
        }
    }

    async fn delete_probe(&self, folder: &str, paths: &[&str]) -> Result<(), StoreProblem> {
        self.backend.discard(folder).await?;
        for path in paths {
            if self.backend.read_small(path).await?.is_some() {
                return Err(StoreProblem::Wrong("what was deleted is still there"));
            }
        }
        Ok(())
    }
}
