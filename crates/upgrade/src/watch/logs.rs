//! The logs of hook Jobs and of pods that a pass starts, line by line as they come.

use std::collections::{BTreeMap, HashSet};

use cluster::container_end;
use engine::StepContext;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};
use model::{Event, HelmPass, LogSource};
use tokio::task::JoinSet;

/// Whose logs are followed.
pub(super) struct Subject {
    /// Names of hook Jobs, which their pods carry as a label.
    jobs: Vec<String>,
    /// Selectors of the workloads that the pass may start.
    selectors: Vec<BTreeMap<String, String>>,
    /// Pods that were there before, by UID.
    old: HashSet<String>,
}

impl Subject {
    /// What is there before the pass; workloads that helm is yet to make are not known here and not followed.
    pub(super) async fn of(context: &StepContext, pass: &HelmPass) -> Self {
        let cluster = context.cluster();
        let mut selectors = Vec::new();
        for name in pass
            .workloads
            .iter()
            .filter(|name| !pass.database_workloads.contains(name))
        {
            if let Ok(Some(workload)) = cluster.workload(name).await {
                selectors.push(workload.selector);
            }
        }
        selectors.retain(|selector| !selector.is_empty());
        let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &context.run().namespace);
        let there = pods.list_metadata(&kube::api::ListParams::default()).await;
        let old = there.map(|list| {
            list.items
                .into_iter()
                .filter_map(|pod| pod.metadata.uid)
                .collect()
        });
        Self {
            jobs: pass.hook_jobs.clone(),
            selectors,
            old: old.unwrap_or_default(),
        }
    }

    fn wants(&self, pod: &Pod) -> bool {
        if pod.metadata.uid.as_ref().is_none_or(|uid| self.old.contains(uid)) {
            return false;
        }
        let labels = pod.metadata.labels.clone().unwrap_or_default();
        let job = labels
            .get("batch.kubernetes.io/job-name")
            .or_else(|| labels.get("job-name"));
        job.is_some_and(|job| self.jobs.contains(job))
            || self
                .selectors
                .iter()
                .any(|selector| selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
    }
}

/// Follows until dropped. Every start of a container is followed once, so a restarted one is heard from its beginning.
pub(super) async fn follow(context: StepContext, subject: Subject) {
    let pods: Api<Pod> = Api::namespaced(context.cluster().client.clone(), &context.run().namespace);
    let mut events = watcher(pods, watcher::Config::default())
        .default_backoff()
        .applied_objects()
        .boxed();
    let mut heard: HashSet<(String, String, i32)> = HashSet::new();
    let mut told: HashSet<(String, String)> = HashSet::new();
    let mut tasks = JoinSet::new();
    loop {
        // A failing watch is taken up again by the watcher itself.
        let Some(event) = events.next().await else { return };
        let Ok(pod) = event else { continue };
        if !subject.wants(&pod) {
            continue;
        }
        let name = pod.metadata.name.clone().unwrap_or_default();
        for container in containers(&pod) {
            if has_started(container)
                && heard.insert((name.clone(), container.name.clone(), container.restart_count))
            {
                tasks.spawn(one(context.clone(), name.clone(), container.name.clone()));
            }
            if let Some(trouble) = trouble(&pod, container)
                && told.insert((name.clone(), trouble.clone()))
            {
                let message = format!("pod {name}, container {}: {trouble}", container.name);
                context.events().send(Event::Notice { message });
            }
        }
    }
}

fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_ref());
    let main = status.and_then(|status| status.container_statuses.as_ref());
    init.into_iter().chain(main).flatten()
}

fn has_started(container: &ContainerStatus) -> bool {
    container
        .state
        .as_ref()
        .is_some_and(|state| state.running.is_some() || state.terminated.is_some())
}

/// The reason why a container waits, unless it is only being made, or how it ended, where that was badly and nobody told
/// its pod to.
fn trouble(pod: &Pod, container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.clone()?;
        return (!matches!(reason.as_str(), "ContainerCreating" | "PodInitializing")).then_some(reason);
    }
    let end = state.terminated.as_ref()?;
    let badly = end.exit_code != 0 && pod.metadata.deletion_timestamp.is_none();
    badly.then(|| format!("ended with {}", container_end(pod, &container.name, end)))
}

async fn one(context: StepContext, pod: String, container: String) {
    let source = LogSource {
        pod: pod.clone(),
        container: container.clone(),
    };
    let mut lines = context
        .cluster()
        .follow_logs(&context.run().namespace, &pod, &container, false);
    // A log that breaks off is not the migration's fault; what was heard stays heard.
    while let Ok(Some(line)) = lines.try_next().await {
        context.events().send(Event::Log {
            source: Some(source.clone()),
            line,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is told of the pod's only container in this state.
    fn told(state: &Value, deleted_at: Option<&str>) -> Option<String> {
        let pod = json!({
            "metadata": { "name": "web-1", "deletionTimestamp": deleted_at },
            "spec": { "containers": [{ "name": "web", "resources": { "limits": { "memory": "64Mi" } } }] },
            "status": { "containerStatuses": [{
                "name": "web", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state,
            }] },
        });
        let pod: Pod = serde_json::from_value(pod).unwrap();
        containers(&pod).find_map(|container| trouble(&pod, container))
    }

    #[test]
    fn what_keeps_a_container_from_working_is_told_and_a_usual_way_is_not() {
        let killed = json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } });
        for (state, deleted_at, wanted) in [
            (
                json!({ "waiting": { "reason": "ContainerCreating" } }),
                None,
                None,
            ),
            (
                json!({ "waiting": { "reason": "CrashLoopBackOff" } }),
                None,
                Some("CrashLoopBackOff"),
            ),
            (json!({ "running": {} }), None, None),
            (
                json!({ "terminated": { "exitCode": 0, "reason": "Completed" } }),
                None,
                None,
            ),
            (
                killed.clone(),
                None,
                Some("ended with exit code 137 (OOMKilled: killed for its memory, the limit is 64Mi)"),
            ),
            (killed, Some("2026-01-01T00:00:00Z"), None),
        ] {
            assert_eq!(told(&state, deleted_at).as_deref(), wanted, "{state}");
        }
    }
}
