//! A stand-in for an API server, a fake: objects by path, merge patches, `/scale`, lists by label. It has no managed fields,
//! and a watch never tells of anything after the list before it, because its controllers have acted when a request is
//! answered.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use cluster::Cluster;
use kube::client::Body;
use serde_json::{Value, json};

use super::controllers::settle;
use super::fake_database::Database;
use super::fake_helm::Records;

pub(super) const NAMESPACE: &str = "shop";

/// Everything that outlives a process, but for the journal.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) objects: BTreeMap<String, Value>,
    pub(super) database: Database,
    /// What helm knows of its revisions.
    pub(super) records: Records,
    /// What must never happen and did.
    pub(super) wrongs: Vec<String>,
}

pub(super) type SharedWorld = Arc<Mutex<World>>;

/// The path of an object of the namespace.
pub(super) fn path(kind: &str, name: &str) -> String {
    let (group, plural) = match kind {
        "Pod" => ("api/v1", "pods"),
        "Secret" => ("api/v1", "secrets"),
        "Deployment" => ("apis/apps/v1", "deployments"),
        "StatefulSet" => ("apis/apps/v1", "statefulsets"),
        "DaemonSet" => ("apis/apps/v1", "daemonsets"),
        "CronJob" => ("apis/batch/v1", "cronjobs"),
        "HorizontalPodAutoscaler" => ("apis/autoscaling/v2", "horizontalpodautoscalers"),
        "ScaledObject" => ("apis/keda.sh/v1alpha1", "scaledobjects"),
        other => panic!("the stand-in knows no {other}"),
    };
    format!("/{group}/namespaces/{NAMESPACE}/{plural}/{name}")
}

impl World {
    /// Puts an object in the place of what was there, as a write does it: the version goes on, and the generation where the
    /// spec is another.
    pub(super) fn put(&mut self, path: &str, mut object: Value) {
        let counted = matches!(object["kind"].as_str(), Some("Deployment" | "StatefulSet"));
        if counted && object["spec"]["replicas"].is_null() {
            // The API server's own default.
            object["spec"]["replicas"] = json!(1);
        }
        let before = self.objects.get(path).cloned().unwrap_or(Value::Null);
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let version = before["metadata"]["resourceVersion"].as_str().unwrap_or("0");
        let version: u64 = version.parse().unwrap();
        let changed = u64::from(before["spec"] != object["spec"]);
        let generation = number(&before["metadata"]["generation"]) + changed;
        object["metadata"]["resourceVersion"] = json!((version + 1).to_string());
        object["metadata"]["generation"] = json!(generation);
        self.objects.insert(path.to_owned(), object);
    }
}

/// A connection to the world.
pub(super) fn connect(world: &SharedWorld) -> Cluster {
    let world = Arc::clone(world);
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let world = Arc::clone(&world);
        async move { Ok::<_, Infallible>(serve(request, &world).await) }
    });
    Cluster::from_client(kube::Client::new(service, NAMESPACE), "fake", NAMESPACE)
}

async fn serve(request: http::Request<Body>, world: &SharedWorld) -> http::Response<Body> {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    if query.contains("watch=") {
        std::future::pending::<()>().await;
    }
    let body = body.collect_bytes().await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (code, said) = answer(
        head.method.as_str(),
        head.uri.path(),
        query,
        &body,
        &mut world.lock().unwrap(),
    );
    http::Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .body(Body::from(said.to_string().into_bytes()))
        .unwrap()
}

fn answer(method: &str, path: &str, query: &str, body: &Value, world: &mut World) -> (u16, Value) {
    if let Some(path) = path.strip_suffix("/scale") {
        return scale(method, path, body, world);
    }
    let path = path.strip_suffix("/status").unwrap_or(path);
    let Some(mut object) = world.objects.get(path).cloned() else {
        return match method {
            "GET" => list(path, query, world),
            _ => refused(404, "NotFound"),
        };
    };
    match method {
        "GET" => {}
        "PATCH" if is_stale(&object, body) => return refused(409, "Conflict"),
        "PATCH" => {
            if object["kind"] == "Pod" {
                merge_conditions(&mut object, body);
            } else {
                merge(&mut object, body);
            }
            world.put(path, object);
            settle(world);
            object = world.objects[path].clone();
        }
        "DELETE" => {
            world.objects.remove(path);
            settle(world);
            return (
                200,
                json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }),
            );
        }
        _ => return refused(405, "MethodNotAllowed"),
    }
    (200, object)
}

/// Whether a change names a version that the object has no more.
fn is_stale(object: &Value, change: &Value) -> bool {
    let expected = &change["metadata"]["resourceVersion"];
    !expected.is_null() && *expected != object["metadata"]["resourceVersion"]
}

fn list(path: &str, query: &str, world: &World) -> (u16, Value) {
    let kind = match path.rsplit('/').next().unwrap_or_default() {
        "pods" => "Pod",
        "secrets" => "Secret",
        "jobs" => "Job",
        "deployments" => "Deployment",
        "statefulsets" => "StatefulSet",
        "daemonsets" => "DaemonSet",
        "cronjobs" => "CronJob",
        "scaledobjects" => "ScaledObject",
        "horizontalpodautoscalers" => "HorizontalPodAutoscaler",
        _ => return refused(404, "NotFound"),
    };
    let wanted = labels(query);
    let items: Vec<&Value> = world
        .objects
        .iter()
        .filter(|(other, _)| other.rsplit_once('/').is_some_and(|(parent, _)| parent == path))
        .map(|(_, object)| object)
        .filter(|object| {
            let has = &object["metadata"]["labels"];
            wanted.iter().all(|(key, value)| has[key] == value.as_str())
        })
        .collect();
    let said = json!({ "apiVersion": "v1", "kind": format!("{kind}List"), "metadata": { "resourceVersion": "1" },
                       "items": items });
    (200, said)
}

/// The equalities of a label selector.
fn labels(query: &str) -> Vec<(String, String)> {
    let Some(selector) = query
        .split('&')
        .find_map(|word| word.strip_prefix("labelSelector="))
    else {
        return Vec::new();
    };
    let selector = selector
        .replace("%3D", "=")
        .replace("%2C", ",")
        .replace("%2F", "/");
    let equality = |one: &str| {
        let (key, value) = one.split_once('=').unwrap();
        (key.to_owned(), value.to_owned())
    };
    selector.split(',').map(equality).collect()
}

fn scale(method: &str, path: &str, body: &Value, world: &mut World) -> (u16, Value) {
    let Some(mut object) = world.objects.get(path).cloned() else {
        return refused(404, "NotFound");
    };
    if method == "PATCH" {
        if is_stale(&object, body) {
            return refused(409, "Conflict");
        }
        object["spec"]["replicas"] = body["spec"]["replicas"].clone();
        world.put(path, object);
        settle(world);
        object = world.objects[path].clone();
    }
    let replicas = &object["spec"]["replicas"];
    let said = json!({ "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": object["metadata"],
                       "spec": { "replicas": replicas }, "status": { "replicas": replicas } });
    (200, said)
}

fn refused(code: u16, reason: &str) -> (u16, Value) {
    let said = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason,
                       "reason": reason, "code": code });
    (code, said)
}

/// Conditions are merged by their type, as a strategic patch does it.
fn merge_conditions(pod: &mut Value, patch: &Value) {
    let conditions = pod["status"]["conditions"].as_array_mut().unwrap();
    for new in patch["status"]["conditions"].as_array().into_iter().flatten() {
        conditions.retain(|old| old["type"] != new["type"]);
        conditions.push(new.clone());
    }
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let fields = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
