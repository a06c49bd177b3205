//! A Job of ours beside the server: its image, its client programs, and nothing else of it.
//!
//! The Job's container only waits; commands are run in it as in the server's own container, so that the same proof comes
//! back, and passwords reach it on standard input alone. It ends with us: a command of its own listens for our end.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use cluster::{ApiError, Cluster, WaitError};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, EnvVar, LocalObjectReference, Pod, PodSecurityContext,
    PodSpec, PodTemplateSpec, ResourceRequirements, SeccompProfile, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use crate::feed::Feed;
use crate::script::{COMMAND_NAME, IDLE, KEEPER};
use crate::{PodRunner, RunEnd, RunError, Runner};

/// The container that waits.
const CONTAINER: &str = "client";

/// The only writable folder.
const WORK: &str = "/work";

/// The user that Debian's Postgres images know, and with them most others.
const USUAL_USER: i64 = 999;

/// How long a dump may take at most: what is bigger is no matter for a dump.
const DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the Job stays after its end, when nobody was left to delete it.
const STAYS: i32 = 60;

/// How long its pod may take to run: the image is on the nodes that run the server, on others it has to be fetched.
const START_TIME: Duration = Duration::from_secs(5 * 60);

/// How long deleting may take us; the Job's own end follows anyhow.
const DELETE_TIME: Duration = Duration::from_secs(20);

/// What the Job's container may use: pg_dump, pg_restore and a packer hold less.
const RESOURCES: [(&str, &str, &str); 2] = [("cpu", "100m", "4"), ("memory", "128Mi", "1Gi")];

/// Why there is no Job.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JobError {
    /// The server's pod, whose image it would run.
    #[error("failed to read pod {pod} for its image")]
    Image {
        /// The pod.
        pod: String,
        /// The API server's answer.
        #[source]
        source: cluster::RequestError,
    },
    /// The pod has no such container.
    #[error("pod {pod} has no container {container} with an image")]
    NoImage {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
    },
    /// The API server refused the Job.
    #[error("failed to create a Job in namespace {namespace}")]
    Create {
        /// The namespace.
        namespace: String,
        /// The API server's answer.
        #[source]
        source: cluster::RequestError,
    },
    /// Its pod did not run in time.
    #[error("the pod of Job {job} did not become ready")]
    Start {
        /// The Job.
        job: String,
        /// How far it came.
        #[source]
        source: WaitError,
    },
    /// Its pod could not be read.
    #[error("failed to find the pod of Job {job}")]
    Pod {
        /// The Job.
        job: String,
        /// Why.
        #[source]
        source: ApiError,
    },
}

/// What the Job takes over from the server's pod.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Like {
    pub(super) namespace: String,
    pub(super) image: String,
    pub(super) user: i64,
    pub(super) pull_secrets: Option<Vec<LocalObjectReference>>,
    /// The pod's own address, where no Service leads to it.
    pub(super) address: Option<String>,
}

impl Like {
    /// Reads the server's pod.
    pub(super) async fn of(
        cluster: &Cluster,
        namespace: &str,
        pod: &str,
        container: &str,
    ) -> Result<Self, JobError> {
        let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
        let found = pods.get(pod).await.map_err(|source| JobError::Image {
            pod: pod.to_owned(),
            source: source.into(),
        })?;
        let missing = || JobError::NoImage {
            pod: pod.to_owned(),
            container: container.to_owned(),
        };
        let spec = found.spec.unwrap_or_default();
        let here = spec
            .containers
            .iter()
            .find(|found| found.name == container)
            .ok_or_else(missing)?;
        let own = here
            .security_context
            .as_ref()
            .and_then(|context| context.run_as_user);
        let user = own.or_else(|| {
            spec.security_context
                .as_ref()
                .and_then(|context| context.run_as_user)
        });
        Ok(Self {
            namespace: namespace.to_owned(),
            image: here.image.clone().ok_or_else(missing)?,
            // Images that begin as root step down to this user by themselves.
            user: user.filter(|user| *user != 0).unwrap_or(USUAL_USER),
            pull_secrets: spec.image_pull_secrets,
            address: found.status.and_then(|status| status.pod_ip),
        })
    }
}

