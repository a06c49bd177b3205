//! What is in a store, as far as a decision needs it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::store::Partial;
use crate::{Backup, Filter, Store, StoreError};

use super::pin::pinned;
use super::{Candidate, Pin, Series, Standing};

/// A Helm release that backups were made for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReleaseKey {
    /// First 8 characters of the kube-system UID.
    pub cluster: String,
    /// Its namespace, taken to be that of its database.
    pub namespace: String,
    /// Its name.
    pub release: String,
}

/// The revisions that are still in a release's history, or why they are not known.
pub type Revisions = Result<BTreeSet<u32>, String>;

/// Everything in a store that may go.
#[derive(Debug)]
pub struct Survey {
    /// The complete backups, newest first, with their pins.
    pub(super) backups: Vec<(Backup, Option<Pin>)>,
    /// What is no backup.
    pub(super) partials: Vec<Partial>,
}

impl Survey {
    /// Looks.
    ///
    /// # Errors
    /// When the store cannot be read: nothing is decided about what was not seen.
    pub async fn take(store: &Store, filter: &Filter) -> Result<Self, StoreError> {
        // First what is no backup: one that is completed in between then counts as complete, not as failed.
        let mut partials = store.partials(filter).await?;
        let mut backups = Vec::new();
        for backup in store.list(filter).await? {
            let said = pinned(&backup).await?;
            let said = said.map(|pin| Pin::Said { reason: pin.reason });
            let strangers = backup.strangers().await?;
            let strangers = (!strangers.is_empty()).then_some(Pin::Strangers(strangers));
            backups.push((backup, said.or(strangers)));
        }
        let complete: BTreeSet<&str> = backups.iter().map(|(backup, _)| backup.path()).collect();
        partials.retain(|partial| !complete.contains(partial.path()));
        Ok(Self { backups, partials })
    }

    /// The releases that the backups were made for.
    pub fn releases(&self) -> BTreeSet<ReleaseKey> {
        let key = |(backup, _): &(Backup, _)| release_key(backup);
        self.backups.iter().filter_map(key).collect()
    }

    /// What a decision is made from. A revision that was not looked up is not known.
    pub(super) fn candidates(&self, revisions: &BTreeMap<ReleaseKey, Revisions>) -> Vec<Candidate> {
        let mut met = BTreeSet::new();
        let candidate = |(backup, pin): &(Backup, Option<Pin>)| {
            let series = series(backup);
            let mut by_release = None;
            // Newest first: only the newest of a revision is what a roll-back to it would use.
            if standing(backup) != Standing::Different
                && let Some(key) = release_key(backup)
                && let Some(made_for) = &backup.manifest.release
                && met.insert((series.clone(), key.clone(), made_for.revision))
            {
                by_release = by_revision(&key, made_for.revision, revisions.get(&key));
            }
            Candidate {
                id: backup.id.clone(),
                series,
                at: began(backup),
                standing: standing(backup),
                pin: pin.clone().or(by_release),
                // No backup of ours builds on another: copies of whole servers are full ones.
                parent: None,
            }
        };
        self.backups.iter().map(candidate).collect()
    }

    /// The series whose newest attempt made no backup, or is still making one.
    pub(super) fn failed(&self) -> BTreeSet<Series> {
        let failed = |(backup, _): &&(Backup, _)| {
            self.partials
                .iter()
                .any(|partial| partial.folder() == folder(backup.path()) && self.is_newest(partial))
        };
        self.backups
            .iter()
            .filter(failed)
            .map(|(backup, _)| series(backup))
            .collect()
    }

    /// Whether it is newer than every complete backup beside it.
    pub(super) fn is_newest(&self, partial: &Partial) -> bool {
        let beside = |(backup, _): &&(Backup, _)| folder(backup.path()) == partial.folder();
        self.backups
            .iter()
            .filter(beside)
            .all(|(backup, _)| backup.id < partial.id)
    }
}

fn by_revision(key: &ReleaseKey, revision: u32, revisions: Option<&Revisions>) -> Option<Pin> {
    let release = key.release.clone();
    let unknown = |why: &str| Pin::UnknownRevision {
        release: key.release.clone(),
        revision,
        why: why.to_owned(),
    };
    match revisions {
        None => Some(unknown("its history was not read")),
        Some(Err(why)) => Some(unknown(why)),
        Some(Ok(known)) => known
            .contains(&revision)
            .then_some(Pin::Revision { release, revision }),
    }
}

fn release_key(backup: &Backup) -> Option<ReleaseKey> {
    let manifest = &backup.manifest;
    Some(ReleaseKey {
        cluster: manifest.cluster.clone(),
        namespace: manifest.namespace.clone(),
        release: manifest.release.as_ref()?.name.clone(),
    })
}

/// Dumps are counted with dumps and copies of whole servers with their like: `dump.pgc.zst` and `base.tar` differ in the
/// first word.
fn series(backup: &Backup) -> Series {
    let manifest = &backup.manifest;
    let file = manifest.files.first().map_or("", |file| file.name.as_str());
    Series {
        cluster: manifest.cluster.clone(),
        namespace: manifest.namespace.clone(),
        server: manifest.server_name.clone(),
        database: manifest.database.clone(),
        format: file.split('.').next().unwrap_or_default().to_owned(),
    }
}

fn standing(backup: &Backup) -> Standing {
    match backup.verifications.last() {
        None => Standing::Untested,
        Some(test) if test.differences.is_empty() => Standing::Proven,
        Some(_) => Standing::Different,
    }
}

/// The moment of its data, which its id says, too, where the manifest says none.
pub(super) fn began(backup: &Backup) -> Timestamp {
    let said = backup.manifest.started_at.parse().ok();
    said.unwrap_or_else(|| backup.id.time())
}

/// The place in the store that backups of one database share.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
