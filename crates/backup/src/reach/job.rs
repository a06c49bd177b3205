//! A Job of ours that commands are run in: beside a server, or with a volume.
//!
//! Beside a server it has its image, its client programs, and nothing else of it.
//!
//! The Job's container only waits; commands are run in it as in the server's own container, so that the same proof comes
//! back, and passwords reach it on standard input alone. It ends with us: a command of its own listens for our end.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use cluster::{Cluster, WaitError};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use crate::feed::Feed;
use crate::helper_pod::{HelperVolume, Like, LikeError, PodShape, Temporary, TemporaryKind};
use crate::script::{IDLE, KEEPER};
use crate::{PodRunner, RunEnd, RunError, Runner};

/// The container that waits.
const CONTAINER: &str = "client";

/// The only writable folder.
const WORK: &str = "/work";

/// How long a dump may take at most: what is bigger is no matter for a dump.
const DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the Job stays after its end, when nobody was left to delete it.
const STAYS: i32 = 60;

/// How long its pod may take to run: the image is on the nodes that run the server, on others it has to be fetched.
const START_TIME: Duration = Duration::from_secs(5 * 60);

/// Why there is no Job.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JobError {
    /// The server's pod is no pattern for it.
    #[error(transparent)]
    Like(#[from] LikeError),
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
}

/// Runs commands in the pod of a Job of ours; the Job goes with it.
pub(crate) struct JobRunner {
    job: Temporary,
    commands: PodRunner,
    keeper: JoinHandle<()>,
}

impl JobRunner {
    /// Creates the Job and waits until its pod runs.
    pub(crate) async fn start(cluster: &Cluster, shape: &PodShape<'_>) -> Result<Self, JobError> {
        let namespace = shape.namespace.to_owned();
        let jobs: Api<Job> = Api::namespaced(cluster.client.clone(), &namespace);
        let wanted = job(shape);
        let name = wanted.metadata.name.clone().unwrap_or_default();
        jobs.create(&PostParams::default(), &wanted)
            .await
            .map_err(|source| JobError::Create {
                namespace: namespace.clone(),
                source: source.into(),
            })?;
        // From here on it is deleted whatever happens.
        let made = Temporary::new(cluster, TemporaryKind::Job, &namespace, &name);
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
        let commands = PodRunner::new(cluster, &namespace, &pod, shape.container);
        let listening = commands.clone();
        let keeper = tokio::spawn(async move {
            let mut said = tokio::io::sink();
            // However it ends, the commands that matter say so themselves.
            let _ = listening
                .run(KEEPER, &[], Box::new(Feed::new(None)), &mut said)
                .await;
        });
        Ok(Self {
            job: made,
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
        format!("Job {}", self.job.name())
    }

    async fn close(&self) {
        self.keeper.abort();
        self.job.delete_now().await;
    }
}

impl Drop for JobRunner {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// The pod of a Job that dumps, of the image and under the user of the server's.
pub(super) fn shape(like: &Like) -> PodShape<'_> {
    PodShape {
        purpose: "dump",
        container: CONTAINER,
        namespace: &like.namespace,
        image: &like.image,
        pull_secrets: &like.pull_secrets,
        user: like.user,
        group: like.user,
        script: IDLE,
        arguments: vec![DEADLINE.as_secs().to_string()],
        environment: vec![("HOME", WORK), ("TMPDIR", WORK)],
        folders: vec![(WORK, HelperVolume::Empty)],
        room: None,
        ready: None,
        node: None,
        deadline: DEADLINE,
    }
}

fn job(shape: &PodShape<'_>) -> Job {
    Job {
        metadata: shape.metadata(),
        spec: Some(JobSpec {
            active_deadline_seconds: Some(shape.deadline_seconds()),
            backoff_limit: Some(0),
            ttl_seconds_after_finished: Some(STAYS),
            template: shape.template(),
            ..JobSpec::default()
        }),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_tries_once_ends_and_goes() {
        let like = Like {
            namespace: "shop".into(),
            image: "postgres:17".into(),
            user: 999,
            pull_secrets: Vec::new(),
            address: None,
        };
        let spec = job(&shape(&like)).spec.unwrap();
        assert_eq!(
            (spec.backoff_limit, spec.ttl_seconds_after_finished),
            (Some(0), Some(60))
        );
        assert_eq!(spec.active_deadline_seconds, Some(24 * 60 * 60));
        let pod = spec.template.spec.unwrap();
        assert_eq!(pod.containers[0].image.as_deref(), Some("postgres:17"));
    }
}
