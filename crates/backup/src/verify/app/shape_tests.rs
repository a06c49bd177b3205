//! The pod that is made of a workload's template and a throw-away server's.

use std::time::Duration;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::{Value, json};

use super::door::Door;
use super::request::AppQuestion;
use super::server::{GATE, KEEPER, OPEN, SERVER, WORK};
use super::shape::{App, Edits, left_out, refused};
use super::volumes::{Filled, Volumes};
use crate::helper_pod::{HelperVolume, PodShape};

fn server() -> PodTemplateSpec {
    PodShape {
        purpose: "verify-app",
        container: SERVER,
        namespace: "shop",
        image: "postgres:17",
        pull_secrets: &["of-server".to_owned()],
        user: 999,
        group: 999,
        script: "exec postgres",
        arguments: vec!["UTF8".into()],
        environment: vec![("PGPORT", "5432")],
        folders: vec![(WORK, HelperVolume::Empty)],
        room: Some(1 << 30),
        ready: Some(vec!["pg_isready".into()]),
        node: None,
        deadline: Duration::from_secs(600),
    }
    .template()
}

fn workload() -> Value {
    json!({
        "serviceAccountName": "web",
        "hostNetwork": true,
        "hostAliases": [{ "ip": "10.0.0.9", "hostnames": ["cache"] }],
        "securityContext": { "runAsUser": 1234, "fsGroup": 1234 },
        "imagePullSecrets": [{ "name": "registry" }],
        "nodeSelector": { "kubernetes.io/arch": "arm64" },
        "affinity": { "podAntiAffinity": {} },
        "initContainers": [
            { "name": "proxy", "image": "proxy:1", "restartPolicy": "Always" },
            { "name": "prepare", "image": "web:2", "args": ["prepare"] },
        ],
        "containers": [
            {
                "name": "web",
                "image": "web:2",
                "command": ["/web"],
                "args": ["serve"],
                "envFrom": [{ "secretRef": { "name": "web" } }],
                "env": [{ "name": "URL", "valueFrom": { "secretKeyRef": { "name": "db", "key": "url" } } }],
                "ports": [{ "name": "http", "containerPort": 8080, "hostPort": 80 }],
                "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } },
                "livenessProbe": { "httpGet": { "path": "/live", "port": "http" } },
                "securityContext": { "readOnlyRootFilesystem": true },
                "resources": { "requests": { "cpu": "1" } },
                "volumeMounts": [
                    { "name": "uploads", "mountPath": "/uploads" },
                    { "name": "uploads", "mountPath": "/more", "subPath": "more" },
                    { "name": "conf", "mountPath": "/etc/web", "readOnly": true },
                ],
            },
            { "name": "exporter", "image": "exporter:1" },
        ],
        "volumes": [
            { "name": "uploads", "persistentVolumeClaim": { "claimName": "uploads" } },
            { "name": "conf", "configMap": { "name": "web" } },
        ],
    })
}

fn app(template: Value) -> App {
    App {
        template: serde_json::from_value(template).unwrap(),
        container: "web".into(),
        pull_secrets: vec!["of-account".into()],
        door: Door {
            port: 5432,
            names: vec!["db.shop.svc".into()],
            database: "shop".into(),
            users: vec!["web".into()],
        },
        questions: vec![AppQuestion {
            port: 8080,
            path: "/readyz".into(),
        }],
        edits: Edits::default(),
    }
}

