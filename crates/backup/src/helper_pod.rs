//! A pod of ours that waits for commands and goes when the act ends: without rights, not root, with a deadline.

mod claim;
mod like;
mod shape;
mod temporary;

use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, WaitError};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use thiserror::Error;

use crate::script::WAIT;
use crate::{PodRunner, Runner};

pub(crate) use claim::{ClaimRequest, NotMounted, may_exist, mount};
pub(crate) use like::Like;
pub use like::LikeError;
pub(crate) use shape::{COMPONENT, PodShape};
pub(crate) use temporary::{Temporary, TemporaryKind};

/// The container that runs commands.
const CONTAINER: &str = "helper";

/// Where the volume is.
pub(crate) const VOLUME: &str = "/volume";

/// How long the pod may take to start: its image is pulled and a volume attached, which takes minutes where it takes long.
const START_TIME: Duration = Duration::from_secs(300);

/// The HTTP status of a request that the caller has no right to.
const FORBIDDEN: u16 = 403;

/// What a folder of a pod is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HelperVolume {
    /// An empty folder that goes with the pod.
    Empty,
    /// A claim of the pod's namespace.
    Claim {
        /// The claim.
        name: String,
        /// Whether it is only read.
        read_only: bool,
    },
}

/// What pod to make.
#[derive(Debug, Clone)]
pub(crate) struct HelperRequest<'a> {
    /// What it is for, as a part of its name and its label: `base-verify`.
    pub(crate) purpose: &'a str,
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// Its image.
    pub(crate) image: &'a str,
    /// Secrets that the image is fetched with.
    pub(crate) pull_secrets: &'a [String],
    /// Its user.
    pub(crate) user: i64,
    /// Its group.
    pub(crate) group: i64,
    /// Its volume.
    pub(crate) volume: HelperVolume,
    /// When it ends itself, whatever happens to us.
    pub(crate) deadline: Duration,
}

/// Why there is no such pod.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HelperPodError {
    /// Pods may not be made.
    #[error("you may not create pods in namespace {namespace} (verb create, resource pods)")]
    Forbidden {
        /// The namespace.
        namespace: String,
    },
    /// The pod could not be made.
    #[error("failed to create a helper pod in namespace {namespace}")]
    Create {
        /// The namespace.
        namespace: String,
        /// Why not.
        #[source]
        source: cluster::RequestError,
    },
    /// The pod did not come up.
    #[error("the helper pod did not start")]
    Start(#[source] WaitError),
}

/// A pod that is deleted when this is dropped.
pub(crate) struct HelperPod {
    cluster: Cluster,
    pod: Temporary,
    container: String,
}

impl HelperPod {
    /// Makes a pod that waits for commands, and waits until they can be run in it.
    pub(crate) async fn start(
        cluster: &Cluster,
        request: &HelperRequest<'_>,
    ) -> Result<Self, HelperPodError> {
        let helper = Self::create(cluster, &shape(request)).await?;
        match helper.wait_ready(request.deadline.min(START_TIME)).await {
            Ok(()) => Ok(helper),
            Err(error) => {
                helper.delete().await;
                Err(error)
            }
        }
    }

    /// Makes a pod of any shape.
    pub(crate) async fn create(cluster: &Cluster, shape: &PodShape<'_>) -> Result<Self, HelperPodError> {
        let namespace = shape.namespace.to_owned();
        let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &namespace);
        let pod = shape.pod();
        let name = pod.metadata.name.clone().unwrap_or_default();
        match pods.create(&PostParams::default(), &pod).await {
            Ok(_) => Ok(Self {
                cluster: cluster.clone(),
                pod: Temporary::new(cluster, TemporaryKind::Pod, &namespace, &name),
                container: shape.container.to_owned(),
            }),
            // Policies and quotas answer with the same status; only the authorizer names verb and resource this way.
            Err(kube::Error::Api(status))
                if status.code == FORBIDDEN && status.message.contains("cannot create resource") =>
            {
                Err(HelperPodError::Forbidden { namespace })
            }
            Err(source) => Err(HelperPodError::Create {
                namespace,
                source: source.into(),
            }),
        }
    }

    /// Waits until it is ready.
    pub(crate) async fn wait_ready(&self, limit: Duration) -> Result<(), HelperPodError> {
        let (namespace, name) = (self.pod.namespace(), self.pod.name());
        let ready = self.cluster.wait_pod_condition(namespace, name, "Ready", limit);
        ready.await.map(drop).map_err(HelperPodError::Start)
    }

    /// Its namespace.
    pub(crate) fn namespace(&self) -> &str {
        self.pod.namespace()
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.pod.name()
    }

    /// Commands in it.
    pub(crate) fn runner(&self) -> Arc<dyn Runner> {
        Arc::new(PodRunner::new(
            &self.cluster,
            self.namespace(),
            self.name(),
            &self.container,
        ))
    }

    /// Deletes it.
    pub(crate) async fn delete(self) {
        self.pod.delete().await;
    }
}

fn shape<'a>(request: &HelperRequest<'a>) -> PodShape<'a> {
    PodShape {
        purpose: request.purpose,
        container: CONTAINER,
        namespace: request.namespace,
        image: request.image,
        pull_secrets: request.pull_secrets,
        user: request.user,
        group: request.group,
        script: WAIT,
        arguments: Vec::new(),
        environment: vec![("HOME", "/tmp")],
        folders: vec![(VOLUME, request.volume.clone()), ("/tmp", HelperVolume::Empty)],
        room: None,
        ready: None,
        node: None,
        deadline: request.deadline,
    }
}
