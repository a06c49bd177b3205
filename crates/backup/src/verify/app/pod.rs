//! The pod of a throw-away server and an application, in the cluster: made by a Job, so that it goes whatever happens to us,
//! and cut off by a NetworkPolicy that goes with the Job.

use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, Judgement, RequestError, Selector, WaitError};
use futures::StreamExt as _;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{Api, LogParams, PostParams};
use model::{ArtefactKept, BackupManifest, DatabaseRoute, Seen, causes};

use super::AppRequest;
use super::deeds::tells_session;
use super::objects::{JOB_NAME, job, policy, shape, user_and_group};
use super::request::MigrationWanted;
use super::server::{GATE, OPEN, SERVER};
use super::start::{Start, look};
use super::volumes::Volumes;
use crate::base::run;
use crate::helper_pod::{HelperPodError, Temporary, TemporaryKind};
use crate::script::APP_OPEN;
use crate::verify::place::{Locale, credentials, location};
use crate::verify::{VerifyError, VerifyRequest};
use crate::{PodRunner, ReachError, Runner, Server};

/// How long an application that is ready may take to begin a session: most have one by then.
const SESSION_TIME: Duration = Duration::from_secs(30);

/// What the logs of an application may take beside its volumes, in bytes.
const BESIDE: u64 = 1 << 30;

/// A throw-away server and an application behind a gate.
pub(in crate::verify) struct AppServer {
    pub(super) cluster: Cluster,
    pub(super) request: AppRequest,
    pub(super) volumes: Volumes,
    job: Temporary,
    deadline: Duration,
    pod: String,
}

impl AppServer {
    /// Makes the Job and its policy; nothing is up yet.
    pub(in crate::verify) async fn begin(
        cluster: &Cluster,
        server: &VerifyRequest,
        request: &AppRequest,
        locale: &Locale,
        room: u64,
        manifest: &BackupManifest,
    ) -> Result<Self, VerifyError> {
        let artefacts = &manifest.artefacts;
        let AppRequest { app, namespace, .. } = request;
        let volumes = Volumes::of(&app.template, namespace, &request.claims, artefacts);
        let filling = volumes.filled.iter().flat_map(|filled| &filled.artefacts);
        let archives: Vec<(u64, &str)> = filling
            .filter_map(|number| match &artefacts.get(*number)?.kept {
                ArtefactKept::Tar {
                    archive_bytes, owner, ..
                } => Some((*archive_bytes, owner.as_str())),
                ArtefactKept::Snapshot { .. } | ArtefactKept::Instant { .. } => None,
            })
            .collect();
        let room = archives
            .iter()
            .fold(room.saturating_add(BESIDE), |sum, (bytes, _)| {
                sum.saturating_add(*bytes)
            });
        let filler = archives.iter().find_map(|(_, owner)| user_and_group(owner));
        let port = app.door.port.to_string();
        let rehearses = request.migration.is_some();
        // A table that is rewritten is there twice for a while, and so is what is written ahead.
        let room = if rehearses { room.saturating_mul(2) } else { room };
        let shape = shape(server, namespace, locale, room, &port, rehearses);
        let job = job(
            &shape,
            app.pod(shape.template(), &volumes, filler, server.deadline),
        );
        let jobs: Api<Job> = Api::namespaced(cluster.client.clone(), namespace);
        let made = jobs.create(&PostParams::default(), &job).await;
        let made = made.map_err(|source| HelperPodError::Create {
            namespace: namespace.clone(),
            source: source.into(),
        })?;
        // From here on it is deleted whatever happens.
        let name = made.metadata.name.clone().unwrap_or_default();
        let temporary = Temporary::new(cluster, TemporaryKind::Job, namespace, &name);
        let policies: Api<NetworkPolicy> = Api::namespaced(cluster.client.clone(), namespace);
        if let Err(source) = policies.create(&PostParams::default(), &policy(&made)).await {
            temporary.delete().await;
            return Err(VerifyError::Policy {
                namespace: namespace.clone(),
                source: source.into(),
            });
        }
        if let Err(source) = request.copies.create(cluster, namespace, &made).await {
            temporary.delete().await;
            return Err(VerifyError::Copies {
                namespace: namespace.clone(),
                source,
            });
        }
        Ok(Self {
            cluster: cluster.clone(),
            request: request.clone(),
            volumes,
            job: temporary,
            deadline: server.deadline,
            pod: String::new(),
        })
    }

    /// Waits until its server is up and the gate can be talked to.
    pub(in crate::verify) async fn up(&mut self) -> Result<(), HelperPodError> {
        let judge = |pod: Option<&Pod>| match pod {
            Some(pod) if gate_runs(pod) => Judgement::Done(pod.metadata.name.clone().unwrap_or_default()),
            Some(pod) => match look(Some(pod), &self.request.app.container) {
                Start::Cannot(words) => Judgement::Stalled(words),
                Start::Ready | Start::Waits { .. } | Start::Ended { .. } => Judgement::Wait(
                    cluster::pod_facts(pod, None)
                        .trouble
                        .unwrap_or_else(|| "it starts".into()),
                ),
            },
            None => Judgement::Wait("no pod is there".into()),
        };
        let what = "the throw-away server";
        let waited = self
            .cluster
            .wait_pod_judged(self.job.namespace(), &self.selector(), what, self.deadline, judge)
            .await;
        self.pod = waited.map_err(HelperPodError::Start)?;
        Ok(())
    }

