//! Objects for tests, in the shapes that the mechanisms' documentation shows.

use jiff::Timestamp;
use model::{BackupState, Seen};
use serde_json::Value;

use super::found::Finds;
use super::objects::{Objects, Reads};

/// The moment at which tests look.
pub(super) fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// What a cluster would answer.
pub(super) fn objects(all: &[(&Reads, Vec<Value>)]) -> Objects {
    let mut objects = Objects::default();
    for (reads, items) in all {
        objects.insert(reads, Seen::Present(items.clone()));
    }
    objects
}

/// Each backup's state with its time, by id.
pub(super) fn states(finds: &Finds) -> Vec<(&str, BackupState, Option<&str>)> {
    let mut states: Vec<_> = finds
        .backups
        .iter()
        .map(|found| (found.id.as_str(), found.state, found.finished_at.as_deref()))
        .collect();
    states.sort_by_key(|(id, _, _)| *id);
    states
}

/// The ids of the findings.
pub(super) fn findings(finds: &Finds) -> Vec<&str> {
    let mut ids: Vec<&str> = finds.findings.iter().map(|finding| finding.id.as_str()).collect();
    ids.sort_unstable();
    ids
}
