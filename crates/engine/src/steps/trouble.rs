//! Why a workload's pods do not come up, in one sentence.

use cluster::{Cluster, container_end};
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use kube::Api;
use kube::api::{ListParams, LogParams};
use model::WorkloadName;

/// Longest log line that is repeated in an error, in characters.
const LINE_CHARACTERS: usize = 300;

/// What is wrong with a workload: the first cause of trouble among its pods (image, configuration, crash with its last
/// log line, no node, not ready), the last warning that the cluster gave about it, and where to look further. `None`
/// where there is none, or it cannot be read: this only ever explains another error.
pub async fn first_trouble(cluster: &Cluster, name: &WorkloadName) -> Option<String> {
    let trouble = pod_trouble(cluster, name).await;
    let about = trouble
        .as_ref()
        .map_or(name.name.as_str(), |(pod, _)| pod.as_str());
    let warning = last_warning(cluster, &name.namespace, about).await;
    let look = match &trouble {
        Some((pod, _)) => format!("kubectl describe pod {pod} -n {}", name.namespace),
        None => format!(
            "kubectl describe {}/{} -n {}",
            name.kind.to_string().to_lowercase(),
            name.name,
            name.namespace
        ),
    };
    let said: Vec<String> = trouble.map(|(_, text)| text).into_iter().chain(warning).collect();
    (!said.is_empty()).then(|| format!("{}; look with: {look}", said.join("; ")))
}

/// The newest warning about an object or one that it made, whose name begins with its own.
async fn last_warning(cluster: &Cluster, namespace: &str, object: &str) -> Option<String> {
    let events: Api<Event> = Api::namespaced(cluster.client.clone(), namespace);
    let found = events
        .list(&ListParams::default().fields("type=Warning"))
        .await
        .ok()?;
    newest_warning(&found.items, object)
}

fn newest_warning(events: &[Event], object: &str) -> Option<String> {
    let newest = events
        .iter()
        .filter(|event| {
            let about = event.involved_object.name.as_deref().unwrap_or_default();
            about == object
                || about
                    .strip_prefix(object)
                    .is_some_and(|rest| rest.starts_with('-'))
        })
        .max_by_key(|event| {
            let at = event.last_timestamp.as_ref().map(|time| time.0);
            at.or_else(|| event.event_time.as_ref().map(|time| time.0))
        })?;
    let words: String = newest
        .message
        .as_deref()
        .unwrap_or_default()
        .trim()
        .chars()
        .take(LINE_CHARACTERS)
        .collect();
    Some(format!(
        "last warning: {}: {words}",
        newest.reason.as_deref().unwrap_or("no reason given")
    ))
}

/// The first pod in trouble, and what it is.
async fn pod_trouble(cluster: &Cluster, name: &WorkloadName) -> Option<(String, String)> {
    let workload = cluster.workload(name).await.ok()??;
    if workload.selector.is_empty() {
        return None;
    }
    let selector: Vec<String> = workload
        .selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &name.namespace);
    let found = pods
        .list(&ListParams::default().labels(&selector.join(",")))
        .await
        .ok()?;
    let trouble = found.items.iter().find_map(trouble_of)?;
    let last_words = match &trouble.crashed {
        Some(container) => last_line(&pods, &trouble.pod, container).await,
        None => None,
    };
    let text = match last_words {
        Some(line) => format!("pod {}: {}; its last line was: {line}", trouble.pod, trouble.text),
        None => format!("pod {}: {}", trouble.pod, trouble.text),
    };
    Some((trouble.pod, text))
}

/// Whether a container of the pod has ended badly and does not run again yet.
pub(super) fn has_crashed(pod: &Pod) -> bool {
    trouble_of(pod).is_some_and(|trouble| trouble.crashed.is_some())
}

#[derive(Debug, PartialEq, Eq)]
struct Trouble {
    pod: String,
    text: String,
    /// The container whose last log line tells more.
    crashed: Option<String>,
}

/// What is wrong with a pod. A pod that is on its way down is not asked.
fn trouble_of(pod: &Pod) -> Option<Trouble> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let name = pod.metadata.name.clone()?;
    let status = pod.status.as_ref()?;
    let containers = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten();
    let (mut crashed, mut unready) = (None, None);
    for container in containers {
        match container_trouble(pod, container) {
            Some((text, true)) => crashed = crashed.or(Some((text, container.name.clone()))),
            // What keeps a container from starting at all comes before what it does when it runs.
            Some((text, false)) => {
                return Some(Trouble {
                    pod: name,
                    text,
                    crashed: None,
                });
            }
            None if !container.ready && is_running(container) => {
                unready = unready.or(Some(format!(
                    "container {} runs but is not ready",
                    container.name
                )));
            }
            None => {}
        }
    }
    if let Some((text, container)) = crashed {
        return Some(Trouble {
            pod: name,
            text,
            crashed: Some(container),
        });
    }
    let unscheduled = status.conditions.iter().flatten().find_map(|condition| {
        let refused = condition.type_ == "PodScheduled" && condition.status == "False";
        refused.then(|| {
            format!(
                "no node takes it: {}",
                condition.message.as_deref().unwrap_or("no reason given")
            )
        })
    });
    unscheduled.or(unready).map(|text| Trouble {
        pod: name,
        text,
        crashed: None,
    })
}

