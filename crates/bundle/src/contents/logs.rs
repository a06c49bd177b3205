//! What containers said, those that ended before included.

use std::time::Duration;

use cluster::{LogEnd, LogText};
use k8s_openapi::api::core::v1::ContainerStatus;
use model::{BundleState, DatabaseRoute, Seen};

use super::{Content, Part};
use crate::live::{Live, OwnedPod, database_pod, why};
use crate::redact::Language;
use crate::request::{Bounds, BundleRequest};

/// How many logs are read at once.
pub(crate) const AT_ONCE: usize = 4;

/// Lines of one log that are asked for.
const LINES: u32 = 20_000;

/// How long reading one log may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A log that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    namespace: String,
    pod: String,
    container: String,
    /// Of the container that ran before.
    previous: bool,
    /// Whether it is the database server's.
    of_database: bool,
}

impl Log {
    fn path(&self) -> String {
        let folder = if self.of_database { "postgres" } else { "logs" };
        let previous = if self.previous { ".previous" } else { "" };
        format!("{folder}/{}/{}{previous}.log", self.pod, self.container)
    }

    fn about(&self) -> String {
        let what = if self.of_database {
            "the database server"
        } else {
            "a container"
        };
        let before = if self.previous {
            ", before it was started anew"
        } else {
            ""
        };
        format!("log of {what}{before}")
    }
}

/// The logs of all pods, the database's first.
pub(crate) fn wanted(request: &BundleRequest<'_>, live: &Live) -> Vec<Log> {
    let database = database_pod(request);
    let mut logs: Vec<Log> = live.pods.iter().flat_map(|pod| of_pod(pod, database)).collect();
    logs.sort_by_key(|log| !log.of_database);
    logs
}

fn of_pod(owned: &OwnedPod, database: Option<(&str, &str, &str)>) -> Vec<Log> {
    let Some(status) = &owned.pod.status else {
        return Vec::new();
    };
    let server = database
        .filter(|(namespace, pod, _)| *namespace == owned.namespace() && *pod == owned.name())
        .map(|(_, _, container)| container);
    let containers = status
        .init_container_statuses
        .iter()
        .flatten()
        .chain(status.container_statuses.iter().flatten());
    let mut logs = Vec::new();
    // A pod that is not the release's own was looked at for the server in it.
    for container in
        containers.filter(|container| owned.owner.is_some() || server == Some(container.name.as_str()))
    {
        let log = |previous| Log {
            namespace: owned.namespace().to_owned(),
            pod: owned.name().to_owned(),
            container: container.name.clone(),
            previous,
            of_database: server == Some(container.name.as_str()),
        };
        let (now, before) = lives(container);
        logs.extend(now.then(|| log(false)));
        logs.extend(before.then(|| log(true)));
    }
    logs
}

/// Whether a container has said something, and whether one before it has.
fn lives(container: &ContainerStatus) -> (bool, bool) {
    let state = container.state.as_ref();
    let begun = state.is_some_and(|state| state.running.is_some() || state.terminated.is_some());
    let ended = container
        .last_state
        .as_ref()
        .is_some_and(|state| state.terminated.is_some());
    let kept = state.is_none_or(|state| state.terminated.is_none());
    // One that waits to be started anew shows what it said before. Of those that ended a node keeps the last alone.
    (begun || container.restart_count > 0, ended && kept)
}

/// What is told in place of logs that nobody has.
pub(crate) fn without_log(request: &BundleRequest<'_>, live: &Live) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(why) = &live.no_pods {
        parts.push(Part::unread(
            "logs/pods",
            "logs of the release's pods",
            why.clone(),
        ));
    }
    let about = "log of the database server";
    match &request.observed.observation.location {
        Seen::Present(location) => match &location.route {
            DatabaseRoute::Direct => {
                let why = format!(
                    "external, not available: {}:{} is no pod of this cluster, and whoever runs the server has its log",
                    location.host, location.port
                );
                parts.push(Part::unavailable("postgres/server.log", about, &why));
            }
            DatabaseRoute::Pod { .. } => {
                if let Some(why) = &live.no_database_pod {
                    parts.push(Part::unread("postgres/server.log", about, why.clone()));
                }
            }
        },
        Seen::Absent => parts.push(Part::unavailable(
            "postgres/server.log",
            about,
            "no database was found",
        )),
        Seen::Unreadable(why) => parts.push(Part::unread("postgres/server.log", about, why.clone())),
    }
    parts
}

