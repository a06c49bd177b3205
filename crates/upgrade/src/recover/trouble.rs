//! What is wrong with the pods of the newer version: whether they are not let work, or do not work. Pure.

use std::collections::BTreeMap;

use cluster::container_end;
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use model::RenderedWorkload;

/// What is wrong with an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing: every pod runs the newer version and is ready.
    None,
    /// The kubelet or a deadline ends it before it is done: it may come through if it is let.
    Killed(String),
    /// It works or waits, and nothing has failed.
    Hangs(String),
    /// The helm that worked on it is gone, before the newer version began.
    Interrupted(String),
    /// It ends by itself, cannot be started at all, or was refused: to try it again would change nothing.
    Fails(String),
}

/// What one pod of the newer version does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PodState {
    /// Ready.
    Ready,
    /// On its way, and nothing has failed.
    Starting(String),
    /// Ended by a probe.
    Killed(String),
    /// Ends by itself, or cannot be started.
    Fails(String),
}

/// Reasons of the kubelet after which a container does not start by waiting.
const IN_VAIN: [&str; 6] = [
    "InvalidImageName",
    "ErrImagePull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// What a pod does; `None` for one that is on its way down or has ended for good. `events` are the namespace's.
pub(super) fn pod_state(pod: &Pod, events: &[Event]) -> Option<PodState> {
    let name = pod.metadata.name.as_deref()?;
    let status = pod.status.as_ref()?;
    let ended = matches!(status.phase.as_deref(), Some("Succeeded"));
    if ended || pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let is_true = |condition: &str| {
        let mut all = status.conditions.iter().flatten();
        all.any(|found| found.type_ == condition && found.status == "True")
    };
    if is_true("Ready") {
        return Some(PodState::Ready);
    }
    let containers: Vec<&ContainerStatus> = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten()
        .collect();
    if let Some(words) = containers.iter().find_map(|container| in_vain(container)) {
        return Some(PodState::Fails(format!("pod {name}: {words}")));
    }
    let refused = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(refused) = refused {
        let why = refused.message.as_deref().unwrap_or("no reason given");
        return Some(PodState::Fails(format!("pod {name}: no node takes it: {why}")));
    }
    if let Some(words) = killed_by_probe(name, events) {
        return Some(PodState::Killed(format!("pod {name}: {words}")));
    }
    if let Some(words) = containers
        .iter()
        .find_map(|container| ended_badly(pod, container))
    {
        return Some(PodState::Fails(format!("pod {name}: {words}")));
    }
    Some(PodState::Starting(format!("pod {name} runs and is not ready")))
}

fn in_vain(container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    IN_VAIN.contains(&reason).then(|| {
        let message = waiting.message.as_deref().unwrap_or_default();
        format!("container {}: {reason}: {message}", container.name)
    })
}

/// The kubelet's word that a probe ended a container of the pod.
fn killed_by_probe(pod: &str, events: &[Event]) -> Option<String> {
    let killed = events.iter().find(|event| {
        let about = event.involved_object.name.as_deref() == Some(pod);
        let message = event.message.as_deref().unwrap_or_default();
        let probe = message.contains("liveness probe") || message.contains("startup probe");
        about && event.reason.as_deref() == Some("Killing") && probe
    })?;
    killed.message.clone()
}

fn ended_badly(pod: &Pod, container: &ContainerStatus) -> Option<String> {
    let of = |state: &Option<k8s_openapi::api::core::v1::ContainerState>| {
        let end = state.as_ref()?.terminated.clone()?;
        (end.exit_code != 0).then_some(end)
    };
    let end = of(&container.state).or_else(|| of(&container.last_state))?;
    Some(format!(
        "container {} ended with {}, {} restarts",
        container.name,
        container_end(pod, &container.name, &end),
        container.restart_count
    ))
}

/// Whether a pod runs the images of a workload of the newer version. Containers that its manifest does not know (of a mesh)
/// do not count.
pub(super) fn runs(pod: &Pod, workload: &RenderedWorkload) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let images: BTreeMap<&str, Option<&str>> = spec
        .containers
        .iter()
        .chain(spec.init_containers.iter().flatten())
        .map(|container| (container.name.as_str(), container.image.as_deref()))
        .collect();
    workload
        .containers
        .iter()
        .all(|wanted| images.get(wanted.name.as_str()) == Some(&Some(wanted.image.as_str())))
}