/// The pod's specification and its labels, as the API server gets them.
fn pod(template: Value) -> (Value, Value) {
    let app = app(template);
    let artefact = model::Artefact {
        of: model::ArtefactOf::Volume {
            namespace: "shop".into(),
            claim: "uploads".into(),
            path: None,
        },
        kept: model::ArtefactKept::Tar {
            file: "artefact-uploads.tar".into(),
            entries: 1,
            archive_bytes: 1,
            archive_sha256: String::new(),
            owner: "1234:1234".into(),
            changed: false,
        },
        started_at: String::new(),
        finished_at: String::new(),
        gap_seconds: 0.0,
        held: true,
    };
    let claims = [("uploads".to_owned(), "uploads".to_owned())].into();
    let volumes = Volumes::of(&app.template, "shop", &claims, &[artefact]);
    assert_eq!(
        volumes.filled,
        [Filled {
            volume: "uploads".into(),
            claim: "uploads".into(),
            artefacts: vec![0],
        }]
    );
    let pod = app.pod(server(), &volumes, Some((1234, 1234)), Duration::from_secs(600));
    let labels = pod.metadata.unwrap().labels.unwrap();
    (
        serde_json::to_value(pod.spec).unwrap(),
        serde_json::to_value(labels).unwrap(),
    )
}

#[test]
fn the_application_s_container_is_its_own_and_its_database_s_name_leads_to_the_pod() {
    let (pod, labels) = pod(workload());
    assert_eq!(
        pod["hostAliases"],
        json!([{ "ip": "127.0.0.1", "hostnames": ["db.shop.svc"] }])
    );
    assert_eq!(pod["dnsPolicy"], "None");
    assert_eq!(pod["dnsConfig"]["nameservers"], json!(["127.0.0.1"]));
    let own = &workload()["containers"][0];
    let booted = &pod["containers"][0];
    for same in [
        "name",
        "image",
        "command",
        "args",
        "env",
        "envFrom",
        "readinessProbe",
        "livenessProbe",
        "securityContext",
        "resources",
    ] {
        assert_eq!(booted[same], own[same], "{same}");
    }
    assert_eq!(
        pod["containers"].as_array().unwrap().len(),
        1,
        "nothing runs beside it"
    );
    assert_eq!(pod["securityContext"], workload()["securityContext"]);
    assert_eq!(pod["nodeSelector"], workload()["nodeSelector"]);
    let secrets: Vec<&Value> = pod["imagePullSecrets"].as_array().unwrap().iter().collect();
    assert_eq!(
        secrets,
        [
            &json!({ "name": "of-server" }),
            &json!({ "name": "registry" }),
            &json!({ "name": "of-account" })
        ]
    );
    assert_eq!(
        labels,
        json!({
            "app.kubernetes.io/managed-by": "kubectl-pgbackup",
            "app.kubernetes.io/component": "verify-app",
        }),
        "nothing that a Service or a workload selects by"
    );
}

#[test]
fn nothing_leads_out_of_the_pod() {
    let (pod, _) = pod(workload());
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["enableServiceLinks"], false);
    assert_eq!(pod["restartPolicy"], "Never");
    for unsaid in [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "serviceAccountName",
        "affinity",
        "nodeName",
    ] {
        assert_eq!(pod[unsaid], Value::Null, "{unsaid}");
    }
    assert_eq!(
        pod["containers"][0]["ports"],
        json!([{ "name": "http", "containerPort": 8080 }])
    );
    let volumes = pod["volumes"].to_string();
    assert!(!volumes.contains("claimName"), "{volumes}");
}

