//! How far an application's start has come, by its pod's status.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::server::{OURS, SERVER};

/// Why a container waits that will not start by waiting, and through no fault of its program.
const IN_VAIN: [&str; 5] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
];

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// It is ready.
    Ready,
    /// It is on its way; whether the application's own program runs yet, and how things stand.
    Waits {
        /// Whether it runs.
        running: bool,
        /// In words.
        words: String,
    },
    /// One of its containers ended: the container, and how.
    Ended {
        /// Which.
        container: String,
        /// Its exit code.
        code: i32,
        /// In words.
        words: String,
    },
    /// It could not be tried, in words.
    Cannot(String),
}

/// Judges a pod's status.
pub(super) fn look(pod: Option<&Pod>, app: &str) -> Start {
    let Some(pod) = pod else {
        return Start::Cannot("its pod is gone".into());
    };
    if pod.metadata.deletion_timestamp.is_some() {
        return Start::Cannot("its pod is being deleted".into());
    }
    let status = pod.status.clone().unwrap_or_default();
    // Eviction and such are reasons of the pod as a whole.
    if let Some(reason) = &status.reason {
        let message = status.message.as_deref().unwrap_or_default();
        return Start::Cannot(format!("its pod ended: {reason} {message}").trim_end().to_owned());
    }
    let all = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten();
    let theirs = all.clone().filter(|one| !one.name.starts_with(OURS));
    if let Some(ended) = theirs.clone().find_map(|one| ended(one, app)) {
        return ended;
    }
    let server = all.clone().find(|one| one.name == SERVER);
    if server.is_some_and(|server| server.restart_count > 0) {
        return Start::Cannot("the throw-away server ended".into());
    }
    let waiting = |one: &ContainerStatus| {
        let waiting = one.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting.reason.as_deref()?;
        let message = waiting.message.as_deref().unwrap_or_default();
        IN_VAIN.contains(&reason).then(|| {
            format!("container {}: {reason} {message}", one.name)
                .trim_end()
                .to_owned()
        })
    };
    if let Some(words) = all.clone().find_map(waiting) {
        return Start::Cannot(words);
    }
    let own = theirs.clone().find(|one| one.name == app);
    let runs = |one: &ContainerStatus| one.state.as_ref().is_some_and(|state| state.running.is_some());
    match own {
        Some(own) if own.ready && runs(own) => Start::Ready,
        Some(own) if runs(own) => Start::Waits {
            running: true,
            words: "it runs and is not ready".into(),
        },
        Some(_) | None => match theirs.clone().find(|one| runs(one)) {
            Some(init) => Start::Waits {
                running: true,
                words: format!("its container {} has not ended", init.name),
            },
            None => Start::Waits {
                running: false,
                words: "it does not run yet".into(),
            },
        },
    }
}

/// The container and how it ended, where that is no part of a good start: an init container ends with 0, the application
/// never.
fn ended(one: &ContainerStatus, app: &str) -> Option<Start> {
    let end = one.state.as_ref()?.terminated.as_ref()?;
    if end.exit_code == 0 && one.name != app {
        return None;
    }
    let reason = end
        .reason
        .as_deref()
        .filter(|reason| !matches!(*reason, "Error" | "Completed"));
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    Some(Start::Ended {
        container: one.name.clone(),
        code: end.exit_code,
        words: format!("ended with exit code {}{reason}", end.exit_code),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn container(name: &str, state: Value) -> Value {
        json!({ "name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state })
    }

    fn judged(init: Vec<Value>, main: Value, more: Value) -> Start {
        let mut status = json!({ "initContainerStatuses": init, "containerStatuses": [main] });
        for (key, value) in more.as_object().unwrap() {
            status[key] = value.clone();
        }
        let pod = serde_json::from_value(json!({ "metadata": { "name": "x" }, "status": status })).unwrap();
        look(Some(&pod), "web")
    }

    fn web(state: Value) -> Start {
        let server = container(SERVER, json!({ "running": {} }));
        judged(vec![server], container("web", state), json!({}))
    }

    #[test]
    fn it_is_ready_only_when_it_runs_and_its_probe_says_so() {
        let running = json!({ "running": {} });
        let waits = |running, words: &str| Start::Waits {
            running,
            words: words.into(),
        };
        assert_eq!(web(running.clone()), waits(true, "it runs and is not ready"));
        let mut ready = container("web", running.clone());
        ready["ready"] = true.into();
        assert_eq!(judged(Vec::new(), ready, json!({})), Start::Ready);
        assert_eq!(
            web(json!({ "waiting": { "reason": "PodInitializing" } })),
            waits(false, "it does not run yet")
        );
        let prepare = vec![container("prepare", running)];
        let later = container("web", json!({ "waiting": { "reason": "PodInitializing" } }));
        assert_eq!(
            judged(prepare, later, json!({})),
            waits(true, "its container prepare has not ended")
        );
    }

    #[test]
    fn a_program_that_ends_has_not_started() {
        let end = |container: &str, code: i32, words: &str| Start::Ended {
            container: container.into(),
            code,
            words: words.into(),
        };
        let ended = |code: i32, reason: &str| json!({ "terminated": { "exitCode": code, "reason": reason } });
        assert_eq!(web(ended(3, "Error")), end("web", 3, "ended with exit code 3"));
        assert_eq!(
            web(ended(0, "Completed")),
            end("web", 0, "ended with exit code 0")
        );
        assert_eq!(
            web(ended(137, "OOMKilled")),
            end("web", 137, "ended with exit code 137 (OOMKilled)")
        );
        let later = || container("web", json!({ "waiting": { "reason": "PodInitializing" } }));
        let good = vec![container("prepare", ended(0, "Completed"))];
        assert!(matches!(judged(good, later(), json!({})), Start::Waits { .. }));
        let bad = vec![container("prepare", ended(1, "Error"))];
        assert_eq!(
            judged(bad, later(), json!({})),
            end("prepare", 1, "ended with exit code 1")
        );
        let gate = vec![container("pgbackup-gate", ended(1, "Error"))];
        assert!(matches!(judged(gate, later(), json!({})), Start::Waits { .. }));
    }

    #[test]
    fn what_keeps_it_from_being_tried_is_not_its_failure() {
        let cannot = |start: Start, words: &str| match start {
            Start::Cannot(said) => assert!(said.contains(words), "{said}"),
            other => panic!("{other:?}"),
        };
        let waiting = |reason: &str| json!({ "waiting": { "reason": reason, "message": "no key url" } });
        cannot(
            web(waiting("ImagePullBackOff")),
            "container web: ImagePullBackOff no key url",
        );
        cannot(web(waiting("CreateContainerConfigError")), "no key url");
        assert!(matches!(
            web(waiting("ErrImagePull")),
            Start::Waits { running: false, .. }
        ));
        let evicted = json!({ "reason": "Evicted", "message": "disk" });
        cannot(
            judged(Vec::new(), container("web", json!({ "running": {} })), evicted),
            "Evicted disk",
        );
        let mut server = container(SERVER, json!({ "running": {} }));
        server["restartCount"] = 1.into();
        cannot(
            judged(
                vec![server],
                container("web", json!({ "running": {} })),
                json!({}),
            ),
            "throw-away server ended",
        );
        cannot(look(None, "web"), "gone");
    }
}