/// Everything from which the trouble is told.
#[derive(Clone, Copy)]
pub(super) struct Signs<'a> {
    /// What the pods of the newer version do whose workload migrates.
    pub(super) migrating: &'a [PodState],
    /// What its other pods do. They may well fail for as long as the schema is not theirs.
    pub(super) others: &'a [PodState],
    /// Hook Jobs that have not ended.
    pub(super) running_hooks: &'a [String],
    /// A hook Job that failed, and why.
    pub(super) failed_hook: Option<(&'a str, &'a str)>,
    /// Whether all workloads have all their pods of the newest template, ready.
    pub(super) rolled_out: bool,
    /// Whether the record is pending.
    pub(super) pending: bool,
    /// Whether Helm says that the revision failed.
    pub(super) failed: bool,
    /// What Helm wrote beside the status.
    pub(super) description: &'a str,
}

/// Tells the trouble: of who migrates first, then of the others.
pub(super) fn trouble(signs: &Signs<'_>) -> Trouble {
    if let Some(words) = first(signs.migrating, fails) {
        return Trouble::Fails(words);
    }
    match signs.failed_hook {
        Some((job, why)) if why.contains("DeadlineExceeded") => {
            return Trouble::Killed(format!("hook job {job} was ended by its deadline"));
        }
        Some((job, why)) if signs.running_hooks.is_empty() => {
            return Trouble::Fails(format!("hook job {job} failed: {why}"));
        }
        Some(_) | None => {}
    }
    if let Some(words) = first(signs.migrating, killed) {
        return Trouble::Killed(words);
    }
    if !signs.running_hooks.is_empty() {
        return Trouble::Hangs(format!("hook job {} still runs", signs.running_hooks.join(", ")));
    }
    if let Some(words) = first(signs.migrating, starting) {
        return Trouble::Hangs(words);
    }
    if let Some(words) = first(signs.others, fails) {
        return Trouble::Fails(words);
    }
    if let Some(words) = first(signs.others, killed) {
        return Trouble::Killed(words);
    }
    if let Some(words) = first(signs.others, starting) {
        return Trouble::Hangs(words);
    }
    if signs.pending {
        return Trouble::Interrupted(format!("helm was killed ({})", signs.description));
    }
    let came_up = signs.rolled_out && !(signs.migrating.is_empty() && signs.others.is_empty());
    match (signs.failed, came_up) {
        (true, true) => Trouble::Interrupted(format!("helm gave up ({})", signs.description)),
        (true, false) => Trouble::Fails(format!("helm says: {}", signs.description)),
        (false, _) if signs.rolled_out => Trouble::None,
        (false, _) => Trouble::Hangs("not every workload has all its pods of the newer version".into()),
    }
}

/// The words of the first pod of which a kind of state tells some.
fn first(pods: &[PodState], of: fn(&PodState) -> Option<&String>) -> Option<String> {
    pods.iter().find_map(of).cloned()
}

fn fails(state: &PodState) -> Option<&String> {
    match state {
        PodState::Fails(words) => Some(words),
        PodState::Ready | PodState::Starting(_) | PodState::Killed(_) => None,
    }
}

fn killed(state: &PodState) -> Option<&String> {
    match state {
        PodState::Killed(words) => Some(words),
        PodState::Ready | PodState::Starting(_) | PodState::Fails(_) => None,
    }
}

