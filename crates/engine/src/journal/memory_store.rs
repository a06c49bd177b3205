//! Journals in memory, for tests: clones share what they hold, so that a "second process" finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{HeadLabels, JournalStore, StoreError, StoredHead};

type RunName = (String, String);

/// Journals in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    heads: BTreeMap<RunName, StoredHead>,
    pieces: BTreeMap<(RunName, String, usize), Vec<u8>>,
    versions: u64,
    silent_for: usize,
    lose_answer: bool,
    refuses_pieces: bool,
}

impl MemoryStore {
    /// The next `requests` requests are not answered and not stored.
    pub fn fall_silent_for(&self, requests: usize) {
        self.lock().silent_for = requests;
    }

    /// The next write is stored, but its answer is lost.
    pub fn lose_next_answer(&self) {
        self.lock().lose_answer = true;
    }

    /// Whether pieces of parts are refused, as by a quota.
    pub fn refuse_pieces(&self, refuse: bool) {
        self.lock().refuses_pieces = refuse;
    }

    /// Changes a head as another program would.
    pub fn meddle(&self, release: &str, run: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.lock();
        inner.versions += 1;
        let version = inner.versions.to_string();
        if let Some(head) = inner.heads.get_mut(&name(release, run)) {
            change(&mut head.text);
            head.version = version;
        }
    }

    /// How many pieces there are of all runs.
    pub fn piece_count(&self) -> usize {
        self.lock().pieces.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answering(&self, object: &str) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let mut inner = self.lock();
        if inner.silent_for > 0 {
            inner.silent_for -= 1;
            return Err(unavailable(object));
        }
        Ok(inner)
    }
}

fn name(release: &str, run: &str) -> RunName {
    (release.to_owned(), run.to_owned())
}

fn unavailable(object: &str) -> StoreError {
    StoreError::Unavailable {
        object: object.to_owned(),
        reason: "it is silent on request".into(),
    }
}

fn conflict(object: &str) -> StoreError {
    StoreError::Conflict {
        object: object.to_owned(),
    }
}

impl Inner {
    fn store(&mut self, labels: &HeadLabels, text: &[u8]) -> Result<String, StoreError> {
        self.versions += 1;
        let version = self.versions.to_string();
        let head = StoredHead {
            labels: labels.clone(),
            text: text.to_vec(),
            version: version.clone(),
        };
        self.heads.insert(name(&labels.release, &labels.run), head);
        if std::mem::take(&mut self.lose_answer) {
            return Err(unavailable(&labels.run));
        }
        Ok(version)
    }
}

#[async_trait]
impl JournalStore for MemoryStore {
    async fn create_head(&self, labels: &HeadLabels, text: &[u8]) -> Result<String, StoreError> {
        let mut inner = self.answering(&labels.run)?;
        if inner.heads.contains_key(&name(&labels.release, &labels.run)) {
            return Err(conflict(&labels.run));
        }
        inner.store(labels, text)
    }

    async fn replace_head(
        &self,
        labels: &HeadLabels,
        text: &[u8],
        version: &str,
    ) -> Result<String, StoreError> {
        let mut inner = self.answering(&labels.run)?;
        match inner.heads.get(&name(&labels.release, &labels.run)) {
            Some(head) if head.version == version => inner.store(labels, text),
            Some(_) | None => Err(conflict(&labels.run)),
        }
    }

    async fn read_head(&self, release: &str, run: &str) -> Result<Option<StoredHead>, StoreError> {
        Ok(self.answering(run)?.heads.get(&name(release, run)).cloned())
    }

    async fn list_heads(&self, release: Option<&str>) -> Result<Vec<StoredHead>, StoreError> {
        let inner = self.answering("the list of runs")?;
        let wanted = |head: &&StoredHead| release.is_none_or(|release| head.labels.release == release);
        Ok(inner.heads.values().filter(wanted).cloned().collect())
    }

    async fn delete_head(&self, release: &str, run: &str) -> Result<(), StoreError> {
        self.answering(run)?.heads.remove(&name(release, run));
        Ok(())
    }

    async fn put_piece(
        &self,
        release: &str,
        run: &str,
        part: &str,
        index: usize,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let key = (name(release, run), part.to_owned(), index);
        let mut inner = self.answering(run)?;
        if inner.refuses_pieces {
            return Err(StoreError::Refused {
                object: part.to_owned(),
                reason: "it refuses on request".into(),
            });
        }
        inner.pieces.insert(key, bytes.to_vec());
        Ok(())
    }

    async fn get_piece(
        &self,
        release: &str,
        run: &str,
        part: &str,
        index: usize,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = (name(release, run), part.to_owned(), index);
        Ok(self.answering(run)?.pieces.get(&key).cloned())
    }

    async fn runs_with_pieces(&self, release: &str) -> Result<Vec<String>, StoreError> {
        let inner = self.answering("the list of parts")?;
        let of_release = inner
            .pieces
            .keys()
            .filter(|((its_release, _), ..)| its_release == release);
        let runs: BTreeSet<String> = of_release.map(|((_, run), ..)| run.clone()).collect();
        Ok(runs.into_iter().collect())
    }

    async fn delete_pieces(&self, release: &str, run: &str) -> Result<(), StoreError> {
        self.answering(run)?
            .pieces
            .retain(|(owner, ..), _| *owner != name(release, run));
        Ok(())
    }
}