/// Runs commands in the pod of a Job of ours; the Job goes with it.
pub(super) struct JobRunner {
    cluster: Cluster,
    namespace: String,
    job: String,
    commands: PodRunner,
    keeper: JoinHandle<()>,
}

impl JobRunner {
    /// Creates the Job and waits until its pod runs.
    pub(super) async fn start(cluster: &Cluster, like: &Like) -> Result<Self, JobError> {
        let namespace = like.namespace.clone();
        let jobs: Api<Job> = Api::namespaced(cluster.client.clone(), &namespace);
        let wanted = job(like);
        let name = wanted.metadata.name.clone().unwrap_or_default();
        jobs.create(&PostParams::default(), &wanted)
            .await
            .map_err(|source| JobError::Create {
                namespace: namespace.clone(),
                source: source.into(),
            })?;
        // From here on it is deleted whatever happens.
        let made = Made {
            cluster: cluster.clone(),
            namespace: namespace.clone(),
            job: name.clone(),
            armed: true,
        };
        let selector = BTreeMap::from([("batch.kubernetes.io/job-name".to_owned(), name.clone())]);
        let ready = |pod: &Pod| {
            let conditions = pod
                .status
                .iter()
                .flat_map(|status| status.conditions.iter().flatten());
            conditions
                .into_iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
        };
        let started = cluster.wait_pod(&namespace, &selector, START_TIME, ready).await;
        let pod = started.map_err(|source| JobError::Start {
            job: name.clone(),
            source,
        })?;
        let pod = pod.metadata.name.unwrap_or_default();
        let commands = PodRunner::new(cluster, &namespace, &pod, CONTAINER);
        let listening = commands.clone();
        let keeper = tokio::spawn(async move {
            let mut said = tokio::io::sink();
            // However it ends, the commands that matter say so themselves.
            let _ = listening
                .run(KEEPER, &[], Box::new(Feed::new(None)), &mut said)
                .await;
        });
        made.keep();
        Ok(Self {
            cluster: cluster.clone(),
            namespace,
            job: name,
            commands,
            keeper,
        })
    }
}

#[async_trait]
impl Runner for JobRunner {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        self.commands.run(script, arguments, input, output).await
    }

    fn place(&self) -> String {
        format!("Job {}", self.job)
    }

    async fn close(&self) {
        self.keeper.abort();
        let deletion = delete(self.cluster.clone(), self.namespace.clone(), self.job.clone());
        // Where it fails, the Job's own end follows.
        let _ = tokio::time::timeout(DELETE_TIME, deletion).await;
    }
}

impl Drop for JobRunner {
    fn drop(&mut self) {
        self.keeper.abort();
        drop(Made {
            cluster: self.cluster.clone(),
            namespace: self.namespace.clone(),
            job: self.job.clone(),
            armed: true,
        });
    }
}

/// Deletes a Job when dropped before somebody else took care of it.
struct Made {
    cluster: Cluster,
    namespace: String,
    job: String,
    armed: bool,
}

impl Made {
    fn keep(mut self) {
        self.armed = false;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.armed
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(delete(
                self.cluster.clone(),
                self.namespace.clone(),
                self.job.clone(),
            ));
        }
    }
}

async fn delete(cluster: Cluster, namespace: String, job: String) {
    let jobs: Api<Job> = Api::namespaced(cluster.client, &namespace);
    // Gone already, or out of reach: nothing more can be done here.
    let _ = jobs.delete(&job, &DeleteParams::background()).await;
}