fn starting(state: &PodState) -> Option<&String> {
    match state {
        PodState::Starting(words) => Some(words),
        PodState::Ready | PodState::Killed(_) | PodState::Fails(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(status: Value) -> Pod {
        let pod = json!({ "metadata": { "name": "web-1" }, "status": status,
                          "spec": { "containers": [{ "name": "web", "image": "web:2" }, { "name": "mesh", "image": "m:1" }] } });
        serde_json::from_value(pod).unwrap()
    }

    fn container(state: Value, last: Value) -> Value {
        json!({ "phase": "Running", "containerStatuses": [{
            "name": "web", "image": "i", "imageID": "", "ready": false, "restartCount": 3,
            "state": state, "lastState": last,
        }] })
    }

    fn killing(message: &str) -> Vec<Event> {
        let event = json!({ "metadata": { "name": "e" }, "involvedObject": { "name": "web-1" },
                            "reason": "Killing", "message": message });
        vec![serde_json::from_value(event).unwrap()]
    }

    fn word(state: Option<PodState>) -> &'static str {
        match state {
            None => "gone",
            Some(PodState::Ready) => "ready",
            Some(PodState::Starting(_)) => "starting",
            Some(PodState::Killed(_)) => "killed",
            Some(PodState::Fails(_)) => "fails",
        }
    }

    #[test]
    fn a_container_that_a_probe_ends_is_told_from_one_that_ends_by_itself() {
        let running = json!({ "running": {} });
        let back_off = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        let ended = json!({ "terminated": { "exitCode": 1, "reason": "Error" } });
        let probe = killing("Container web failed liveness probe, will be restarted");
        let stopped = killing("Stopping container web");
        let image = json!({ "waiting": { "reason": "ImagePullBackOff", "message": "not found" } });
        for (status, events, wanted) in [
            (container(running.clone(), json!({})), &[][..], "starting"),
            (container(back_off.clone(), ended.clone()), &[][..], "fails"),
            (container(running.clone(), ended.clone()), &[][..], "fails"),
            (container(back_off, ended.clone()), &probe[..], "killed"),
            (container(running, ended.clone()), &stopped[..], "fails"),
            (container(image, json!({})), &probe[..], "fails"),
            (container(ended, json!({})), &[][..], "fails"),
            (
                json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "message": "no room" }] }),
                &[][..],
                "fails",
            ),
            (
                json!({ "conditions": [{ "type": "Ready", "status": "True" }] }),
                &probe[..],
                "ready",
            ),
            (json!({ "phase": "Succeeded" }), &[][..], "gone"),
        ] {
            assert_eq!(word(pod_state(&pod(status.clone()), events)), wanted, "{status}");
        }
    }

    #[test]
    fn a_pod_is_the_newer_versions_by_its_images() {
        let manifest = |image: &str| {
            let object = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
                "spec": { "selector": {}, "template": { "spec": { "containers": [{ "name": "web", "image": image }] } } } });
            cluster::workload_from_manifest(&object, "shop").unwrap()
        };
        assert!(runs(&pod(json!({})), &manifest("web:2")));
        assert!(!runs(&pod(json!({})), &manifest("web:1")));
    }

    #[test]
    fn the_table_of_troubles() {
        let (ready, starting) = ([PodState::Ready], [PodState::Starting("slow".into())]);
        let (killed, fails) = (
            [PodState::Killed("probe".into())],
            [PodState::Fails("exit".into())],
        );
        let job = ["migrate".to_owned()];
        let none = Signs {
            migrating: &[],
            others: &[],
            running_hooks: &[],
            failed_hook: None,
            rolled_out: false,
            pending: false,
            failed: false,
            description: "words",
        };
        let late = Some((
            "migrate",
            "DeadlineExceeded: Job was active longer than specified deadline",
        ));
        let failed = Some(("migrate", "BackoffLimitExceeded"));
        for (signs, wanted) in [
            (
                Signs {
                    migrating: &fails,
                    others: &ready,
                    ..none
                },
                "fails",
            ),
            // Whoever needs the newer schema fails until it is there.
            (
                Signs {
                    migrating: &killed,
                    others: &fails,
                    ..none
                },
                "killed",
            ),
            (
                Signs {
                    migrating: &starting,
                    others: &fails,
                    ..none
                },
                "hangs",
            ),
            (
                Signs {
                    migrating: &ready,
                    others: &fails,
                    ..none
                },
                "fails",
            ),
            (
                Signs {
                    others: &killed,
                    ..none
                },
                "killed",
            ),
            (
                Signs {
                    running_hooks: &job,
                    pending: true,
                    ..none
                },
                "hangs",
            ),
            (
                Signs {
                    failed_hook: late,
                    failed: true,
                    ..none
                },
                "killed",
            ),
            (
                Signs {
                    failed_hook: failed,
                    failed: true,
                    ..none
                },
                "fails",
            ),
            // A Job that failed before and runs again.
            (
                Signs {
                    failed_hook: failed,
                    running_hooks: &job,
                    ..none
                },
                "hangs",
            ),
            (
                Signs {
                    pending: true,
                    ..none
                },
                "interrupted",
            ),
            (Signs { failed: true, ..none }, "fails"),
            (
                Signs {
                    failed: true,
                    rolled_out: true,
                    ..none
                },
                "fails",
            ),
            (
                Signs {
                    migrating: &ready,
                    failed: true,
                    rolled_out: true,
                    ..none
                },
                "interrupted",
            ),
            (
                Signs {
                    migrating: &ready,
                    rolled_out: true,
                    ..none
                },
                "none",
            ),
            (
                Signs {
                    migrating: &ready,
                    ..none
                },
                "hangs",
            ),
        ] {
            let found = match trouble(&signs) {
                Trouble::None => "none",
                Trouble::Killed(_) => "killed",
                Trouble::Hangs(_) => "hangs",
                Trouble::Interrupted(_) => "interrupted",
                Trouble::Fails(_) => "fails",
            };
            assert_eq!(found, wanted, "{:?} {:?}", signs.migrating, signs.others);
        }
    }
}
