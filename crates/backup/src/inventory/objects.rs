//! The objects that mechanisms leave in a cluster, read once for all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::{Cluster, ListScope, Listed, ObjectKind, ServedKinds};
use futures::{StreamExt, stream};
use model::{Mechanism, Seen, Unread, causes};
use serde_json::Value;

/// Lists on their way at one time: quick over a long line, unnoticed by the API server.
const LISTS_AT_ONCE: usize = 16;

/// A kind that a mechanism reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reads {
    /// The kind.
    pub(super) kind: ObjectKind,
    /// Where its objects live.
    pub(super) place: Place,
    /// Whether a backup can be missed where it cannot be read; else it only makes what is known poorer.
    pub(super) needed: bool,
}

/// Where the objects of a kind live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the database's own namespace.
    Beside,
    /// In a namespace of the mechanism's own, or in none.
    Elsewhere,
}

/// A kind in the database's namespace without which backups would be missed.
pub(super) const fn beside(
    group: &'static str,
    kind: &'static str,
    versions: &'static [&'static str],
) -> Reads {
    Reads {
        kind: ObjectKind {
            group,
            kind,
            versions,
        },
        place: Place::Beside,
        needed: true,
    }
}

impl Reads {
    /// The same in a namespace of the mechanism's own, or in none.
    pub(super) const fn elsewhere(self) -> Self {
        Self {
            place: Place::Elsewhere,
            ..self
        }
    }

    /// The same where the mechanism can be judged without.
    pub(super) const fn useful(self) -> Self {
        Self {
            needed: false,
            ..self
        }
    }
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Objects(BTreeMap<(&'static str, &'static str), Seen<Vec<Value>>>);

impl Objects {
    /// The objects of a kind; none where the kind is absent or cannot be read.
    pub(super) fn of(&self, reads: &Reads) -> &[Value] {
        match self.0.get(&(reads.kind.group, reads.kind.kind)) {
            Some(Seen::Present(objects)) => objects,
            Some(Seen::Absent | Seen::Unreadable(_)) | None => &[],
        }
    }

    /// Whether it is known which objects of a kind there are.
    pub(super) fn knows(&self, reads: &Reads) -> bool {
        let seen = self.0.get(&(reads.kind.group, reads.kind.kind));
        matches!(seen, Some(Seen::Present(_) | Seen::Absent))
    }

    /// Why a kind could not be read.
    pub(super) fn unread(&self, mechanism: Mechanism, reads: &Reads) -> Option<Unread> {
        match self.0.get(&(reads.kind.group, reads.kind.kind)) {
            Some(Seen::Unreadable(why)) => Some(Unread {
                mechanism: Some(mechanism),
                what: reads.kind.kind.to_owned(),
                why: why.clone(),
            }),
            Some(Seen::Present(_) | Seen::Absent) | None => None,
        }
    }

    #[cfg(test)]
    pub(super) fn insert(&mut self, reads: &Reads, seen: Seen<Vec<Value>>) {
        self.0.insert((reads.kind.group, reads.kind.kind), seen);
    }

    /// Reads all kinds at once, each within the limit. One request says which are installed.
    pub(super) async fn read(
        cluster: &Cluster,
        scope: &ListScope,
        kinds: impl IntoIterator<Item = &'static Reads>,
        limit: Duration,
    ) -> Self {
        let served = match tokio::time::timeout(limit, cluster.served_kinds()).await {
            Ok(Ok(served)) => Ok(served),
            Ok(Err(error)) => Err(causes(&error)),
            Err(_) => Err(silence(limit)),
        };
        let mut wanted: BTreeMap<(&'static str, &'static str), &'static Reads> = BTreeMap::new();
        for reads in kinds {
            wanted.insert((reads.kind.group, reads.kind.kind), reads);
        }
        let served = &served;
        let read = stream::iter(wanted)
            .map(|(key, reads)| async move {
                let seen = match served {
                    Ok(served) => list(cluster, served, scope, reads, limit).await,
                    Err(why) => Seen::Unreadable(why.clone()),
                };
                (key, seen)
            })
            .buffer_unordered(LISTS_AT_ONCE);
        Self(read.collect().await)
    }
}

fn silence(limit: Duration) -> String {
    format!("the API server did not answer within {} ms", limit.as_millis())
}

async fn list(
    cluster: &Cluster,
    served: &ServedKinds,
    scope: &ListScope,
    reads: &Reads,
    limit: Duration,
) -> Seen<Vec<Value>> {
    let scope = match reads.place {
        Place::Beside => scope,
        Place::Elsewhere => &ListScope::All,
    };
    let listed = tokio::time::timeout(limit, cluster.list_objects(served, &reads.kind, scope)).await;
    match listed {
        Ok(Ok(Listed::Absent)) => Seen::Absent,
        Ok(Ok(Listed::Objects(objects))) => Seen::Present(objects),
        Ok(Ok(Listed::Away)) => Seen::Unreadable(format!("the server behind {} is away", reads.kind.group)),
        Ok(Err(error)) if error.is_forbidden() => {
            let name = served.name_of(&reads.kind).unwrap_or_default();
            let place = match scope {
                ListScope::Namespace(namespace) => format!("in namespace {namespace}"),
                ListScope::All => "in the whole cluster".to_owned(),
            };
            Seen::Unreadable(format!("permission missing: list {name} {place}"))
        }
        // The kind was taken away between the two requests.
        Ok(Err(error)) if error.is_not_found() => Seen::Absent,
        Ok(Err(error)) => Seen::Unreadable(causes(&error)),
        Err(_) => Seen::Unreadable(silence(limit)),
    }
}
