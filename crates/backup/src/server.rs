//! Where the server's own client programs run, and as whom.

use std::sync::Arc;

use cluster::Cluster;
use model::DatabaseLocation;
use postgres_room::{Connector, Credentials};
use thiserror::Error;

use crate::Runner;

/// A server whose database can be dumped or filled: the place with its client programs, the identity that works
/// there, and the way to ask questions in SQL.
#[derive(Clone)]
pub struct Server {
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) connector: Connector,
    pub(crate) location: DatabaseLocation,
    pub(crate) tag: String,
}

/// Why a server's client programs cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReachError {}

impl Server {
    /// Finds the place and the identity with one small command. `id` is the run's or backup's id: every session of ours
    /// is called `safe-upgrade/<id>`. Without a cluster, or for [`model::DatabaseRoute::Direct`], commands run on this
    /// machine with the client programs on PATH.
    ///
    /// # Errors
    /// When the place cannot be reached, a program is missing, or nobody we can be may connect.
    pub async fn reach(
        cluster: Option<&Cluster>,
        location: &DatabaseLocation,
        credentials: &Credentials,
        id: &str,
    ) -> Result<Self, ReachError> {
        todo!()
    }
}
