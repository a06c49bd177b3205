//! A store: what is in it, and the way of a backup into it and out of it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::Cluster;
use futures::{StreamExt as _, TryStreamExt as _};
use model::{KeyFingerprints, Secret};

use super::address::Address;
use super::backend::{Backend, StoredFile};
use super::backup::Looked;
use super::bucket::Bucket;
use super::folder::Folder;
use super::layout::{DEPTH, MANIFEST, step};
use super::volume::Volume;
use super::{Backup, ClaimAddress, Draft, Filter, Place, StoreError};
use crate::BackupId;
use crate::seal::Recipients;

/// How many manifests are read at a time.
const READS: usize = 8;

/// How long a request is repeated that a server does not answer: a restart of it passes unseen, and whoever watches
/// still learns within a minute that it is gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// What may be set about the way to a bucket.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// How long a request is repeated that the server does not answer.
    pub patience: Duration,
    /// The size of the parts of an upload in bytes; by what is expected where it is not given.
    pub part_bytes: Option<u64>,
    /// The variables that credentials are looked for in; this process's environment where they are not given.
    pub variables: Option<Variables>,
}

/// Environment variables, some of which are secrets.
#[derive(Debug, Clone, Default)]
pub struct Variables(Vec<(String, Secret)>);

impl FromIterator<(String, Secret)> for Variables {
    fn from_iter<T: IntoIterator<Item = (String, Secret)>>(variables: T) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl Variables {
    /// The names in lower case, as the library's options are called, with their values.
    pub(super) fn options(&self) -> impl Iterator<Item = (String, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.expose()))
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            patience: PATIENCE,
            part_bytes: None,
            variables: None,
        }
    }
}

/// A place with backups: `<cluster>/<namespace>/<server>/<database>/<id>/` below a folder or a bucket's prefix.
#[derive(Debug, Clone)]
pub struct Store {
    address: Address,
    pub(super) backend: Arc<dyn Backend>,
    recipients: Option<Arc<Recipients>>,
    keys: Option<KeyFingerprints>,
}

/// What an attempt left that never became a backup, or that is just being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// The id of the attempt, which says when it began.
    pub id: BackupId,
    /// Its place as `file://…`, `s3://…`.
    pub uri: String,
    folder: String,
}

impl Partial {
    /// Its path below the store's root.
    pub(crate) fn path(&self) -> &str {
        &self.folder
    }

