//! What becomes of the API's answers.

use super::*;

fn class(name: &str, driver: &str, default: bool) -> Value {
    let annotations = if default {
        json!({ DEFAULT: "true" })
    } else {
        json!(null)
    };
    json!({"metadata": {"name": name, "annotations": annotations}, "driver": driver, "deletionPolicy": "Delete"})
}

#[test]
fn the_class_is_of_the_claim_s_driver_and_never_a_guess() {
    let classes = [
        class("slow", "ebs", false),
        class("fast", "ebs", true),
        class("files", "efs", false),
    ];
    assert_eq!(choose(&classes, "ebs", None), Ok("fast".into()));
    assert_eq!(choose(&classes, "efs", None), Ok("files".into()));
    assert_eq!(choose(&classes, "ebs", Some("slow")), Ok("slow".into()));
    assert!(
        choose(&classes, "ebs", Some("files"))
            .unwrap_err()
            .contains("no snapshot class files")
    );
    assert!(
        choose(&classes, "host-path", None)
            .unwrap_err()
            .contains("no snapshot class")
    );
    let two = [class("a", "ebs", false), class("b", "ebs", false)];
    assert!(
        choose(&two, "ebs", None)
            .unwrap_err()
            .contains("--snapshot-class")
    );
}

#[test]
fn a_class_that_was_asked_for_is_not_replaced_by_a_copy() {
    let none = || Err("no snapshot class typo is of its driver, ebs".to_owned());
    let told = as_asked(none(), Some("typo"), "uploads").unwrap_err().to_string();
    assert!(told.contains("typo") && told.contains("uploads"), "{told}");
    assert!(as_asked(none(), None, "uploads").unwrap().is_err(), "a copy then");
    let found = as_asked(Ok("fast".into()), Some("fast"), "uploads").unwrap();
    assert_eq!(found, Ok("fast".into()));
}

/// A fake, because the test node has no driver of volume snapshots: a cluster that answers every request, by its method and
/// path, as the test says.
fn answers(mut answer: impl FnMut(&str) -> (u16, Value) + Send + 'static) -> cluster::Cluster {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    cluster::install_crypto_provider();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_ascii_lowercase());
            }
            let length = head.iter().find_map(|line| line.strip_prefix("content-length:"));
            let length = length.map_or(0, |length| length.trim().parse().unwrap());
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let (status, said) = answer(head.first().map_or("", |line| line.as_str()));
            let said = said.to_string();
            let text = format!(
                "HTTP/1.1 {status} told\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{said}",
                said.len()
            );
            stream.get_mut().write_all(text.as_bytes()).unwrap();
        }
    });
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    cluster::Cluster::from_client(kube::Client::try_from(config).unwrap(), "fake", "shop")
}

fn status(code: u16) -> (u16, Value) {
    let said = if code == 200 { "Success" } else { "Failure" };
    let status =
        json!({"apiVersion": "v1", "kind": "Status", "status": said, "code": code, "message": "so it is"});
    (code, status)
}

#[tokio::test]
async fn what_is_left_of_a_backup_s_snapshots_is_taken_away_or_told() {
    let id: BackupId = "20250131T235959Z-0a1b2c3d".parse().unwrap();
    let request = |cluster: cluster::Cluster, source: &str| ArtefactsRequest {
        cluster,
        namespace: "shop".into(),
        sources: vec![source.parse().unwrap()],
        snapshot_class: None,
    };
    let serving = |removes: u16, asked: std::sync::Arc<std::sync::Mutex<Vec<String>>>| {
        answers(move |request| {
            asked.lock().unwrap().push(request.to_owned());
            let path = request.split(' ').nth(1).unwrap_or_default();
            if request.starts_with("delete") {
                return status(if path.contains("/b") { removes } else { 200 });
            }
            if path.contains("/volumesnapshots") {
                let items = json!([{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]);
                return (
                    200,
                    json!({"apiVersion": "x", "kind": "y", "metadata": {}, "items": items}),
                );
            }
            let kind = json!({"name": "volumesnapshots", "singularName": "volumesnapshot", "namespaced": true,
                "kind": "VolumeSnapshot", "verbs": ["list", "delete"]});
            let group = format!("{GROUP}/v1");
            (
                200,
                json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": [kind]}),
            )
        })
    };
    for (removes, wanted) in [(200, 0), (404, 0), (403, 1)] {
        let asked = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
        let cluster = serving(removes, std::sync::Arc::clone(&asked));
        let left = forget(&request(cluster, "uploads"), &id).await;
        assert_eq!(left.len(), wanted, "{removes}: {left:?}");
        assert!(
            left.iter().all(|words| words.contains("VolumeSnapshot b")),
            "{left:?}"
        );
        let asked = asked.lock().unwrap();
        let removed = asked.iter().filter(|request| request.starts_with("delete"));
        assert_eq!(removed.count(), 2, "{asked:?}");
    }
    let left = forget(&request(answers(|_| status(403)), "uploads"), &id).await;
    assert!(left[0].contains("is not known"), "{left:?}");
    let none = forget(&request(answers(|_| status(404)), "uploads"), &id).await;
    assert_eq!(none, Vec::<String>::new(), "a cluster without snapshots");
    let folder = forget(&request(answers(|_| status(403)), "uploads:sub"), &id).await;
    assert_eq!(
        folder,
        Vec::<String>::new(),
        "nobody is asked about what was copied"
    );
}

#[test]
fn the_object_is_what_the_api_documents() {
    let id: BackupId = "20250131T235959Z-0a1b2c3d".parse().unwrap();
    let object = object("s", "shop", "uploads", "fast", &id);
    assert_eq!(
        object["spec"],
        json!({"volumeSnapshotClassName": "fast", "source": {"persistentVolumeClaimName": "uploads"}})
    );
    assert_eq!(
        object["metadata"]["labels"][BACKUP_LABEL],
        "20250131T235959Z-0a1b2c3d"
    );
}

#[test]
fn only_a_snapshot_that_can_be_used_is_one() {
    let time = "2026-11-20T03:00:02Z";
    let ready = json!({"status": {"readyToUse": true, "creationTime": time, "restoreSize": "1Gi",
        "boundVolumeSnapshotContentName": "c"}});
    let wanted = Ready {
        content: Some("c".into()),
        restore_size: Some("1Gi".into()),
        time: time.parse().ok(),
    };
    assert_eq!(judge(&ready), Ok(wanted));
    // The time is set as soon as the cut is made, long before the snapshot can be used.
    let cut = json!({"status": {"readyToUse": false, "creationTime": time}});
    assert!(judge(&cut).is_err());
    let failed = json!({"status": {"readyToUse": false, "error": {"message": "quota"}}});
    assert_eq!(judge(&failed), Err("quota".into()));
    assert!(judge(&json!({})).is_err());
}
