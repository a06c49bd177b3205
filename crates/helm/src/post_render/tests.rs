//! Parking and gating rendered samples.

use model::{WorkloadKind, WorkloadName};
use serde_json::{Value, json};

use super::{PostRenderError, PostRenderSpec, apply};
use crate::manifest::objects;

fn name(kind: WorkloadKind, name: &str) -> WorkloadName {
    WorkloadName {
        kind,
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

fn spec(migrating: Option<WorkloadName>) -> PostRenderSpec {
    PostRenderSpec {
        namespace: "shop".to_owned(),
        migrating,
        never_park: vec![name(WorkloadKind::StatefulSet, "db")],
        gate_condition: PostRenderSpec::GATE.to_owned(),
    }
}

const SAMPLE: &str = r#"---
# Source: shop/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  text: |
    kind: Deployment
    replicas: 3
  flag: on   # odd but legal
---
# Source: shop/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    build: "0644"
    version: "1.10"
    postrenderer.helm.sh/postrender-filename: shop/templates/web.yaml
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web, on: "yes"}}
    spec:
      containers:
        - name: web
          image: "web:1.10"
          args: ["--switch", "on", "--mode", "0o17", no, 'it''s']
          env: [{name: BIG, value: "12345678901234567890"}, {name: YES, value: "yes"}]
          livenessProbe: {httpGet: {path: /healthz, port: 80}}
          startupProbe:
            httpGet: {path: /healthz, port: 80}
          readinessProbe: {httpGet: {path: /readyz, port: 80}}
      volumes:
        - name: secret
          secret: {secretName: s, defaultMode: 0440}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {replicas: 1}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: worker}
spec: {serviceName: worker}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec: {template: {spec: {nodeSelector: {disk: ssd}, containers: []}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 3 * * *"}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate-3}
spec: {template: {spec: {restartPolicy: Never}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: hooked, annotations: {helm.sh/hook: pre-upgrade}}
spec: {replicas: 2}
"#;

fn find(rendered: &str, kind: &str, name: &str) -> Value {
    objects(rendered)
        .unwrap()
        .into_iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("no {kind} {name} in\n{rendered}"))
}

#[test]
fn everything_but_the_database_jobs_and_hooks_is_parked() {
    let parked = apply(SAMPLE, &spec(None)).unwrap();
    assert_eq!(find(&parked, "Deployment", "web")["spec"]["replicas"], 0);
    assert_eq!(find(&parked, "StatefulSet", "worker")["spec"]["replicas"], 0);
    assert_eq!(find(&parked, "StatefulSet", "db")["spec"]["replicas"], 1);
    assert_eq!(find(&parked, "CronJob", "nightly")["spec"]["suspend"], true);
    assert_eq!(
        find(&parked, "DaemonSet", "agent")["spec"]["template"]["spec"]["nodeSelector"],
        json!({"disk": "ssd", PostRenderSpec::PARKED: "true"})
    );
    assert_eq!(find(&parked, "Deployment", "hooked")["spec"]["replicas"], 2);
    assert_eq!(
        find(&parked, "HorizontalPodAutoscaler", "web")["spec"]["minReplicas"],
        2
    );
    assert_eq!(
        find(&parked, "Job", "migrate-3"),
        find(SAMPLE, "Job", "migrate-3")
    );
}

#[test]
fn the_migrating_workload_gets_one_pod_behind_the_gate() {
    let gated = apply(SAMPLE, &spec(Some(name(WorkloadKind::Deployment, "web")))).unwrap();
    let web = find(&gated, "Deployment", "web");
    assert_eq!(web["spec"]["replicas"], 1);
    let pod = &web["spec"]["template"]["spec"];
    assert_eq!(
        pod["readinessGates"],
        json!([{"conditionType": "safe-upgrade.dev/gate"}])
    );
    let container = &pod["containers"][0];
    assert!(container.get("livenessProbe").is_none() && container.get("startupProbe").is_none());
    assert!(container.get("readinessProbe").is_some());
    let scaler = find(&gated, "HorizontalPodAutoscaler", "web");
    assert_eq!(
        (&scaler["spec"]["minReplicas"], &scaler["spec"]["maxReplicas"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(find(&gated, "StatefulSet", "worker")["spec"]["replicas"], 0);
}

#[test]
fn nothing_but_the_edits_changes_its_meaning() {
    let gated = apply(SAMPLE, &spec(Some(name(WorkloadKind::Deployment, "web")))).unwrap();
    let mut expected = find(SAMPLE, "Deployment", "web");
    expected["spec"]["replicas"] = json!(1);
    let pod = &mut expected["spec"]["template"]["spec"];
    pod["readinessGates"] = json!([{"conditionType": "safe-upgrade.dev/gate"}]);
    let container = pod["containers"][0].as_object_mut().unwrap();
    container.remove("livenessProbe");
    container.remove("startupProbe");
    assert_eq!(find(&gated, "Deployment", "web"), expected);
    assert_eq!(
        expected["spec"]["template"]["spec"]["volumes"][0]["secret"]["defaultMode"],
        288
    );
    assert!(gated.contains("defaultMode: 0440"), "{gated}");
    assert!(gated.contains("# Source: shop/templates/web.yaml\n"), "{gated}");
}

#[test]
fn documents_without_an_edit_stay_byte_by_byte() {
    let parked = apply(SAMPLE, &spec(None)).unwrap();
    let untouched = &SAMPLE[..SAMPLE.find("---\n# Source: shop/templates/web.yaml").unwrap()];
    assert!(parked.starts_with(untouched));
    let db = "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\nspec: {replicas: 1}\n";
    assert!(parked.contains(db));
}

#[test]
fn a_probe_that_comes_by_a_merge_key_is_removed_too() {
    let yaml = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        x: &d\n          livenessProbe: {}\n        <<: {livenessProbe: {}, image: i}\n";
    let gated = apply(yaml, &spec(Some(name(WorkloadKind::Deployment, "web")))).unwrap();
    let container = &find(&gated, "Deployment", "web")["spec"]["template"]["spec"]["containers"][0];
    assert!(container.get("livenessProbe").is_none(), "{gated}");
    assert_eq!(container["image"], "i");
}

#[test]
fn json_documents_and_lists_are_edited() {
    let yaml = "--- {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: b}, spec: {replicas: 4}}\n";
    let parked = apply(yaml, &spec(None)).unwrap();
    for deployment in ["a", "b"] {
        assert_eq!(
            find(&parked, "Deployment", deployment)["spec"]["replicas"],
            0,
            "{parked}"
        );
    }
}

#[test]
fn a_chart_without_the_migrating_workload_is_refused() {
    let error = apply(SAMPLE, &spec(Some(name(WorkloadKind::Deployment, "gone")))).unwrap_err();
    assert!(matches!(error, PostRenderError::MigratingMissing { .. }));
    assert!(error.to_string().contains("deployment/gone"), "{error}");
}

#[test]
fn a_second_application_changes_nothing_more() {
    let spec = spec(Some(name(WorkloadKind::Deployment, "web")));
    let once = apply(SAMPLE, &spec).unwrap();
    assert_eq!(apply(&once, &spec).unwrap(), once);
}