#[test]
fn the_server_goes_on_beside_the_application_which_waits_for_the_gate() {
    let (pod, _) = pod(workload());
    let init = pod["initContainers"].as_array().unwrap();
    let names: Vec<&str> = init.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(
        names,
        [SERVER, GATE, "prepare"],
        "a proxy to the database in use is left out"
    );
    let (server, gate) = (&init[0], &init[1]);
    assert_eq!(server["restartPolicy"], "Always");
    assert_eq!(server["startupProbe"]["failureThreshold"], 600);
    assert_eq!(server["readinessProbe"], Value::Null);
    assert_eq!(server["securityContext"]["runAsUser"], 999);
    assert_eq!(server["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(
        gate["restartPolicy"],
        Value::Null,
        "it ends, and the application starts"
    );
    assert_eq!(gate["command"][4], OPEN);
    assert_eq!(
        gate["securityContext"]["runAsUser"], 1234,
        "files belong to whom they belonged to"
    );
    assert_eq!(gate["resources"]["limits"]["ephemeral-storage"], Value::Null);
    assert_eq!(
        gate["env"].as_array().unwrap().len(),
        1,
        "no secret of the application's"
    );
    assert_eq!(server["volumeMounts"][0]["name"], "pgbackup-folder-0");
    assert_eq!(pod["volumes"][0]["name"], "pgbackup-folder-0");
}

#[test]
fn volumes_that_are_filled_are_mounted_where_they_were_filled() {
    let (pod, _) = pod(workload());
    let gate = &pod["initContainers"][1]["volumeMounts"];
    assert_eq!(gate[1], json!({ "name": "uploads", "mountPath": "/artefacts/0" }));
    assert_eq!(
        pod["containers"][0]["volumeMounts"],
        json!([
            { "name": "uploads", "mountPath": "/uploads", "subPath": "content" },
            { "name": "uploads", "mountPath": "/more", "subPath": "content/more" },
            { "name": "conf", "mountPath": "/etc/web", "readOnly": true },
        ])
    );
}

#[test]
fn without_a_probe_of_its_own_the_first_question_says_when_it_is_ready() {
    let mut plain = workload();
    plain["containers"][0]["readinessProbe"] = Value::Null;
    let (pod, _) = pod(plain);
    assert_eq!(
        pod["containers"][0]["readinessProbe"]["httpGet"],
        json!({ "path": "/readyz", "port": 8080 })
    );
}

#[test]
fn what_nothing_would_hold_in_its_pod_is_refused() {
    let of = |change: &dyn Fn(&mut Value)| {
        let mut template = workload();
        change(&mut template);
        refused(&serde_json::from_value(template).unwrap(), "web")
    };
    assert_eq!(of(&|_| ()), None);
    let privileged = json!({ "privileged": true });
    let words = of(&|template| template["containers"][0]["securityContext"] = privileged.clone());
    assert!(words.unwrap().contains("web is privileged"));
    let beside = of(&|template| template["containers"][1]["securityContext"] = privileged.clone());
    assert_eq!(beside, None, "what is left out does not count");
    let device = json!([{ "name": "disk", "devicePath": "/dev/x" }]);
    let words = of(&|template| template["initContainers"][1]["volumeDevices"] = device.clone());
    assert!(words.unwrap().contains("prepare uses disk"));
    let template = serde_json::from_value(workload()).unwrap();
    assert_eq!(left_out(&template, "web"), ["exporter", "proxy"]);
}

#[test]
fn a_migration_may_take_its_time_and_does_not_take_the_server_with_it() {
    let mut template = workload();
    let probe = json!({ "httpGet": { "path": "/live", "port": "http" } });
    template["containers"][0]["startupProbe"] = probe;
    let mut app = app(template);
    app.edits = Edits {
        blank: vec!["URL".into(), "SMTP_PASSWORD".into()],
        patience: true,
    };
    let volumes = Volumes::of(&app.template, "shop", &std::collections::BTreeMap::new(), &[]);
    let pod = app
        .pod(server(), &volumes, None, Duration::from_secs(60))
        .spec
        .unwrap();
    let pod = serde_json::to_value(&pod).unwrap();
    let web = &pod["containers"][0];
    assert!(
        web["livenessProbe"].is_null() && web["startupProbe"].is_null(),
        "{web}"
    );
    assert_eq!(web["readinessProbe"]["httpGet"]["path"], "/ready");
    assert_eq!(
        web["env"],
        json!([{ "name": "URL", "value": "" }, { "name": "SMTP_PASSWORD", "value": "" }]),
        "one by its name, and one that may come with all keys of a Secret"
    );
    let prepare = &pod["initContainers"][2];
    assert!(prepare["env"].is_null(), "it has neither: {prepare}");
    let keeper = &pod["containers"][1];
    assert_eq!(keeper["name"], KEEPER);
    assert_eq!(keeper["image"], "postgres:17");
    assert!(
        keeper["env"].is_null() && keeper["volumeMounts"].is_null(),
        "{keeper}"
    );
    assert_eq!(keeper["resources"]["limits"]["ephemeral-storage"], Value::Null);
}
