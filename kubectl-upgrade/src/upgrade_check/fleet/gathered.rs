//! What has come so far.

use std::collections::BTreeMap;

use checks::fleet::FleetEvent;
use cli::Environment;
use model::{ChartDocuments, FleetCluster, FleetDepth, FleetItem, FleetReport, FleetUnread, NewestKnown};

use super::clusters::Told;
use crate::upgrade_check::notes::newest_at_hand;

/// What has come so far.
#[derive(Default)]
pub(super) struct Gathered {
    clusters: Vec<FleetCluster>,
    items: Vec<FleetItem>,
    unread: Vec<FleetUnread>,
    notes: Notes,
}

/// What notes tell of charts, asked once for each version of each.
#[derive(Default)]
struct Notes(BTreeMap<(String, String), Option<NewestKnown>>);

impl Gathered {
    /// Takes what came; gives the release, where it is one.
    pub(super) async fn take(&mut self, told: Told, environment: &Environment) -> Option<&FleetItem> {
        match told {
            Told::Unreachable(context, why) => {
                self.clusters.push(FleetCluster {
                    context,
                    releases: 0,
                    uninstalled: 0,
                    unreachable: Some(why),
                });
                None
            }
            Told::Of(
                context,
                FleetEvent::Listed {
                    releases,
                    uninstalled,
                    namespace_width: _,
                    name_width: _,
                },
            ) => {
                self.clusters.push(FleetCluster {
                    context,
                    releases,
                    uninstalled,
                    unreachable: None,
                });
                None
            }
            Told::Of(_, FleetEvent::Unread(place)) => {
                self.unread.push(place);
                None
            }
            Told::Of(_, FleetEvent::Release(mut item, chart)) => {
                if let Some(chart) = chart {
                    let told = self.notes.newest(*chart, environment).await;
                    item.newest_known = NewestKnown::newer_of(item.newest_known.take(), told);
                }
                self.items.push(*item);
                self.items.last()
            }
        }
    }

    /// How many releases have come.
    pub(super) fn done(&self) -> usize {
        self.items.len()
    }

    /// How many there are, as far as is known.
    pub(super) fn known(&self) -> usize {
        self.clusters.iter().map(|cluster| cluster.releases).sum()
    }

    /// Why nothing at all was seen, where one cluster was asked and did not answer.
    pub(super) fn only_trouble(&self) -> Option<&str> {
        match self.clusters.as_slice() {
            [cluster] => cluster.unreachable.as_deref(),
            _ => None,
        }
    }

    /// The report over all.
    pub(super) fn report(self, taken_at: String, depth: FleetDepth) -> FleetReport {
        FleetReport::new(taken_at, depth, self.clusters, self.items, self.unread)
    }
}

impl Notes {
    async fn newest(&mut self, chart: ChartDocuments, environment: &Environment) -> Option<NewestKnown> {
        let identity = &chart.identity;
        let runs = identity.app_version.as_ref().unwrap_or(&identity.version);
        let key = (identity.name.clone(), runs.clone());
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        let known = newest_at_hand(&chart, environment).await;
        self.0.insert(key, known.clone());
        known
    }
}
