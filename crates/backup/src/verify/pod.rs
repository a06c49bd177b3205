//! The pod of a throw-away server.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::Cluster;
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, EnvVar, ExecAction, Pod, PodSecurityContext, PodSpec,
    Probe, SeccompProfile, SecurityContext, Volume, VolumeMount,
};
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use model::{DatabaseLocation, DatabaseRoute};

use crate::script::{COMMAND_NAME, THROW_AWAY};
use crate::settings::Settings;

use super::{VerifyError, VerifyRequest};

/// The container that runs the server.
pub(super) const CONTAINER: &str = "postgres";

/// The only writable folder.
const WORK: &str = "/work";

/// The user that Debian's Postgres images know, and with them most others.
const USUAL_USER: i64 = 999;

/// How long deleting the pod may take us; its deadline ends it anyhow.
const DELETE_TIME: Duration = Duration::from_secs(20);

/// The HTTP status of a request that the caller has no right to.
const FORBIDDEN: u16 = 403;

/// A pod that is deleted when this is dropped.
pub(super) struct ThrowAwayPod {
    cluster: Cluster,
    namespace: String,
    name: String,
    deleted: bool,
}

impl ThrowAwayPod {
    pub(super) async fn create(
        cluster: &Cluster,
        request: &VerifyRequest,
        settings: Option<&Settings>,
    ) -> Result<Self, VerifyError> {
        let namespace = request.namespace.clone();
        let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &namespace);
        let pod = pod(request, settings);
        let name = pod.metadata.name.clone().unwrap_or_default();
        match pods.create(&PostParams::default(), &pod).await {
            Ok(_) => Ok(Self {
                cluster: cluster.clone(),
                namespace,
                name,
                deleted: false,
            }),
            // Policies and quotas answer with the same status; only the authorizer names verb and resource this way.
            Err(kube::Error::Api(status))
                if status.code == FORBIDDEN && status.message.contains("cannot create resource") =>
            {
                Err(VerifyError::Forbidden { namespace })
            }
            Err(source) => Err(VerifyError::Create {
                namespace,
                source: source.into(),
            }),
        }
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn wait_ready(&self, limit: Duration) -> Result<(), VerifyError> {
        let ready = self
            .cluster
            .wait_pod_condition(&self.namespace, &self.name, "Ready", limit);
        ready.await.map(drop).map_err(VerifyError::Start)
    }

    pub(super) async fn delete(mut self) {
        let deletion = delete(self.cluster.clone(), self.namespace.clone(), self.name.clone());
        // Where it fails, the deadline in the pod ends it.
        self.deleted = tokio::time::timeout(DELETE_TIME, deletion).await.is_ok();
    }
}

impl Drop for ThrowAwayPod {
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

/// The pod: our labels only, no rights in the cluster, nothing writable but one folder that goes with it.
fn pod(request: &VerifyRequest, settings: Option<&Settings>) -> Pod {
    let value = |of: fn(&Settings) -> &String, otherwise: &str| {
        settings.map_or(otherwise.to_owned(), |settings| of(settings).clone())
    };
    let command = [
        "sh".to_owned(),
        "-c".to_owned(),
        THROW_AWAY.to_owned(),
        COMMAND_NAME.to_owned(),
        value(|settings| &settings.encoding, "UTF8"),
        value(|settings| &settings.collate, "C"),
        value(|settings| &settings.character_classes, "C"),
        value(|settings| &settings.preload, ""),
    ];
    let environment = [("PGDATA", "/work/data"), ("PGHOST", WORK), ("HOME", WORK)];
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Pod {
        metadata: ObjectMeta {
            name: Some(format!("pgbackup-verify-{:08x}", rand::random::<u32>())),
            namespace: Some(request.namespace.clone()),
            labels: Some(BTreeMap::from([
                label("app.kubernetes.io/managed-by", "kubectl-pgbackup"),
                label("app.kubernetes.io/component", "restore-test"),
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
                run_as_group: Some(request.user),
                fs_group: Some(request.user),
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".into(),
                    ..SeccompProfile::default()
                }),
                ..PodSecurityContext::default()
            }),
            containers: vec![Container {
                name: CONTAINER.into(),
                image: Some(request.image.clone()),
                image_pull_policy: Some("IfNotPresent".into()),
                command: Some(command.to_vec()),
                env: Some(
                    environment
                        .map(|(name, value)| EnvVar {
                            name: name.into(),
                            value: Some(value.into()),
                            ..EnvVar::default()
                        })
                        .to_vec(),
                ),
                readiness_probe: Some(Probe {
                    exec: Some(ExecAction {
                        command: Some(vec!["pg_isready".into(), "-q".into()]),
                    }),
                    period_seconds: Some(1),
                    timeout_seconds: Some(5),
                    ..Probe::default()
                }),
                security_context: Some(SecurityContext {
                    allow_privilege_escalation: Some(false),
                    capabilities: Some(Capabilities {
                        drop: Some(vec!["ALL".into()]),
                        ..Capabilities::default()
                    }),
                    read_only_root_filesystem: Some(true),
                    ..SecurityContext::default()
                }),
                volume_mounts: Some(vec![VolumeMount {
                    name: "work".into(),
                    mount_path: WORK.into(),
                    ..VolumeMount::default()
                }]),
                ..Container::default()
            }],
            volumes: Some(vec![Volume {
                name: "work".into(),
                empty_dir: Some(EmptyDirVolumeSource::default()),
                ..Volume::default()
            }]),
            ..PodSpec::default()
        }),
        status: None,
    }
}

pub(super) async fn request_like(
    cluster: &Cluster,
    location: &DatabaseLocation,
    deadline: Duration,
) -> Result<VerifyRequest, VerifyError> {
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
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let found = pods.get(pod).await.map_err(|source| VerifyError::Image {
        pod: pod.clone(),
        source: source.into(),
    })?;
    let spec = found.spec.unwrap_or_default();
    let here = spec
        .containers
        .iter()
        .find(|found| found.name == *container)
        .ok_or(VerifyError::NoImage)?;
    let own = here
        .security_context
        .as_ref()
        .and_then(|context| context.run_as_user);
    let user = own.or_else(|| {
        spec.security_context
            .as_ref()
            .and_then(|context| context.run_as_user)
    });
    Ok(VerifyRequest {
        namespace: namespace.clone(),
        image: here.image.clone().ok_or(VerifyError::NoImage)?,
        // Images that begin as root step down to this user by themselves.
        user: user.filter(|user| *user != 0).unwrap_or(USUAL_USER),
        deadline,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_has_no_rights_and_an_end() {
        let request = VerifyRequest {
            namespace: "shop".into(),
            image: "postgres:17".into(),
            user: 999,
            deadline: Duration::from_secs(600),
        };
        let spec = pod(&request, None).spec.unwrap();
        assert_eq!(spec.automount_service_account_token, Some(false));
        assert_eq!(spec.active_deadline_seconds, Some(600));
        assert_eq!(spec.security_context.unwrap().run_as_non_root, Some(true));
        let context = spec.containers[0].security_context.clone().unwrap();
        assert_eq!(context.read_only_root_filesystem, Some(true));
        assert_eq!(context.capabilities.unwrap().drop, Some(vec!["ALL".to_owned()]));
    }
}
