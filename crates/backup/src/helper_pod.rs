//! A pod of ours that waits for commands and goes when the act ends: without rights, not root, with a deadline.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, WaitError};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, EnvVar, PersistentVolumeClaimVolumeSource, Pod,
    PodSecurityContext, PodSpec, SeccompProfile, SecurityContext, Volume, VolumeMount,
};
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use thiserror::Error;

use crate::script::{COMMAND_NAME, WAIT};
use crate::{PodRunner, Runner};

/// The container that runs commands.
const CONTAINER: &str = "helper";

/// Where the volume is.
pub(crate) const VOLUME: &str = "/volume";

/// How long the pod may take to start: its image is pulled and a volume attached, which takes minutes where it takes long.
const START_TIME: Duration = Duration::from_secs(300);

/// How long deleting the pod may take us; its deadline ends it anyhow.
const DELETE_TIME: Duration = Duration::from_secs(20);

/// The HTTP status of a request that the caller has no right to.
const FORBIDDEN: u16 = 403;

/// What is mounted at [`VOLUME`].
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
    namespace: String,
    name: String,
    deleted: bool,
}

impl HelperPod {
    /// Makes the pod and waits until commands can be run in it.
    pub(crate) async fn start(
        cluster: &Cluster,
        request: &HelperRequest<'_>,
    ) -> Result<Self, HelperPodError> {
        let namespace = request.namespace.to_owned();
        let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &namespace);
        let pod = pod(request);
        let name = pod.metadata.name.clone().unwrap_or_default();
        match pods.create(&PostParams::default(), &pod).await {
            Ok(_) => {}
            // Policies and quotas answer with the same status; only the authorizer names verb and resource this way.
            Err(kube::Error::Api(status))
                if status.code == FORBIDDEN && status.message.contains("cannot create resource") =>
            {
                return Err(HelperPodError::Forbidden { namespace });
            }
            Err(source) => {
                return Err(HelperPodError::Create {
                    namespace,
                    source: source.into(),
                });
            }
        }
        let helper = Self {
            cluster: cluster.clone(),
            namespace,
            name,
            deleted: false,
        };
        let limit = request.deadline.min(START_TIME);
        let ready = cluster.wait_pod_condition(&helper.namespace, &helper.name, "Ready", limit);
        match ready.await {
            Ok(_) => Ok(helper),
            Err(error) => {
                helper.delete().await;
                Err(HelperPodError::Start(error))
            }
        }
    }

    /// Commands in it.
    pub(crate) fn runner(&self) -> Arc<dyn Runner> {
        Arc::new(PodRunner::new(
            &self.cluster,
            &self.namespace,
            &self.name,
            CONTAINER,
        ))
    }

    pub(crate) async fn delete(mut self) {
        let deletion = delete(self.cluster.clone(), self.namespace.clone(), self.name.clone());
        // Where it fails, the deadline in the pod ends it.
        self.deleted = tokio::time::timeout(DELETE_TIME, deletion).await.is_ok();
    }
}

impl Drop for HelperPod {
    fn drop(&mut self) {
        if !self.deleted
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(delete(
                self.cluster.clone(),
                self.namespace.clone(),
                self.name.clone(),
            ));
        }
    }
}

async fn delete(cluster: Cluster, namespace: String, name: String) {
    let pods: Api<Pod> = Api::namespaced(cluster.client, &namespace);
    let at_once = DeleteParams::default().grace_period(0);
    // Gone already, or out of reach: nothing more can be done here.
    let _ = pods.delete(&name, &at_once).await;
}

fn pod(request: &HelperRequest<'_>) -> Pod {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let command = ["sh", "-c", WAIT, COMMAND_NAME].map(str::to_owned).to_vec();
    let mount = VolumeMount {
        name: "volume".into(),
        mount_path: VOLUME.into(),
        ..VolumeMount::default()
    };
    let scratch = VolumeMount {
        name: "scratch".into(),
        mount_path: "/tmp".into(),
        ..VolumeMount::default()
    };
    let (claim, empty) = match &request.volume {
        HelperVolume::Empty => (None, Some(EmptyDirVolumeSource::default())),
        HelperVolume::Claim { name, read_only } => (
            Some(PersistentVolumeClaimVolumeSource {
                claim_name: name.clone(),
                read_only: Some(*read_only),
            }),
            None,
        ),
    };
    Pod {
        metadata: ObjectMeta {
            name: Some(format!(
                "pgbackup-{}-{:08x}",
                request.purpose,
                rand::random::<u32>()
            )),
            namespace: Some(request.namespace.to_owned()),
            labels: Some(BTreeMap::from([
                label("app.kubernetes.io/managed-by", "kubectl-pgbackup"),
                label("app.kubernetes.io/component", request.purpose),
            ])),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            active_deadline_seconds: Some(i64::try_from(request.deadline.as_secs()).unwrap_or(i64::MAX)),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            restart_policy: Some("Never".into()),
            termination_grace_period_seconds: Some(0),
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                run_as_user: Some(request.user),
                run_as_group: Some(request.group),
                fs_group: Some(request.group),
                // Owner and modes of a data directory are the server's business: nothing is changed on mounting.
                fs_group_change_policy: Some("OnRootMismatch".into()),
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".into(),
                    ..SeccompProfile::default()
                }),
                ..PodSecurityContext::default()
            }),
            containers: vec![Container {
                name: CONTAINER.into(),
                image: Some(request.image.to_owned()),
                image_pull_policy: Some("IfNotPresent".into()),
                command: Some(command),
                env: Some(vec![EnvVar {
                    name: "HOME".into(),
                    value: Some("/tmp".into()),
                    ..EnvVar::default()
                }]),
                security_context: Some(SecurityContext {
                    allow_privilege_escalation: Some(false),
                    capabilities: Some(Capabilities {
                        drop: Some(vec!["ALL".into()]),
                        ..Capabilities::default()
                    }),
                    read_only_root_filesystem: Some(true),
                    ..SecurityContext::default()
                }),
                volume_mounts: Some(vec![mount, scratch]),
                ..Container::default()
            }],
            volumes: Some(vec![
                Volume {
                    name: "volume".into(),
                    persistent_volume_claim: claim,
                    empty_dir: empty,
                    ..Volume::default()
                },
                Volume {
                    name: "scratch".into(),
                    empty_dir: Some(EmptyDirVolumeSource::default()),
                    ..Volume::default()
                },
            ]),
            ..PodSpec::default()
        }),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_has_no_rights_is_nobody_special_and_ends() {
        let request = HelperRequest {
            purpose: "base-restore",
            namespace: "shop",
            image: "postgres:17",
            user: 26,
            group: 26,
            volume: HelperVolume::Claim {
                name: "data".into(),
                read_only: false,
            },
            deadline: Duration::from_secs(600),
        };
        let spec = pod(&request).spec.unwrap();
        assert_eq!(spec.automount_service_account_token, Some(false));
        assert_eq!(spec.active_deadline_seconds, Some(600));
        let security = spec.security_context.unwrap();
        assert_eq!(
            (security.run_as_non_root, security.run_as_user),
            (Some(true), Some(26))
        );
        let context = spec.containers[0].security_context.clone().unwrap();
        assert_eq!(context.read_only_root_filesystem, Some(true));
        assert_eq!(context.capabilities.unwrap().drop, Some(vec!["ALL".to_owned()]));
        let volume = spec.volumes.unwrap().remove(0);
        assert_eq!(volume.persistent_volume_claim.unwrap().claim_name, "data");
    }
}