    /// The folder that backups of the same database share.
    pub(crate) fn folder(&self) -> &str {
        self.folder.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

impl fmt::Display for Store {
    /// The text that opens it again, from anywhere: an absolute path or a URL with its options. Holds no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl Store {
    /// A store in a folder (a path or `file:///path`), which is made when the first backup is, or in a bucket:
    /// `s3://bucket/prefix`, `gs://…`, `az://…`, or in a claim: `pvc://…`, see [`Store::within`]. Options follow as a query: `?endpoint=URL&region=R&path-style=false`.
    /// Credentials come from the environment and never stand in the text.
    ///
    /// # Errors
    /// When the text names no store, or holds credentials.
    pub fn open(text: &str) -> Result<Self, StoreError> {
        Self::open_tuned(text, Tuning::default())
    }

    /// Like [`Store::open`], with another way to a bucket than the usual.
    ///
    /// # Errors
    /// As there.
    pub fn open_tuned(text: &str, tuning: Tuning) -> Result<Self, StoreError> {
        let address = Address::parse(text)?;
        let backend: Arc<dyn Backend> = match &address {
            Address::Folder(root) => Arc::new(Folder::new(root.clone())),
            Address::Bucket(address) => Arc::new(Bucket::open(address, tuning)?),
            Address::Claim(address) => Arc::new(Volume::open(address, None)),
        };
        Ok(Self {
            address,
            backend,
            recipients: None,
            keys: None,
        })
    }

    /// The same store, reached through this cluster where it is a claim of it; `namespace` is meant where its text names
    /// none.
    pub fn within(mut self, cluster: &Cluster, namespace: &str) -> Self {
        if let Address::Claim(address) = &self.address {
            let volume = Volume::open(address, Some((cluster, namespace)));
            self.address = Address::Claim(volume.address().clone());
            self.backend = Arc::new(volume);
        }
        self
    }

    /// The claim that the store is in, where it is in one: it is reached with [`Store::within`] only.
    pub fn claim(&self) -> Option<&ClaimAddress> {
        match &self.address {
            Address::Claim(address) => Some(address),
            Address::Folder(_) | Address::Bucket(_) => None,
        }
    }

    /// The same store, in which every new backup is encrypted on its way to these recipients. Manifests stay readable.
    pub fn sealed_to(mut self, recipients: Recipients) -> Self {
        self.recipients = Some(Arc::new(recipients));
        self
    }

    /// The same store, in which the manifest of every new backup names the keys of its time by their fingerprints.
    pub fn noting_keys(mut self, keys: KeyFingerprints) -> Self {
        self.keys = Some(keys);
        self
    }

    /// The folder, where the store is one on this machine.
    pub fn folder(&self) -> Option<&Path> {
        self.backend.folder()
    }

    /// All complete backups that the filter lets through, newest first. What has no manifest is no backup.
    ///
    /// # Errors
    /// When the store cannot be read. A folder that is not there is an empty list; a bucket that is not there is not.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Backup>, StoreError> {
        let folders = self.folders(filter).await?;
        let looks = folders.into_iter().map(|(folder, files)| {
            let backend = Arc::clone(&self.backend);
            async move { Backup::look(backend, &folder, &files).await.map(Looked::whole) }
        });
        let found = futures::stream::iter(looks).buffered(READS);
        let mut backups: Vec<Backup> = found
            .try_filter_map(async |backup| Ok(backup))
            .try_collect()
            .await?;
        backups.sort_by(|one, other| other.id.cmp(&one.id));
        Ok(backups)
    }

    /// The files of every backup and every attempt, by folder.
    async fn folders(&self, filter: &Filter) -> Result<BTreeMap<String, Vec<StoredFile>>, StoreError> {
        let files = self.backend.files(&filter.prefix(), DEPTH).await?;
        let mut folders: BTreeMap<String, Vec<StoredFile>> = BTreeMap::new();
        for file in files.into_iter().filter(|file| filter.lets_through(&file.path)) {
            if let Some((folder, _)) = file.path.rsplit_once('/') {
                folders.entry(folder.to_owned()).or_default().push(file);
            }
        }
        Ok(folders)
    }

    /// The backup with this id; also one that was fetched into this folder.
    ///
    /// # Errors
    /// When there is none, when it is not what its manifest says, or the store cannot be read.
    pub async fn find(&self, id: &BackupId) -> Result<Backup, StoreError> {
        let mut damaged = None;
        let right_below = self.backend.files(id.as_str(), 2).await?;
        match Backup::look(Arc::clone(&self.backend), id.as_str(), &right_below).await? {
            Looked::Whole(backup) => return Ok(*backup),
            Looked::Flawed(flaws) => damaged = Some((id.to_string(), flaws)),
            Looked::Nothing => {}
        }
        let mut folders = self.folders(&Filter::default()).await?;
        folders.retain(|folder, _| folder.rsplit('/').next() == Some(id.as_str()));
        for (folder, files) in folders {
            match Backup::look(Arc::clone(&self.backend), &folder, &files).await? {
                Looked::Whole(backup) => return Ok(*backup),
                Looked::Flawed(flaws) => damaged = Some((folder, flaws)),
                Looked::Nothing => {}
            }
        }
        Err(match damaged {
            Some((folder, flaws)) => StoreError::Damaged {
                backup: self.uri(&folder),
                flaws,
            },
            None => StoreError::Unknown {
                id: id.to_string(),
                store: self.to_string(),
            },
        })
    }

    /// A backup right below the root, as one that was fetched lies.
    pub(crate) async fn directly(&self, id: &BackupId) -> Result<Option<Backup>, StoreError> {
        let files = self.backend.files(id.as_str(), 2).await?;
        Ok(Backup::look(Arc::clone(&self.backend), id.as_str(), &files)
            .await?
            .whole())
    }

    /// Begins a backup.
    pub(crate) async fn draft(&self, place: &Place, id: &BackupId) -> Result<Draft, StoreError> {
        let recipients = self.recipients.clone();
        let keys = self.keys.clone();
        Draft::begin(Arc::clone(&self.backend), place.folder(id), id, recipients, keys).await
    }

    /// Takes away what a killed attempt left under this id. What has a manifest stays.
    ///
    /// # Errors
    /// When the store cannot be read, or does not let go of it.
    pub async fn forget_partial(&self, place: &Place, id: &BackupId) -> Result<(), StoreError> {
        self.forget_folder(&place.folder(id)).await
    }

    /// What has begun and has no manifest. It may be a backup that somebody makes this minute: its id says since when.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn partials(&self, filter: &Filter) -> Result<Vec<Partial>, StoreError> {
        let folders = self.folders(filter).await?;
        let partials = folders.into_iter().filter_map(|(folder, files)| {
            let manifest = format!("{folder}/{MANIFEST}");
            let id = folder.rsplit('/').next()?.parse().ok()?;
            let partial = Partial {
                id,
                uri: self.backend.uri(&folder),
                folder,
            };
            (!files.iter().any(|file| file.path == manifest)).then_some(partial)
        });
        Ok(partials.collect())
    }

