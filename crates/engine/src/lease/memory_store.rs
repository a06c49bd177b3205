//! Leases in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{LeaseRecord, LeaseStore};
use crate::clock;
use crate::journal::StoreError;

/// Leases in memory. Clones share what they hold.
#[derive(Debug, Clone, Default)]
pub struct MemoryLeases {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    leases: BTreeMap<String, LeaseRecord>,
    versions: u64,
    silent: bool,
}

impl MemoryLeases {
    /// Whether requests stay unanswered.
    pub fn set_silent(&self, silent: bool) {
        self.lock().silent = silent;
    }

    /// Puts a lease there as another program would.
    pub fn plant(&self, release: &str, holder: &str, renewed: &str) {
        let mut inner = self.lock();
        inner.versions += 1;
        let version = inner.versions.to_string();
        inner.leases.insert(
            release.to_owned(),
            LeaseRecord {
                holder: holder.to_owned(),
                renewed: Some(renewed.to_owned()),
                duration_seconds: super::hold::DURATION.as_secs(),
                version,
            },
        );
    }

    /// Takes a lease away as another program would.
    pub fn remove(&self, release: &str) {
        self.lock().leases.remove(release);
    }

    /// The lease of a release as it is.
    pub fn get(&self, release: &str) -> Option<LeaseRecord> {
        self.lock().leases.get(release).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answering(&self, release: &str) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let inner = self.lock();
        if inner.silent {
            return Err(StoreError::Unavailable {
                object: format!("the lease of {release}"),
                reason: "it is silent on request".into(),
            });
        }
        Ok(inner)
    }
}

#[async_trait]
impl LeaseStore for MemoryLeases {
    async fn read(&self, release: &str) -> Result<Option<LeaseRecord>, StoreError> {
        Ok(self.answering(release)?.leases.get(release).cloned())
    }

    async fn write(
        &self,
        release: &str,
        holder: &str,
        duration_seconds: u64,
        version: Option<&str>,
    ) -> Result<String, StoreError> {
        let mut inner = self.answering(release)?;
        if inner.leases.get(release).map(|lease| lease.version.as_str()) != version {
            return Err(StoreError::Conflict {
                object: format!("the lease of {release}"),
            });
        }
        inner.versions += 1;
        let version = inner.versions.to_string();
        let record = LeaseRecord {
            holder: holder.to_owned(),
            renewed: Some(clock::now().to_string()),
            duration_seconds,
            version: version.clone(),
        };
        inner.leases.insert(release.to_owned(), record);
        Ok(version)
    }

    async fn delete(&self, release: &str, version: &str) -> Result<(), StoreError> {
        let mut inner = self.answering(release)?;
        if inner
            .leases
            .get(release)
            .is_some_and(|lease| lease.version == version)
        {
            inner.leases.remove(release);
        }
        Ok(())
    }
}
