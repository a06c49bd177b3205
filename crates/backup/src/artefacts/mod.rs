//! Volumes and buckets of the same moment as a dump: taken beside it, proven as it is, put back with it.

mod bucket;
mod check;
mod error;
mod place;
mod put_back;
mod snapshot;
mod source;
mod take;
mod tar;
#[cfg(test)]
mod tests;

use cluster::Cluster;

pub use check::{CheckedArtefacts, check_artefacts};
pub use error::ArtefactError;
pub use put_back::{PlacedArtefacts, PutBackArtefacts};
pub use snapshot::forget as forget_artefacts;
pub use source::{ArtefactSource, SourceError};
pub use take::may_take as may_take_artefacts;
pub(crate) use take::{Taken, take};

/// What to take beside a dump.
#[derive(Clone)]
pub struct ArtefactsRequest {
    /// The cluster that volumes are in.
    pub cluster: Cluster,
    /// The namespace of the claims.
    pub namespace: String,
    /// What to take.
    pub sources: Vec<ArtefactSource>,
    /// The class of VolumeSnapshots; the default of the claim's driver where it is not said.
    pub snapshot_class: Option<String>,
}

impl std::fmt::Debug for ArtefactsRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArtefactsRequest")
            .field("namespace", &self.namespace)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}