    /// The server, and the client programs of its image.
    pub(in crate::verify) async fn reach(&self, id: &str) -> Result<Server, ReachError> {
        let port = self.request.app.door.port;
        let route = DatabaseRoute::Pod {
            namespace: self.job.namespace().to_owned(),
            pod: self.pod.clone(),
            container: SERVER.into(),
            port,
            workload: None,
        };
        let location = location("127.0.0.1", port, route);
        Server::reach(Some(&self.cluster), &location, &credentials(), id).await
    }

    /// Waits until the application is ready, has ended, or its time is up. `told` hears of every look on the way.
    pub(super) async fn started(&self, mut told: impl FnMut(&Start) + Send) -> Result<Start, WaitError> {
        let app = self.request.app.container.clone();
        let ready_counts = self.request.ready_counts();
        let mut last = Start::Waits {
            running: false,
            words: "its pod was not seen".into(),
        };
        let judge = |pod: Option<&Pod>| {
            last = look(pod, &app);
            if last == Start::Ready && !ready_counts {
                last = Start::Waits {
                    running: true,
                    words: "it runs".into(),
                };
            }
            told(&last);
            match &last {
                Start::Ready | Start::Ended { .. } | Start::Cannot(_) => Judgement::Done(()),
                Start::Waits { words, .. } => Judgement::Wait(words.clone()),
            }
        };
        let (namespace, limit) = (self.job.namespace(), self.request.limit);
        let waited = self
            .cluster
            .wait_pod_judged(namespace, &self.selector(), "the application", limit, judge)
            .await;
        match waited {
            Ok(()) | Err(WaitError::TimedOut { .. }) => Ok(last),
            Err(error) => Err(error),
        }
    }

    /// The migration that is rehearsed in it, if one is.
    pub(in crate::verify) fn migration(&self) -> Option<&MigrationWanted> {
        self.request.migration.as_ref()
    }

    /// The pod's name.
    pub(super) fn pod(&self) -> &str {
        &self.pod
    }

    /// The pod's address.
    pub(super) async fn address(&self) -> Result<Option<String>, RequestError> {
        let pod = self.pods().get(&self.pod).await.map_err(RequestError::from)?;
        Ok(pod.status.and_then(|status| status.pod_ip))
    }

    /// Commands in one of our containers.
    pub(super) fn commands_in(&self, container: &str) -> PodRunner {
        PodRunner::new(&self.cluster, self.job.namespace(), &self.pod, container)
    }

    /// Lets the application start.
    ///
    /// # Errors
    /// When the pod cannot be told, or does not let it.
    pub(super) async fn open_gate(&self) -> Result<(), VerifyError> {
        let runner: Arc<dyn Runner> = Arc::new(self.commands_in(SERVER));
        let (_, opened) = run(&runner, APP_OPEN, &[OPEN]).await?;
        match opened.exit_code {
            0 => Ok(()),
            _ => Err(VerifyError::Prepare(opened.stderr_tail)),
        }
    }

    /// How the application is now.
    pub(super) async fn looked_at(&self) -> Start {
        match self.pods().get(&self.pod).await {
            Ok(pod) => look(Some(&pod), &self.request.app.container),
            Err(error) => Start::Cannot(causes(&RequestError::from(error))),
        }
    }

    /// Whether the server tells a session of the application, now or soon.
    pub(super) async fn session_on_copy(&self) -> Seen<bool> {
        let door = &self.request.app.door;
        let mut lines = self
            .cluster
            .follow_logs(self.job.namespace(), &self.pod, SERVER, false);
        let told = async {
            while let Some(line) = lines.next().await {
                match line {
                    Ok(line) if tells_session(&line, door) => return Seen::Present(true),
                    Ok(_) => {}
                    Err(error) => return Seen::Unreadable(causes(&error)),
                }
            }
            Seen::Present(false)
        };
        let told = tokio::time::timeout(SESSION_TIME, told).await;
        told.unwrap_or(Seen::Present(false))
    }

    /// The last lines of a container's log.
    pub(super) async fn log(&self, container: &str, lines: i64) -> Result<String, RequestError> {
        let parameters = LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(lines),
            ..LogParams::default()
        };
        Ok(self.pods().logs(&self.pod, &parameters).await?)
    }

    /// Deletes all of it.
    pub(in crate::verify) async fn delete(self) {
        self.job.delete().await;
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.cluster.client.clone(), self.job.namespace())
    }

    fn selector(&self) -> Selector {
        Selector::from([(JOB_NAME.to_owned(), self.job.name().to_owned())])
    }
}

/// Whether the gate runs: it is started when the server is up, and not before.
fn gate_runs(pod: &Pod) -> bool {
    let statuses = pod
        .status
        .iter()
        .flat_map(|status| status.init_container_statuses.iter().flatten());
    let mut gates = statuses.filter(|one| one.name == GATE);
    gates.any(|gate| gate.state.as_ref().is_some_and(|state| state.running.is_some()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_gate_runs_when_the_server_is_up() {
        let pod = |state| {
            let status = json!({ "initContainerStatuses": [
                { "name": GATE, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state },
            ] });
            serde_json::from_value(json!({ "status": status })).unwrap()
        };
        assert!(gate_runs(&pod(json!({ "running": {} }))));
        assert!(!gate_runs(&pod(
            json!({ "waiting": { "reason": "PodInitializing" } })
        )));
    }
}
