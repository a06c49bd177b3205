//! Records of both Helm lines.

use model::{ApplyMethod, ReleaseStatus};
use serde_json::{Value, json};

use super::{Driver, StoredRelease, codec};

/// What Helm 3 writes: empty times as `""`, nothing about the method.
fn helm3() -> Value {
    json!({
        "name": "shop",
        "info": {"first_deployed": "2026-01-02T03:04:05Z", "last_deployed": "2026-02-03T04:05:06Z", "deleted": "",
            "description": "Upgrade complete", "status": "deployed", "notes": "hello"},
        "chart": {"metadata": {"name": "web", "version": "1.2.3", "appVersion": "4.5"}, "lock": null,
            "templates": [], "values": {"replicas": 1}, "schema": null, "files": null},
        "config": {"password": "hunter2"},
        "manifest": "---\nkind: ConfigMap\n",
        "hooks": [{"name": "migrate", "kind": "Job", "path": "web/templates/job.yaml",
            "manifest": "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\nspec:\n  activeDeadlineSeconds: 60\n  template:\n    spec:\n      containers:\n      - image: web:4.5\n",
            "events": ["pre-upgrade"], "last_run": {"started_at": "", "completed_at": "", "phase": ""},
            "delete_policies": ["before-hook-creation"]}],
        "version": 7, "namespace": "prod"
    })
}

/// What Helm 4 writes: no empty times, the method, times of the chart's files.
fn helm4() -> Value {
    let mut record = helm3();
    record["info"].as_object_mut().unwrap().remove("deleted");
    record["info"]["status"] = json!("pending-upgrade");
    record["hooks"][0]["last_run"] = json!({"phase": ""});
    record["chart"]["modtime"] = json!("2026-01-01T00:00:00Z");
    record["config"] = Value::Null;
    record["apply_method"] = json!("ssa");
    record
}

fn through_storage(record: &Value) -> StoredRelease {
    let stored = codec::encode(record.to_string().as_bytes()).unwrap();
    let json = codec::decode(stored.as_bytes()).unwrap();
    StoredRelease::read(&json, "prod", stored.len()).unwrap()
}

#[test]
fn a_record_tells_what_its_chart_says_about_changes() {
    let mut record = helm3();
    record["chart"]["files"] = json!([
        {"name": "README.md", "data": "eA=="},
        {"name": "CHANGELOG.md", "data": "IyMgMS4yLjM="},
    ]);
    record["chart"]["metadata"]["annotations"] = json!({"artifacthub.io/changes": "- one"});
    record["chart"]["metadata"]["sources"] = json!(["https://github.com/shop/web"]);
    let documents = through_storage(&record).documents;
    assert_eq!(documents.changelog.unwrap().text, "## 1.2.3");
    assert_eq!(documents.annotations["artifacthub.io/changes"], "- one");
    assert_eq!(documents.sources, ["https://github.com/shop/web"]);
    assert_eq!(through_storage(&helm3()).documents.changelog, None);
}

#[test]
fn records_of_both_lines_are_read() {
    let three = through_storage(&helm3());
    assert_eq!(three.release.revision, 7);
    assert_eq!(three.release.status, ReleaseStatus::Deployed);
    assert_eq!(three.release.apply_method, ApplyMethod::ClientSide);
    assert_eq!(three.release.chart.app_version.as_deref(), Some("4.5"));
    assert_eq!(three.values, json!({"password": "hunter2"}));
    assert_eq!(three.hooks[0].active_deadline_seconds, Some(60));
    assert_eq!(three.hooks[0].images, ["web:4.5"]);
    let four = through_storage(&helm4());
    assert_eq!(four.release.status, ReleaseStatus::PendingUpgrade);
    assert_eq!(four.release.apply_method, ApplyMethod::ServerSide);
    assert_eq!(four.values, json!({}));
}

#[test]
fn records_without_compression_are_read() {
    use base64::Engine;
    let plain = base64::engine::general_purpose::STANDARD.encode(helm3().to_string());
    assert_eq!(
        codec::decode(plain.as_bytes()).unwrap(),
        helm3().to_string().into_bytes()
    );
}

#[test]
fn broken_records_are_refused_without_their_content() {
    for stored in ["hunter2!", "H4sIAAAAAAAA"] {
        let error = codec::decode(stored.as_bytes()).unwrap_err();
        assert!(!error.contains(stored), "{error}");
    }
}

#[test]
fn drivers_outside_the_cluster_are_refused_by_name() {
    assert_eq!(Driver::parse("").unwrap(), Driver::Secret);
    assert_eq!(Driver::parse("configmap").unwrap(), Driver::ConfigMap);
    for word in ["sql", "memory", "etcd"] {
        assert!(Driver::parse(word).unwrap_err().to_string().contains(word));
    }
}
