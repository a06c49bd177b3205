//! Whether a pod has started, still starts, or will not.

use cluster::container_end;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

/// Restarts that are no fault yet: a first boot may lose the race against its database once or twice.
const RESTARTS_TOLERATED: i32 = 2;

/// Reasons of a waiting container that do not go away by waiting.
const HOPELESS: [&str; 3] = ["ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"];

/// The reason that is hopeless only where something referred to does not exist: a busy kubelet gives it too while it
/// still fetches a Secret.
const CONFIG_ERROR: &str = "CreateContainerConfigError";

/// How far a pod's start is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// Not there yet.
    Waiting,
    /// All containers answer their own readiness probes; our gate is left aside.
    Ready,
    /// It will not get there, and why.
    Failed(String),
}

/// Judges a pod's status. A pod that is told to end is of the past and judged as waiting for its successor.
pub(crate) fn judge_start(pod: &Pod) -> Start {
    if pod.metadata.deletion_timestamp.is_some() {
        return Start::Waiting;
    }
    let Some(status) = &pod.status else {
        return Start::Waiting;
    };
    let containers = status
        .init_container_statuses
        .iter()
        .chain(status.container_statuses.iter())
        .flatten();
    for container in containers {
        if let Some(why) = hopeless(pod, container) {
            return Start::Failed(why);
        }
    }
    let ready = status
        .conditions
        .iter()
        .flatten()
        .any(|condition| condition.type_ == "ContainersReady" && condition.status == "True");
    if ready { Start::Ready } else { Start::Waiting }
}

fn hopeless(pod: &Pod, container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
    let reason = waiting
        .and_then(|waiting| waiting.reason.as_deref())
        .unwrap_or_default();
    let message = waiting
        .and_then(|waiting| waiting.message.as_deref())
        .unwrap_or_default();
    let missing = message.contains("not found") || message.contains("couldn't find key");
    if HOPELESS.contains(&reason) || (reason == CONFIG_ERROR && missing) {
        return Some(
            format!("container {}: {reason} {message}", container.name)
                .trim_end()
                .to_owned(),
        );
    }
    if container.restart_count <= RESTARTS_TOLERATED {
        return None;
    }
    let last = container
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    let end = last.map_or_else(String::new, |end| {
        format!(
            ", the last time with {}",
            container_end(pod, &container.name, end)
        )
    });
    Some(format!(
        "container {} ended {} times{end}",
        container.name, container.restart_count
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: serde_json::Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "web-1"}, "status": status})).unwrap()
    }

    #[test]
    fn a_pod_is_ready_when_its_containers_are_whatever_the_gate_says() {
        let conditions =
            json!([{"type": "Ready", "status": "False"}, {"type": "ContainersReady", "status": "True"}]);
        assert_eq!(judge_start(&pod(json!({"conditions": conditions}))), Start::Ready);
    }

    #[test]
    fn one_or_two_restarts_are_no_fault_and_the_third_is() {
        let restarted = |times: i32| {
            pod(json!({"containerStatuses": [{
                "name": "web", "image": "i", "imageID": "", "ready": false, "restartCount": times,
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
                "state": {"waiting": {"reason": "CrashLoopBackOff"}}
            }]}))
        };
        assert_eq!(judge_start(&restarted(2)), Start::Waiting);
        let Start::Failed(why) = judge_start(&restarted(3)) else {
            panic!("the third restart is a fault")
        };
        assert_eq!(why, "container web ended 3 times, the last time with exit code 1");
    }

    #[test]
    fn a_start_that_its_memory_limit_ends_again_and_again_is_told_with_the_limit() {
        let killed = json!({
            "metadata": {"name": "web-1"},
            "spec": {"containers": [{"name": "web", "resources": {"limits": {"memory": "64Mi"}}}]},
            "status": {"containerStatuses": [{
                "name": "web", "image": "i", "imageID": "", "ready": false, "restartCount": 3,
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                "state": {"running": {}}
            }]},
        });
        let killed: Pod = serde_json::from_value(killed).unwrap();
        assert_eq!(
            judge_start(&killed),
            Start::Failed(
                "container web ended 3 times, the last time with exit code 137 (OOMKilled: killed for its memory, the \
                 limit is 64Mi)"
                    .into()
            )
        );
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_hopeless() {
        let status = json!({"containerStatuses": [{
            "name": "web", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
        }]});
        assert_eq!(
            judge_start(&pod(status)),
            Start::Failed("container web: ImagePullBackOff not found".into())
        );
    }

    #[test]
    fn a_secret_that_is_still_fetched_is_waited_for_and_a_missing_one_is_not() {
        let waiting = |message: &str| {
            pod(json!({"containerStatuses": [{
                "name": "web", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": "CreateContainerConfigError", "message": message}}
            }]}))
        };
        let busy = "failed to sync secret cache: timed out waiting for the condition";
        assert_eq!(judge_start(&waiting(busy)), Start::Waiting);
        assert!(matches!(
            judge_start(&waiting("secret \"db\" not found")),
            Start::Failed(_)
        ));
    }
}
