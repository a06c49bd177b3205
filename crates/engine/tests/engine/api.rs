//! A stand-in for an API server: objects by path, merge patches, `/scale`, lists. It has no controllers but a word of
//! KEDA's, no managed fields, and its watches end at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use cluster::Cluster;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const NAMESPACE: &str = "shop";

type Objects = Arc<Mutex<BTreeMap<String, Value>>>;

#[derive(Clone)]
pub(crate) struct Api {
    objects: Objects,
    address: SocketAddr,
}

impl Api {
    pub(crate) async fn start() -> Self {
        cluster::install_crypto_provider();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let objects = Objects::default();
        let served = Arc::clone(&objects);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { objects, address }
    }

    pub(crate) fn cluster(&self) -> Cluster {
        let config = kube::Config::new(format!("http://{}", self.address).parse().unwrap());
        Cluster::from_client(kube::Client::try_from(config).unwrap(), "fake", NAMESPACE)
    }

    pub(crate) fn put(&self, path: &str, object: Value) {
        self.objects.lock().unwrap().insert(path.to_owned(), object);
    }

    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        change(self.objects.lock().unwrap().get_mut(path).unwrap());
    }

    /// All objects, without what every write changes and without what KEDA says.
    pub(crate) fn objects(&self) -> BTreeMap<String, Value> {
        let mut objects = self.objects.lock().unwrap().clone();
        for (path, object) in &mut objects {
            object["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("resourceVersion");
            if path.contains("scaledobjects") {
                object.as_object_mut().unwrap().remove("status");
            }
        }
        objects
    }

    /// The status of a workload whose pods are all there and ready.
    pub(crate) fn rolled_out(replicas: i32) -> Value {
        json!({ "replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas,
                "readyReplicas": replicas })
    }
}

/// One request on one connection.
async fn serve(stream: TcpStream, objects: Objects) {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    if head.is_empty() || stream.read_exact(&mut body).await.is_err() {
        return;
    }
    let mut words = head[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (code, said) = if query.contains("watch=") {
        (200, String::new())
    } else {
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let (code, said) = answer(method, path, &body, &mut objects.lock().unwrap());
        (code, said.to_string())
    };
    let text = format!(
        "HTTP/1.1 {code} told\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{said}",
        said.len()
    );
    // Who has gone away needs no answer.
    drop(stream.get_mut().write_all(text.as_bytes()).await);
}

fn answer(method: &str, path: &str, body: &Value, objects: &mut BTreeMap<String, Value>) -> (u16, Value) {
    if let Some(path) = path.strip_suffix("/scale") {
        return scale(method, path, body, objects);
    }
    match (method, objects.get_mut(path)) {
        ("GET", Some(object)) => (200, object.clone()),
        ("GET", None) => list(path, objects),
        ("PATCH", Some(object)) => {
            merge(object, body);
            count_up(object);
            keda(path, object);
            (200, object.clone())
        }
        _ => refused(404, "NotFound"),
    }
}

fn list(path: &str, objects: &BTreeMap<String, Value>) -> (u16, Value) {
    let kind = path.rsplit('/').next().unwrap_or_default();
    let kinds = [
        ("pods", "Pod"),
        ("deployments", "Deployment"),
        ("statefulsets", "StatefulSet"),
        ("daemonsets", "DaemonSet"),
        ("scaledobjects", "ScaledObject"),
        ("horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ];
    let Some((_, kind)) = kinds.iter().find(|(plural, _)| *plural == kind) else {
        return refused(404, "NotFound");
    };
    let items: Vec<&Value> = objects
        .iter()
        .filter(|(other, _)| other.rsplit_once('/').is_some_and(|(parent, _)| parent == path))
        .map(|(_, object)| object)
        .collect();
    let said = json!({ "apiVersion": "v1", "kind": format!("{kind}List"), "metadata": { "resourceVersion": "1" },
                       "items": items });
    (200, said)
}

fn scale(method: &str, path: &str, body: &Value, objects: &mut BTreeMap<String, Value>) -> (u16, Value) {
    let Some(object) = objects.get_mut(path) else {
        return refused(404, "NotFound");
    };
    let version = object["metadata"]["resourceVersion"].clone();
    if method == "PATCH" {
        let expected = &body["metadata"]["resourceVersion"];
        // An object that was never written has no version; the client reads that as an empty one.
        let stale = !expected.is_null() && expected.as_str() != Some(version.as_str().unwrap_or_default());
        if stale {
            return refused(409, "Conflict");
        }
        let replicas = body["spec"]["replicas"].as_i64().unwrap();
        object["spec"]["replicas"] = json!(replicas);
        object["status"] = Api::rolled_out(i32::try_from(replicas).unwrap());
        count_up(object);
    }
    let said = json!({ "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": object["metadata"],
                       "spec": { "replicas": object["spec"]["replicas"] },
                       "status": { "replicas": object["spec"]["replicas"] } });
    (200, said)
}

fn count_up(object: &mut Value) {
    let version = object["metadata"]["resourceVersion"].as_str().unwrap_or("0");
    let next = version.parse::<u64>().unwrap() + 1;
    object["metadata"]["resourceVersion"] = json!(next.to_string());
}

/// KEDA's word.
fn keda(path: &str, object: &mut Value) {
    if !path.contains("scaledobjects") {
        return;
    }
    let paused = object["metadata"]["annotations"]["autoscaling.keda.sh/paused"] == "true";
    let word = if paused { "True" } else { "False" };
    object["status"] = json!({ "conditions": [{ "type": "Paused", "status": word }] });
}

fn refused(code: u16, reason: &str) -> (u16, Value) {
    let said = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason,
                       "reason": reason, "code": code });
    (code, said)
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
