//! A Job of ours whose pod mounts a claim and waits for commands.

use std::sync::Arc;
use std::time::Duration;

use cluster::{ApiError, Cluster};

use super::{HelperVolume, PodShape, VOLUME};
use crate::reach::JobRunner;
use crate::script::IDLE;
use crate::{JobError, Runner};

/// How long the pod may be there at most; it ends with us long before.
const DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// The image where none is named and no Postgres runs in the claim's namespace: a shell and the usual small programs.
const USUAL_IMAGE: &str = "docker.io/library/busybox:stable";

/// Which claim, how, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct ClaimRequest<'a> {
    /// What it is for, as a part of the pod's name, its label, and the name of its container.
    pub(crate) purpose: &'static str,
    /// The claim's namespace.
    pub(crate) namespace: &'a str,
    /// The claim.
    pub(crate) claim: &'a str,
    /// Whether it is only read.
    pub(crate) read_only: bool,
    /// The image, where one is named.
    pub(crate) image: Option<&'a str>,
    /// The pod's user.
    pub(crate) user: i64,
    /// The pod's group.
    pub(crate) group: i64,
}

/// No pod came up that mounts the claim.
#[derive(Debug)]
pub(crate) struct NotMounted {
    /// The image that was tried.
    pub(crate) image: String,
    /// Why not.
    pub(crate) source: Box<JobError>,
}

/// Whether there may be such a claim. Where that may not be looked up, the pod will tell.
pub(crate) async fn may_exist(cluster: &Cluster, namespace: &str, claim: &str) -> Result<bool, ApiError> {
    match cluster.has_claim(namespace, claim).await {
        Err(error) if error.is_forbidden() => Ok(true),
        known => known,
    }
}

/// Mounts the claim at [`VOLUME`], on the node of a pod that uses it.
pub(crate) async fn mount(
    cluster: &Cluster,
    request: &ClaimRequest<'_>,
) -> Result<Arc<dyn Runner>, NotMounted> {
    let ClaimRequest {
        purpose,
        namespace,
        claim,
        read_only,
        image,
        user,
        group,
    } = *request;
    let (image, pull_secrets) = match image {
        Some(image) => (image.to_owned(), Vec::new()),
        None => match postgres_room::image_of_a_server(cluster, namespace).await {
            Some(found) => (found.image, found.pull_secrets),
            None => (USUAL_IMAGE.to_owned(), Vec::new()),
        },
    };
    // Who may not list pods leaves it to the scheduler.
    let node = cluster.node_of_claim(namespace, claim).await.ok().flatten();
    let volume = HelperVolume::Claim {
        name: claim.to_owned(),
        read_only,
    };
    let shape = PodShape {
        purpose,
        container: purpose,
        namespace,
        image: &image,
        pull_secrets: &pull_secrets,
        user,
        group,
        script: IDLE,
        arguments: vec![DEADLINE.as_secs().to_string()],
        environment: vec![("HOME", "/tmp")],
        folders: vec![(VOLUME, volume), ("/tmp", HelperVolume::Empty)],
        room: None,
        ready: None,
        node: node.as_deref(),
        deadline: DEADLINE,
    };
    match JobRunner::start(cluster, &shape).await {
        Ok(runner) => Ok(Arc::new(runner)),
        Err(source) => Err(NotMounted {
            image,
            source: Box::new(source),
        }),
    }
}
