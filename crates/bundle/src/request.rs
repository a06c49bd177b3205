//! What to gather, and how much of it.

use std::time::Duration;

use checks::{Observed, Renderable};
use cluster::Cluster;
use model::{CheckReport, Target};

/// How much is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one log.
    pub log_bytes: usize,
    /// How old a line of a log may be. The logs of containers that have ended are taken at any age.
    pub since: Duration,
    /// Bytes of all files together, not packed.
    pub total_bytes: u64,
}

/// What to gather. Has no `Debug`: what was observed holds values.
pub struct BundleRequest<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The release's namespace.
    pub namespace: &'a str,
    /// The release.
    pub release: &'a str,
    /// What was seen of it.
    pub observed: &'a Observed,
    /// What it would become, where a chart was named.
    pub target: Option<(&'a Renderable, &'a Target)>,
    /// The judgement.
    pub report: &'a CheckReport,
    /// The version of the user's helm, or why it is not known.
    pub helm: Result<String, String>,
    /// The version of this program.
    pub version: &'a str,
    /// How much.
    pub bounds: Bounds,
    /// Told what is gathered next.
    pub progress: &'a (dyn Fn(&str) + Sync),
}