fn is_running(container: &ContainerStatus) -> bool {
    container
        .state
        .as_ref()
        .is_some_and(|state| state.running.is_some())
}

/// What is wrong with a container, and whether it is that it crashed.
fn container_trouble(pod: &Pod, container: &ContainerStatus) -> Option<(String, bool)> {
    let name = &container.name;
    let state = container.state.as_ref()?;
    let ended = state.terminated.as_ref();
    let ended_before = container
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    if let Some(waiting) = &state.waiting {
        return match waiting.reason.as_deref()? {
            // The usual way up.
            "ContainerCreating" | "PodInitializing" => None,
            "CrashLoopBackOff" => {
                let how = ended_before
                    .map(|end| format!(" with {}", container_end(pod, name, end)))
                    .unwrap_or_default();
                Some((format!("container {name} crashes again and again{how}"), true))
            }
            reason => {
                let message = waiting
                    .message
                    .as_deref()
                    .map(|text| format!(": {text}"))
                    .unwrap_or_default();
                Some((format!("container {name}: {reason}{message}"), false))
            }
        };
    }
    let end = ended.filter(|end| end.exit_code != 0)?;
    Some((
        format!("container {name} ended with {}", container_end(pod, name, end)),
        true,
    ))
}

async fn last_line(pods: &Api<Pod>, pod: &str, container: &str) -> Option<String> {
    for previous in [false, true] {
        let parameters = LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(1),
            previous,
            ..LogParams::default()
        };
        let text = pods.logs(pod, &parameters).await.unwrap_or_default();
        let line = text.lines().next_back().unwrap_or_default().trim();
        if !line.is_empty() {
            return Some(line.chars().take(LINE_CHARACTERS).collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trouble(status: serde_json::Value) -> Option<Trouble> {
        let pod = json!({ "metadata": { "name": "web-1" }, "status": status });
        trouble_of(&serde_json::from_value(pod).unwrap())
    }

    fn container(state: serde_json::Value, last: serde_json::Value) -> serde_json::Value {
        json!({ "containerStatuses": [{
            "name": "web", "image": "i", "imageID": "", "ready": false, "restartCount": 3,
            "state": state, "lastState": last,
        }] })
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_told_with_the_kubelets_words() {
        let state = json!({ "waiting": { "reason": "ImagePullBackOff", "message": "not found" } });
        let found = trouble(container(state, json!({}))).unwrap();
        assert_eq!(found.text, "container web: ImagePullBackOff: not found");
        assert_eq!(found.crashed, None);
    }

    #[test]
    fn a_crash_loop_is_told_with_its_exit_code_and_asks_for_the_log() {
        let state = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        let found = trouble(container(state, json!({ "terminated": { "exitCode": 7 } }))).unwrap();
        assert_eq!(
            found.text,
            "container web crashes again and again with exit code 7"
        );
        assert_eq!(found.crashed.as_deref(), Some("web"));
    }

    #[test]
    fn a_container_that_was_killed_for_its_memory_is_told_as_such() {
        let killed = json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } });
        let words = "exit code 137 (OOMKilled: killed for its memory, it has no limit of its own)";
        let found = trouble(container(killed.clone(), json!({}))).unwrap();
        assert_eq!(found.text, format!("container web ended with {words}"));
        let loops = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        let found = trouble(container(loops, killed)).unwrap();
        assert_eq!(
            found.text,
            format!("container web crashes again and again with {words}")
        );
    }

    #[test]
    fn a_pod_that_no_node_takes_and_one_that_is_not_ready_are_told_apart() {
        let unscheduled = trouble(json!({ "conditions": [
            { "type": "PodScheduled", "status": "False", "message": "0/1 nodes are available" },
        ] }));
        assert_eq!(
            unscheduled.unwrap().text,
            "no node takes it: 0/1 nodes are available"
        );
        let unready = trouble(container(json!({ "running": {} }), json!({})));
        assert_eq!(unready.unwrap().text, "container web runs but is not ready");
    }

    #[test]
    fn the_newest_warning_about_an_object_or_what_it_made_is_told() {
        let event = |object: &str, at: &str, reason: &str| -> Event {
            serde_json::from_value(json!({
                "metadata": {}, "involvedObject": { "name": object }, "lastTimestamp": at,
                "reason": reason, "message": "words", "type": "Warning",
            }))
            .unwrap()
        };
        let events = [
            event("web-7f", "2026-01-01T00:00:02Z", "FailedCreate"),
            event("web-7f", "2026-01-01T00:00:01Z", "Older"),
            event("website", "2026-01-01T00:00:09Z", "Other"),
        ];
        assert_eq!(
            newest_warning(&events, "web").as_deref(),
            Some("last warning: FailedCreate: words")
        );
        assert_eq!(newest_warning(&events, "worker"), None);
    }

    #[test]
    fn a_pod_on_its_usual_way_up_is_no_trouble() {
        assert_eq!(
            trouble(container(
                json!({ "waiting": { "reason": "ContainerCreating" } }),
                json!({})
            )),
            None
        );
    }
}
