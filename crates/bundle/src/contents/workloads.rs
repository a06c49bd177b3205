//! Replicas, limits and states of what runs.

use std::fmt::Write as _;

use k8s_openapi::api::core::v1::{Container, ContainerStatus, ResourceRequirements};
use model::{Seen, Workload};
use serde_json::Value;

use super::Part;
use crate::live::{Live, OwnedPod};
use crate::redact::Language;
use crate::request::BundleRequest;

pub(crate) fn parts(request: &BundleRequest<'_>, live: &Live) -> Vec<Part> {
    let missing: Vec<String> = live
        .unread
        .iter()
        .chain(&live.no_pods)
        .chain(&live.no_database_pod)
        .cloned()
        .collect();
    let mut objects = live.objects.clone();
    objects.extend(
        live.pods
            .iter()
            .filter_map(|pod| serde_json::to_value(&pod.pod).ok()),
    );
    for object in &mut objects {
        shorten(object);
    }
    vec![
        Part::partial(
            "workloads.txt",
            "replicas, limits, autoscalers, pods and how their containers ended",
            overview(request, live),
            &missing,
        ),
        Part::written(
            "objects.yaml",
            "workloads and pods as they are",
            Language::Text,
            |out| render::manifests(out, &objects),
        ),
    ]
}

/// Takes out who wrote which field: it is the longer part of an object, and conflicts stand in the report.
fn shorten(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
}

/// The overview. Writing into a String cannot fail.
fn overview(request: &BundleRequest<'_>, live: &Live) -> String {
    let mut text = String::new();
    for workload in &live.workloads {
        let _ = writeln!(text, "{}  {}", workload.name, counts(workload));
        let object = live.objects.iter().find(|object| is_of(object, workload));
        for container in object.map(containers).unwrap_or_default() {
            let image = container.image.as_deref().unwrap_or("?");
            let _ = writeln!(
                text,
                "  container {}  {image}  {}",
                container.name,
                bounds(container.resources.as_ref())
            );
        }
        let pods = live
            .pods
            .iter()
            .filter(|pod| pod.owner.as_ref() == Some(&workload.name));
        for pod in pods {
            of_pod(&mut text, pod);
        }
        text.push('\n');
    }
    for pod in live.pods.iter().filter(|pod| pod.owner.is_none()) {
        let _ = writeln!(text, "the database's server in namespace {}", pod.namespace());
        of_pod(&mut text, pod);
        text.push('\n');
    }
    match &request.observed.observation.scalers {
        Seen::Present(scalers) => {
            for scaler in scalers {
                let _ = writeln!(
                    text,
                    "{} {}  scales {} between {} and {}",
                    scaler.kind, scaler.name, scaler.target, scaler.min_replicas, scaler.max_replicas
                );
            }
        }
        Seen::Absent => {}
        Seen::Unreadable(why) => {
            let _ = writeln!(text, "autoscalers could not be read: {why}");
        }
    }
    text
}

fn counts(workload: &Workload) -> String {
    let mut words = Vec::new();
    if let Some(desired) = workload.desired {
        words.push(format!(
            "{desired} desired, {} ready, {} updated",
            workload.ready, workload.updated
        ));
    }
    if workload.suspended == Some(true) {
        words.push("suspended".to_owned());
    }
    if workload.paused {
        words.push("its roll-out is paused".to_owned());
    }
    if workload.is_database {
        words.push("runs the database".to_owned());
    }
    words.join(", ")
}

fn is_of(object: &Value, workload: &Workload) -> bool {
    let metadata = &object["metadata"];
    let field = |name: &str| metadata[name].as_str().unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default();
    field("name") == workload.name.name
        && field("namespace") == workload.name.namespace
        && kind == workload.name.kind.to_string()
}

/// The containers of a workload's pod template.
fn containers(object: &Value) -> Vec<Container> {
    let spec = &object["spec"];
    let template = if spec["jobTemplate"].is_object() {
        &spec["jobTemplate"]["spec"]["template"]
    } else {
        &spec["template"]
    };
    let of = |field: &str| -> Vec<Container> {
        serde_json::from_value(template["spec"][field].clone()).unwrap_or_default()
    };
    [of("initContainers"), of("containers")].concat()
}

fn bounds(resources: Option<&ResourceRequirements>) -> String {
    let words = |what: &str, amounts: Option<&std::collections::BTreeMap<String, _>>| {
        let amounts: Vec<String> = amounts
            .into_iter()
            .flatten()
            .map(
                |(name, amount): (&String, &k8s_openapi::apimachinery::pkg::api::resource::Quantity)| {
                    format!("{name} {}", amount.0)
                },
            )
            .collect();
        match amounts.as_slice() {
            [] => format!("no {what}"),
            amounts => format!("{what} {}", amounts.join(", ")),
        }
    };
    format!(
        "{}; {}",
        words("requests", resources.and_then(|all| all.requests.as_ref())),
        words("limits", resources.and_then(|all| all.limits.as_ref()))
    )
}

fn of_pod(text: &mut String, owned: &OwnedPod) {
    let facts = cluster::pod_facts(&owned.pod, owned.owner.clone());
    let ready = if facts.ready { "ready" } else { "not ready" };
    let trouble = facts.trouble.map(|why| format!(", {why}")).unwrap_or_default();
    let ending = if facts.terminating { ", ending" } else { "" };
    let _ = writeln!(
        text,
        "  pod {}  {}, {ready}, {} restarts{trouble}{ending}",
        facts.name, facts.phase, facts.restarts
    );
    let status = owned.pod.status.as_ref();
    let containers = status.into_iter().flat_map(|status| {
        let init = status.init_container_statuses.iter().flatten();
        init.chain(status.container_statuses.iter().flatten())
    });
    for container in containers {
        if let Some(ended) = ended(container) {
            let _ = writeln!(text, "    container {}  {ended}", container.name);
        }
    }
}

/// How a container last ended, where it did.
fn ended(container: &ContainerStatus) -> Option<String> {
    let now = container
        .state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    let before = container
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    let end = now.or(before)?;
    let reason = end.reason.as_deref().unwrap_or("no reason");
    let at = end
        .finished_at
        .as_ref()
        .map(|time| format!(" at {}", time.0))
        .unwrap_or_default();
    let message = end
        .message
        .as_deref()
        .map(|message| format!(": {}", message.trim()))
        .unwrap_or_default();
    Some(format!(
        "ended with exit code {} ({reason}){at}{message}",
        end.exit_code
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_read_from_the_template_of_any_kind() {
        let spec = json!({"containers": [{"name": "web", "image": "web:1", "resources": {
            "limits": {"cpu": "1", "memory": "64Mi"}}}], "initContainers": [{"name": "init"}]});
        for object in [
            json!({"spec": {"template": {"spec": spec}}}),
            json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}),
        ] {
            let told: Vec<String> = containers(&object)
                .iter()
                .map(|container| format!("{}: {}", container.name, bounds(container.resources.as_ref())))
                .collect();
            assert_eq!(
                told,
                [
                    "init: no requests; no limits",
                    "web: no requests; limits cpu 1, memory 64Mi"
                ]
            );
        }
    }

    #[test]
    fn the_end_of_a_container_is_told_with_its_code() {
        let status = json!({"name": "web", "image": "", "imageID": "", "ready": true, "restartCount": 1,
            "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
            "finishedAt": "2026-01-01T00:00:00Z"}}});
        let told = ended(&serde_json::from_value(status).unwrap()).unwrap();
        assert_eq!(
            told,
            "ended with exit code 137 (OOMKilled) at 2026-01-01T00:00:00Z"
        );
    }
}