/// The Job: our labels only, no rights in the cluster, nothing writable but one folder that goes with it.
fn job(like: &Like) -> Job {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let labels = BTreeMap::from([
        pair("app.kubernetes.io/managed-by", "kubectl-pgbackup"),
        pair("app.kubernetes.io/component", "dump"),
    ]);
    // Meshes put their own container beside ours, which would outlive it.
    let annotations = BTreeMap::from([
        pair("sidecar.istio.io/inject", "false"),
        pair("linkerd.io/inject", "disabled"),
    ]);
    let environment = |name: &str| EnvVar {
        name: name.into(),
        value: Some(WORK.into()),
        ..EnvVar::default()
    };
    let quantities =
        |which: fn(&(&str, &str, &str)) -> (String, Quantity)| RESOURCES.iter().map(which).collect();
    let command = [
        "sh".to_owned(),
        "-c".to_owned(),
        IDLE.to_owned(),
        COMMAND_NAME.to_owned(),
        DEADLINE.as_secs().to_string(),
    ];
    Job {
        metadata: ObjectMeta {
            name: Some(format!("pgbackup-dump-{:08x}", rand::random::<u32>())),
            namespace: Some(like.namespace.clone()),
            labels: Some(labels.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(JobSpec {
            active_deadline_seconds: Some(i64::try_from(DEADLINE.as_secs()).unwrap_or(i64::MAX)),
            backoff_limit: Some(0),
            ttl_seconds_after_finished: Some(STAYS),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels),
                    annotations: Some(annotations),
                    ..ObjectMeta::default()
                }),
                spec: Some(PodSpec {
                    automount_service_account_token: Some(false),
                    enable_service_links: Some(false),
                    restart_policy: Some("Never".into()),
                    termination_grace_period_seconds: Some(0),
                    image_pull_secrets: like.pull_secrets.clone(),
                    security_context: Some(PodSecurityContext {
                        run_as_non_root: Some(true),
                        run_as_user: Some(like.user),
                        run_as_group: Some(like.user),
                        fs_group: Some(like.user),
                        seccomp_profile: Some(SeccompProfile {
                            type_: "RuntimeDefault".into(),
                            ..SeccompProfile::default()
                        }),
                        ..PodSecurityContext::default()
                    }),
                    containers: vec![Container {
                        name: CONTAINER.into(),
                        image: Some(like.image.clone()),
                        image_pull_policy: Some("IfNotPresent".into()),
                        command: Some(command.to_vec()),
                        env: Some(["HOME", "TMPDIR"].map(environment).to_vec()),
                        resources: Some(ResourceRequirements {
                            requests: Some(quantities(|(name, least, _)| {
                                ((*name).to_owned(), Quantity((*least).to_owned()))
                            })),
                            limits: Some(quantities(|(name, _, most)| {
                                ((*name).to_owned(), Quantity((*most).to_owned()))
                            })),
                            ..ResourceRequirements::default()
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
            },
            ..JobSpec::default()
        }),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_has_no_rights_no_secret_and_an_end() {
        let like = Like {
            namespace: "shop".into(),
            image: "postgres:17".into(),
            user: 999,
            pull_secrets: None,
            address: None,
        };
        let spec = job(&like).spec.unwrap();
        assert_eq!(
            (spec.backoff_limit, spec.ttl_seconds_after_finished),
            (Some(0), Some(60))
        );
        assert!(spec.active_deadline_seconds.is_some());
        let pod = spec.template.spec.unwrap();
        assert_eq!(pod.automount_service_account_token, Some(false));
        assert_eq!(pod.security_context.unwrap().run_as_non_root, Some(true));
        let container = &pod.containers[0];
        let context = container.security_context.clone().unwrap();
        assert_eq!(context.read_only_root_filesystem, Some(true));
        assert_eq!(context.capabilities.unwrap().drop, Some(vec!["ALL".to_owned()]));
        let environment: Vec<&str> = container
            .env
            .iter()
            .flatten()
            .map(|variable| variable.name.as_str())
            .collect();
        assert_eq!(
            environment,
            ["HOME", "TMPDIR"],
            "no password, and nothing else of the server's"
        );
        assert!(container.env_from.is_none());
    }
}
