//! Which releases there are, and where that could not be seen.

use cluster::{Cluster, ListScope};
use futures::stream::{self, StreamExt};
use helm::storage::Driver;
use helm::{ListedRelease, StorageError, list_releases};
use model::{FleetUnread, ReleaseStatus, causes};

/// Namespaces asked at one time where the cluster as a whole may not be.
const NAMESPACES_AT_ONCE: usize = 8;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The releases that are there, by namespace and name.
    pub(super) releases: Vec<ListedRelease>,
    /// How many were uninstalled with their history kept.
    pub(super) uninstalled: usize,
    /// Where nothing could be seen.
    pub(super) unread: Vec<FleetUnread>,
}

/// Lists the releases of a scope. Who may not list those of the whole cluster is asked for namespace by namespace.
pub(super) async fn list(
    cluster: &Cluster,
    driver: Driver,
    scope: &ListScope,
    selector: Option<&str>,
) -> Listing {
    match list_releases(cluster, driver, scope, selector).await {
        Ok(releases) => listing(releases, Vec::new()),
        Err(error) if *scope == ListScope::All && error.is_forbidden() => {
            one_by_one(cluster, driver, selector).await
        }
        Err(error) => listing(Vec::new(), vec![unread(cluster, driver, scope, &error)]),
    }
}

async fn one_by_one(cluster: &Cluster, driver: Driver, selector: Option<&str>) -> Listing {
    let names = match cluster.namespaces().await {
        Ok(names) => names,
        Err(error) => {
            let why = format!(
                "permission missing: list {} in the whole cluster, and its namespaces are not known: {}; name one with -n",
                kind(driver),
                causes(&error)
            );
            let whole = FleetUnread {
                context: cluster.context.clone(),
                namespace: None,
                why,
            };
            return listing(Vec::new(), vec![whole]);
        }
    };
    let looks = stream::iter(names.into_iter().map(ListScope::Namespace)).map(|scope| async move {
        let found = list_releases(cluster, driver, &scope, selector).await;
        found.map_err(|error| unread(cluster, driver, &scope, &error))
    });
    let found: Vec<Result<Vec<ListedRelease>, FleetUnread>> =
        looks.buffered(NAMESPACES_AT_ONCE).collect().await;
    let (mut releases, mut denied) = (Vec::new(), Vec::new());
    for one in found {
        match one {
            Ok(found) => releases.extend(found),
            Err(unread) => denied.push(unread),
        }
    }
    listing(releases, denied)
}

fn listing(releases: Vec<ListedRelease>, unread: Vec<FleetUnread>) -> Listing {
    let all = releases.len();
    let releases: Vec<ListedRelease> = releases
        .into_iter()
        .filter(|release| release.newest.status != ReleaseStatus::Uninstalled)
        .collect();
    Listing {
        uninstalled: all - releases.len(),
        releases,
        unread,
    }
}

fn unread(cluster: &Cluster, driver: Driver, scope: &ListScope, error: &StorageError) -> FleetUnread {
    let namespace = match scope {
        ListScope::Namespace(namespace) => Some(namespace.clone()),
        ListScope::All => None,
    };
    let why = match &namespace {
        Some(namespace) if error.is_forbidden() => {
            format!(
                "permission missing: list {} in namespace {namespace}",
                kind(driver)
            )
        }
        Some(_) | None => causes(error),
    };
    FleetUnread {
        context: cluster.context.clone(),
        namespace,
        why,
    }
}

fn kind(driver: Driver) -> &'static str {
    match driver {
        Driver::Secret => "secrets",
        Driver::ConfigMap => "configmaps",
    }
}

#[cfg(test)]
mod tests {
    use model::RevisionSummary;

    use super::*;

    #[test]
    fn what_was_uninstalled_is_counted_and_left_out() {
        let release = |name: &str, status| ListedRelease {
            namespace: "prod".into(),
            name: name.into(),
            newest: RevisionSummary {
                revision: 1,
                status,
                modified_at: None,
            },
        };
        let told = listing(
            vec![
                release("shop", ReleaseStatus::Deployed),
                release("old", ReleaseStatus::Uninstalled),
                release("stuck", ReleaseStatus::PendingInstall),
            ],
            Vec::new(),
        );
        let names: Vec<&str> = told
            .releases
            .iter()
            .map(|release| release.name.as_str())
            .collect();
        assert_eq!((names, told.uninstalled), (vec!["shop", "stuck"], 1));
    }
}
