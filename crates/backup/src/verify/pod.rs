//! The pod of a throw-away server.

use std::time::Duration;

use cluster::Cluster;
use model::{DatabaseLocation, DatabaseRoute};

use super::VerifyError;
use super::place::{Locale, credentials, location};
use crate::helper_pod::{HelperPod, HelperPodError, HelperVolume, Like, PodShape};
use crate::script::THROW_AWAY;
use crate::{ReachError, Server};

/// The container that runs the server.
const CONTAINER: &str = "postgres";

/// The only writable folder.
const WORK: &str = "/work";

/// The port that the server listens on, inside its pod alone.
const PORT: u16 = 5432;

/// The pod of a throw-away server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyRequest {
    /// Its namespace.
    pub namespace: String,
    /// Its image: that of the server the backup came from, or one of the same major version.
    pub image: String,
    /// Secrets that the image is fetched with.
    pub pull_secrets: Vec<String>,
    /// The user id that the image's servers run under; see [`VerifyRequest::like`].
    pub user: i64,
    /// How long all of it may take; the pod ends itself after that, whatever happens to us.
    pub deadline: Duration,
}

impl VerifyRequest {
    /// In the image and under the user of a server in use.
    ///
    /// # Errors
    /// When the server does not run in a pod that can be read.
    pub async fn like(
        cluster: &Cluster,
        location: &DatabaseLocation,
        deadline: Duration,
    ) -> Result<Self, VerifyError> {
        let DatabaseRoute::Pod {
            namespace,
            pod,
            container,
            port: _,
            workload: _,
        } = &location.route
        else {
            return Err(VerifyError::NoImage);
        };
        let like = Like::of(cluster, namespace, pod, container).await?;
        Ok(Self {
            namespace: like.namespace,
            image: like.image,
            pull_secrets: like.pull_secrets,
            user: like.user,
            deadline,
        })
    }
}

/// A server in a pod of its own.
pub(super) struct PodServer {
    cluster: Cluster,
    pod: HelperPod,
    deadline: Duration,
}

impl PodServer {
    /// Makes the pod; its server is not up yet.
    pub(super) async fn begin(
        cluster: &Cluster,
        request: &VerifyRequest,
        locale: &Locale,
        room: u64,
    ) -> Result<Self, HelperPodError> {
        Ok(Self {
            cluster: cluster.clone(),
            pod: HelperPod::create(cluster, &shape(request, locale, room)).await?,
            deadline: request.deadline,
        })
    }

    /// Waits until its server is up.
    pub(super) async fn up(&self) -> Result<(), HelperPodError> {
        self.pod.wait_ready(self.deadline).await
    }

    /// The server, and the client programs of its image.
    pub(super) async fn reach(&self, id: &str) -> Result<Server, ReachError> {
        let route = DatabaseRoute::Pod {
            namespace: self.pod.namespace().to_owned(),
            pod: self.pod.name().to_owned(),
            container: CONTAINER.into(),
            port: PORT,
            workload: None,
        };
        let location = location("127.0.0.1", PORT, route);
        Server::reach(Some(&self.cluster), &location, &credentials(), id).await
    }

    /// Deletes the pod.
    pub(super) async fn delete(self) {
        self.pod.delete().await;
    }
}

/// Nothing writable but one folder that goes with the pod.
fn shape<'a>(request: &'a VerifyRequest, locale: &Locale, room: u64) -> PodShape<'a> {
    PodShape {
        purpose: "verify",
        container: CONTAINER,
        namespace: &request.namespace,
        image: &request.image,
        pull_secrets: &request.pull_secrets,
        user: request.user,
        group: request.user,
        script: THROW_AWAY,
        arguments: locale.arguments().to_vec(),
        environment: vec![("PGDATA", "/work/data"), ("PGHOST", WORK), ("HOME", WORK)],
        folders: vec![(WORK, HelperVolume::Empty)],
        room: Some(room),
        ready: Some(["pg_isready", "-q"].map(str::to_owned).to_vec()),
        node: None,
        deadline: request.deadline,
    }
}
