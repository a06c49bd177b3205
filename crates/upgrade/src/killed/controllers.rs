//! What controllers, the kubelet and the application make of the objects, a fake: all of it at once after every write.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use helm::PostRenderSpec;
use serde_json::{Value, json};

use super::fake_database::SCHEMAS;
use super::stand_in::{World, path};

/// The version that must not run on the new schema.
pub(super) const OLD_IMAGE: &str = ":1.0.0";

/// Lets every controller act until nothing is left to do.
pub(super) fn settle(world: &mut World) {
    autoscale(world);
    let mut pods = BTreeMap::new();
    for (at, workload) in world.objects.clone() {
        if let Some("Deployment" | "StatefulSet" | "DaemonSet") = workload["kind"].as_str() {
            let own = run(world, &workload);
            tell_status(world, &at, &own);
            pods.extend(own);
        }
    }
    world
        .objects
        .retain(|at, object| object["kind"] != "Pod" || pods.contains_key(at));
    world.objects.extend(pods);
}

/// HorizontalPodAutoscalers and KEDA: what is below its least count is raised, unless it is left alone or paused.
fn autoscale(world: &mut World) {
    for (at, scaler) in world.objects.clone() {
        let (spec, paused) = (
            &scaler["spec"],
            scaler["metadata"]["annotations"]["autoscaling.keda.sh/paused"] == "true",
        );
        let (least, greatest, leaves_zero) = match scaler["kind"].as_str() {
            Some("HorizontalPodAutoscaler") => (&spec["minReplicas"], &spec["maxReplicas"], true),
            Some("ScaledObject") => (&spec["minReplicaCount"], &spec["maxReplicaCount"], false),
            _ => continue,
        };
        let target = &spec["scaleTargetRef"];
        let target = path(target["kind"].as_str().unwrap(), target["name"].as_str().unwrap());
        let Some(mut workload) = world.objects.get(&target).cloned() else {
            continue;
        };
        let now = workload["spec"]["replicas"].as_i64().unwrap();
        let rests = paused || (leaves_zero && now == 0);
        let wanted = now.clamp(least.as_i64().unwrap(), greatest.as_i64().unwrap());
        if !rests && wanted != now {
            workload["spec"]["replicas"] = json!(wanted);
            world.put(&target, workload);
        }
        let word = |yes: bool| if yes { "True" } else { "False" };
        let conditions = json!([
            { "type": "Paused", "status": word(paused) },
            { "type": "ScalingActive", "status": word(!rests),
              "reason": if rests { "ScalingDisabled" } else { "ValidMetricFound" } },
        ]);
        let scaler = world.objects.get_mut(&at).unwrap();
        scaler["status"] = json!({ "desiredReplicas": wanted, "conditions": conditions });
    }
}

/// The pods of a workload, by path: those that are there and fit stay, the others are made.
fn run(world: &mut World, workload: &Value) -> BTreeMap<String, Value> {
    let spec = &workload["spec"];
    let held = !spec["template"]["spec"]["nodeSelector"][cluster::PARKED].is_null();
    let count = match workload["kind"].as_str() {
        Some("DaemonSet") => i64::from(!held),
        _ => spec["replicas"].as_i64().unwrap(),
    };
    (0..count)
        .map(|index| {
            let pod = pod(workload, index);
            let at = path("Pod", pod["metadata"]["name"].as_str().unwrap());
            let mut pod = match world.objects.get(&at) {
                Some(pod) => pod.clone(),
                None => {
                    start(world, &pod);
                    pod
                }
            };
            pod["status"]["conditions"] = conditions(&pod);
            (at, pod)
        })
        .collect()
}

fn pod(workload: &Value, index: i64) -> Value {
    let (kind, name) = (&workload["kind"], workload["metadata"]["name"].as_str().unwrap());
    let template = &workload["spec"]["template"];
    let mut hasher = DefaultHasher::new();
    digest(template, &mut hasher);
    let hash = format!("{:08x}", hasher.finish() & 0xffff_ffff);
    let mut labels = template["metadata"]["labels"].clone();
    labels["pod-template-hash"] = json!(hash);
    let owner = match kind.as_str() {
        Some("Deployment") => json!({ "kind": "ReplicaSet", "name": format!("{name}-{hash}") }),
        _ => json!({ "kind": kind, "name": name }),
    };
    let pod = format!("{name}-{hash}-{index}");
    let mut spec = template["spec"].clone();
    spec["nodeName"] = json!("node");
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": pod, "namespace": super::stand_in::NAMESPACE, "uid": pod, "labels": labels,
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": owner["kind"], "name": owner["name"],
                                  "uid": name, "controller": true }] },
        "spec": spec,
        "status": { "phase": "Running", "podIP": format!("10.0.0.{}", index + 1), "conditions": [] },
    })
}

/// The same for two values that are equal, in whatever order their keys stand.
fn digest(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().collect::<BTreeMap<_, _>>() {
                key.hash(hasher);
                digest(value, hasher);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| digest(item, hasher)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            value.to_string().hash(hasher);
        }
    }
}

/// The conditions of a pod whose containers are well: it is ready once its gates are open.
fn conditions(pod: &Value) -> Value {
    let known = pod["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let gated = pod["spec"]["readinessGates"].is_array();
    let opened: Vec<Value> = known
        .into_iter()
        .filter(|condition| condition["type"] == PostRenderSpec::GATE)
        .collect();
    let ready = !gated || opened.iter().any(|condition| condition["status"] == "True");
    let mut all = vec![
        json!({ "type": "ContainersReady", "status": "True" }),
        json!({ "type": "Ready", "status": if ready { "True" } else { "False" } }),
    ];
    all.extend(opened);
    json!(all)
}

/// What the application does when a pod of it starts.
fn start(world: &mut World, pod: &Value) {
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap();
    let database = &world.database;
    if database.migrates_at_boot && image.ends_with("web:2.0.0") {
        migrate(world);
    } else if image.ends_with(OLD_IMAGE) && database.content.schema != SCHEMAS[0] {
        let schema = database.content.schema;
        world.wrongs.push(format!("{image} started on schema {schema}"));
    }
}

/// The migration of the new version. Nothing of the old one may run while it works.
pub(super) fn migrate(world: &mut World) {
    for object in world.objects.values() {
        let image = object["spec"]["containers"][0]["image"].as_str();
        if object["kind"] == "Pod" && image.is_some_and(|image| image.ends_with(OLD_IMAGE)) {
            let name = &object["metadata"]["name"];
            world.wrongs.push(format!("migrated while {name} ran"));
        }
    }
    world.database.migrate();
}

fn tell_status(world: &mut World, at: &str, pods: &BTreeMap<String, Value>) {
    let all = pods.len();
    let is_ready = |pod: &&Value| pod["status"]["conditions"][1]["status"] == "True";
    let ready = pods.values().filter(is_ready).count();
    let workload = world.objects.get_mut(at).unwrap();
    let seen = workload["metadata"]["generation"].clone();
    workload["status"] = match workload["kind"].as_str() {
        Some("DaemonSet") => json!({ "observedGeneration": seen, "desiredNumberScheduled": all,
            "currentNumberScheduled": all, "updatedNumberScheduled": all, "numberAvailable": ready,
            "numberReady": ready, "numberMisscheduled": 0 }),
        _ => json!({ "observedGeneration": seen, "replicas": all, "updatedReplicas": all,
            "availableReplicas": ready, "readyReplicas": ready }),
    };
}
