//! The look itself: one list by labels, then each release that is shown, some at a time.

use std::sync::Arc;

use cluster::{Cluster, ListScope};
use futures::stream::{self, Stream, StreamExt};
use helm::storage::Driver;
use helm::{ListedRelease, Storage};
use jiff::Timestamp;
use model::path::PathFile;
use model::{ChartDocuments, FleetBackup, FleetDepth, FleetItem, FleetUnread, causes};
use postgres_room::FindOptions;

use super::backups::OwnBackups;
use super::item;
use super::known::by_built_in;
use super::list::{Listing, list};
use crate::observe::{ObserveRequest, observe};
use crate::path::built_in_paths;
use crate::profiles::ProfileChoice;

/// Records read at one time: enough to hide the way there, few enough for a busy API server. Each holds 1 MiB at most.
const RECORDS_AT_ONCE: usize = 16;

/// Releases checked at one time; each asks dozens of questions, eight of them at a time, and its database.
const CHECKS_AT_ONCE: usize = 8;

/// What to look at.
#[derive(Debug, Clone)]
pub struct FleetRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// One namespace, or all.
    pub scope: ListScope,
    /// Labels that a release's newest revision must have, as `helm list --selector` takes them.
    pub selector: Option<String>,
    /// How closely.
    pub depth: FleetDepth,
    /// The store where backups are looked for: no claim, which a Job has to read.
    pub store: String,
}

/// What is told as it comes.
#[derive(Debug, Clone, PartialEq)]
pub enum FleetEvent {
    /// What the list by labels gave.
    Listed {
        /// Releases that will come.
        releases: usize,
        /// Releases that were uninstalled with their history kept; they will not.
        uninstalled: usize,
        /// Characters of the longest namespace among them.
        namespace_width: usize,
        /// Characters of the longest name.
        name_width: usize,
    },
    /// A place whose releases could not be listed.
    Unread(FleetUnread),
    /// A release, and what its chart says about itself where its record could be read.
    Release(Box<FleetItem>, Option<Box<ChartDocuments>>),
}

/// Looks at the releases of one cluster, in the order of namespace and name. What cannot be seen is told and ends nothing.
pub fn look(request: FleetRequest) -> impl Stream<Item = FleetEvent> {
    stream::once(begin(request)).flatten()
}

async fn begin(request: FleetRequest) -> impl Stream<Item = FleetEvent> {
    let now = Timestamp::now();
    let driver = Driver::parse(&std::env::var("HELM_DRIVER").unwrap_or_default());
    let listed = async {
        match &driver {
            Ok(driver) => {
                list(
                    &request.cluster,
                    *driver,
                    &request.scope,
                    request.selector.as_deref(),
                )
                .await
            }
            Err(error) => Listing {
                unread: vec![FleetUnread {
                    context: request.cluster.context.clone(),
                    namespace: None,
                    why: causes(error),
                }],
                ..Listing::default()
            },
        }
    };
    let backups = async {
        match request.depth {
            FleetDepth::Quick => Some(OwnBackups::in_store(&request.store, &request.cluster, now).await),
            // Each check looks for itself, at everybody's.
            FleetDepth::Full => None,
        }
    };
    let (listing, backups) = tokio::join!(listed, backups);
    let mut first = vec![announced(&listing)];
    first.extend(listing.unread.into_iter().map(FleetEvent::Unread));
    let at_once = match request.depth {
        FleetDepth::Quick => RECORDS_AT_ONCE,
        FleetDepth::Full => CHECKS_AT_ONCE,
    };
    let looker = Arc::new(Looker {
        remembering: request.cluster.remembering(),
        request,
        // A list that is wrong is never released; without it nothing newer is known.
        paths: built_in_paths().unwrap_or_default(),
        backups,
        // Without a driver nothing was listed.
        driver: driver.unwrap_or(Driver::Secret),
    });
    let looks = stream::iter(listing.releases).map(move |listed| {
        let looker = Arc::clone(&looker);
        async move { looker.look(&listed).await }
    });
    stream::iter(first).chain(looks.buffered(at_once))
}

fn announced(listing: &Listing) -> FleetEvent {
    let widest = |text: fn(&ListedRelease) -> &str| {
        let widths = listing
            .releases
            .iter()
            .map(|release| text(release).chars().count());
        widths.max().unwrap_or_default()
    };
    FleetEvent::Listed {
        releases: listing.releases.len(),
        uninstalled: listing.uninstalled,
        namespace_width: widest(|release| &release.namespace),
        name_width: widest(|release| &release.name),
    }
}

/// Looks at one release after another.
struct Looker {
    request: FleetRequest,
    paths: Vec<PathFile>,
    /// In a quick look only.
    backups: Option<OwnBackups>,
    driver: Driver,
    /// What releases of one namespace have in common is asked once.
    remembering: Cluster,
}

impl Looker {
    async fn look(&self, listed: &ListedRelease) -> FleetEvent {
        match &self.backups {
            Some(backups) => {
                self.quick(listed, backups.of(&listed.namespace, &listed.name))
                    .await
            }
            None => Box::pin(self.full(listed)).await,
        }
    }

    async fn quick(&self, listed: &ListedRelease, backup: FleetBackup) -> FleetEvent {
        let FleetRequest { cluster, .. } = &self.request;
        let storage = Storage::with_driver(cluster, &listed.namespace, self.driver);
        let why = match storage.head(&listed.name, listed.newest.revision).await {
            Ok(Some(head)) => {
                let known = by_built_in(&self.paths, &head.documents.identity);
                let item = item::quick(&cluster.context, listed, &head, known, backup);
                return FleetEvent::Release(Box::new(item), Some(Box::new(head.documents)));
            }
            Ok(None) => "its record was gone when it was looked at".to_owned(),
            Err(error) => causes(&error),
        };
        unreadable(item::unreadable(&cluster.context, listed, backup, why))
    }

    async fn full(&self, listed: &ListedRelease) -> FleetEvent {
        let FleetRequest { cluster, store, .. } = &self.request;
        let request = ObserveRequest {
            cluster: self.remembering.clone(),
            namespace: listed.namespace.clone(),
            release: listed.name.clone(),
            profile: ProfileChoice::default(),
            path_file: None,
            database: FindOptions::default(),
            store: Some(store.clone()),
        };
        match observe(&request).await {
            Ok(observed) => {
                let report = crate::evaluate(&observed.observation, None, &observed.profile);
                let item = item::full(
                    &cluster.context,
                    listed,
                    &observed.observation,
                    &observed.profile,
                    &report,
                );
                let documents = observed.stored.map(|stored| Box::new(stored.documents));
                FleetEvent::Release(Box::new(item), documents)
            }
            Err(error) => {
                let why = causes(&error);
                let backup = FleetBackup::unknown(why.clone());
                unreadable(item::unreadable(&cluster.context, listed, backup, why))
            }
        }
    }
}

fn unreadable(item: FleetItem) -> FleetEvent {
    FleetEvent::Release(Box::new(item), None)
}