    /// Takes away what [`Store::partials`] found, with uploads that were never completed.
    ///
    /// # Errors
    /// When the store cannot be read, or does not let go of it.
    pub async fn forget(&self, partial: &Partial) -> Result<(), StoreError> {
        self.forget_folder(&partial.folder).await
    }

    async fn forget_folder(&self, folder: &str) -> Result<(), StoreError> {
        let manifest = format!("{folder}/{MANIFEST}");
        if self.backend.read_small(&manifest).await?.is_none() {
            self.backend.discard(folder).await?;
        }
        Ok(())
    }

    /// Removes a backup: its manifest first, so that what is left after a kill is no backup.
    ///
    /// # Errors
    /// When the store does not let go of it.
    pub async fn remove(&self, backup: &Backup) -> Result<(), StoreError> {
        self.backend
            .remove(&format!("{}/{MANIFEST}", backup.path()))
            .await?;
        self.backend.discard(backup.path()).await
    }

    /// A path below the root, whose steps are names of any kind.
    pub(crate) fn steps(&self, names: &[&str]) -> String {
        let steps: Vec<String> = names.iter().map(|name| step(name)).collect();
        steps.join("/")
    }

    /// A path as people write it.
    pub(crate) fn uri(&self, path: &str) -> String {
        self.backend.uri(path)
    }

    /// Publishes a small file that is no backup's: it appears whole or not at all, and never in the place of another.
    pub(crate) async fn put_small(&self, path: &str, text: Vec<u8>) -> Result<(), StoreError> {
        if let Some((folder, _)) = path.rsplit_once('/')
            && self
                .backend
                .files(folder, folder.split('/').count() + 1)
                .await?
                .is_empty()
        {
            self.backend.begin(folder).await?;
        }
        self.backend.put_new(path, text).await
    }

    /// A small file that is no backup's; `None` when it is not there.
    pub(crate) async fn small(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.backend.read_small(path).await
    }

    /// The files below a folder, so many steps below the root.
    pub(crate) async fn small_paths(&self, folder: &str, depth: usize) -> Result<Vec<String>, StoreError> {
        let files = self.backend.files(folder, depth).await?;
        Ok(files.into_iter().map(|file| file.path).collect())
    }

    /// What a bucket says of keeping old versions, and of how long nothing in it can be deleted, in words.
    pub(crate) async fn keeping(&self) -> (String, String) {
        self.backend.keeping().await
    }

    /// Waits until what a dropped attempt left is gone. To be called before a program ends that may have dropped one.
    pub async fn settle(&self) {
        self.backend.settle().await;
    }
}