/// Reads a log, as much of its end as the bounds allow.
pub(crate) async fn part(request: &BundleRequest<'_>, log: &Log) -> Part {
    let bounds = &request.bounds;
    let end = LogEnd {
        previous: log.previous,
        lines: LINES,
        bytes: bounds.log_bytes,
        since: (!log.previous).then_some(bounds.since),
        limit: LIMIT,
    };
    let read = request
        .cluster
        .end_of_log(&log.namespace, &log.pod, &log.container, &end)
        .await;
    let content = match read {
        Ok(read) if read.gone => {
            Content::Unavailable("its node has removed the container with its log".to_owned())
        }
        Ok(read) => {
            let note = cut(&read, bounds);
            Content::Read {
                state: if note.is_some() {
                    BundleState::Cut
                } else {
                    BundleState::Whole
                },
                note,
                text: read.text,
                language: Language::Text,
            }
        }
        Err(error) => Content::Unread(why(&error, "get pods/log", &log.namespace)),
    };
    Part {
        path: log.path(),
        about: log.about(),
        content,
    }
}

/// What of a log is not there, where something is known to be missing.
fn cut(read: &LogText, bounds: &Bounds) -> Option<String> {
    let mut words = Vec::new();
    if read.dropped_lines > 0 {
        words.push(format!(
            "{} older lines have no room in {} bytes",
            read.dropped_lines, bounds.log_bytes
        ));
    }
    if read.more_lines {
        words.push(format!("only the newest {LINES} lines were asked for"));
    }
    if read.out_of_time {
        words.push(format!("reading ended after {} s", LIMIT.as_secs()));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(owner: bool, statuses: Value) -> OwnedPod {
        let pod = json!({"metadata": {"name": "web-0", "namespace": "shop"}, "status": {"containerStatuses": statuses}});
        OwnedPod {
            pod: serde_json::from_value(pod).unwrap(),
            owner: owner.then(|| model::WorkloadName {
                kind: model::WorkloadKind::StatefulSet,
                namespace: "shop".into(),
                name: "web".into(),
            }),
        }
    }

    fn container(name: &str, restarts: i32, state: Value, last: Value) -> Value {
        json!({"name": name, "image": "", "imageID": "", "ready": false, "restartCount": restarts, "state": state,
            "lastState": last})
    }

    fn paths(pod: &OwnedPod, database: Option<(&str, &str, &str)>) -> Vec<String> {
        of_pod(pod, database).iter().map(Log::path).collect()
    }

    #[test]
    fn a_container_that_crashed_is_asked_for_what_it_said_before() {
        let crashed = json!({"terminated": {"exitCode": 1}});
        let statuses = json!([
            container("calm", 0, json!({"running": {}}), json!({})),
            container(
                "crashed",
                2,
                json!({"waiting": {"reason": "CrashLoopBackOff"}}),
                crashed
            ),
            container(
                "just-fell",
                1,
                json!({"terminated": {"exitCode": 1}}),
                json!({"terminated": {"exitCode": 1}})
            ),
            container(
                "not-yet",
                0,
                json!({"waiting": {"reason": "ContainerCreating"}}),
                json!({})
            ),
        ]);
        assert_eq!(
            paths(&pod(true, statuses), None),
            [
                "logs/web-0/calm.log",
                "logs/web-0/crashed.log",
                "logs/web-0/crashed.previous.log",
                "logs/web-0/just-fell.log"
            ]
        );
    }

    #[test]
    fn a_pod_of_somebody_else_is_asked_for_the_server_s_log_alone() {
        let statuses = json!([
            container("postgres", 0, json!({"running": {}}), json!({})),
            container("exporter", 0, json!({"running": {}}), json!({})),
        ]);
        let database = Some(("shop", "web-0", "postgres"));
        assert_eq!(
            paths(&pod(false, statuses.clone()), database),
            ["postgres/web-0/postgres.log"]
        );
        assert_eq!(paths(&pod(true, statuses.clone()), database).len(), 2);
        let elsewhere = Some(("other", "web-0", "postgres"));
        assert_eq!(paths(&pod(false, statuses), elsewhere), Vec::<String>::new());
    }

    #[test]
    fn a_cut_is_told_with_every_reason() {
        let bounds = Bounds {
            log_bytes: 1000,
            since: Duration::from_secs(60),
            total_bytes: 5000,
        };
        assert_eq!(cut(&LogText::default(), &bounds), None);
        let read = LogText {
            dropped_lines: 7,
            out_of_time: true,
            ..LogText::default()
        };
        let told = cut(&read, &bounds).unwrap();
        assert_eq!(
            told,
            "7 older lines have no room in 1000 bytes; reading ended after 20 s"
        );
    }
}
