//! `kubectl pgbackup store`, as it is typed, with a real S3 server.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use test_node::object_server::ObjectServer;

/// The program with nothing of this machine's user about it.
fn pgbackup(home: &Path, server: &ObjectServer, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-pgbackup"))
        .args(words)
        .env_clear()
        .env("HOME", home)
        .envs(server.variables())
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr];
    streams.map(|stream| String::from_utf8_lossy(stream)).concat()
}

#[test]
fn a_store_is_named_listed_and_tried_and_its_name_stands_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let root = home.join("s3");
    std::fs::create_dir_all(root.join("backups")).unwrap();
    let server = ObjectServer::start(&root).unwrap();
    let endpoint = server.endpoint();
    let run = |words: &[&str]| pgbackup(home, &server, words);

    let added = run(&[
        "store",
        "add",
        "prod",
        "s3://backups/prod",
        "--endpoint",
        &endpoint,
    ]);
    assert!(said(&added).contains("store test prod"), "{added:?}");
    let file = std::fs::read_to_string(home.join(".config/safe-upgrade/config.yaml")).unwrap();
    for (_, secret) in server.variables() {
        assert!(!file.contains(secret) && !said(&added).contains(secret));
    }
    let listed = json(&run(&["store", "list", "-o", "json"]));
    assert_eq!(listed["items"][0]["name"], "prod");
    let url = listed["items"][0]["url"].as_str().unwrap();
    assert!(url.starts_with("s3://backups/prod?endpoint="), "{url}");

    let tried = json(&run(&["store", "test", "prod", "-o", "json"]));
    assert_eq!(tried["works"], true, "{tried}");
    assert_eq!(tried["acts"].as_array().unwrap().len(), 6);
    assert!(run(&["list", "--from", "prod"]).status.success());
    assert!(run(&["list", "--from", url]).status.success());

    let mistyped = run(&["list", "--from", "prdo"]);
    assert_eq!(mistyped.status.code(), Some(1));
    assert!(said(&mistyped).contains("did you mean prod"), "{mistyped:?}");
    assert!(!home.join("prdo").exists());
}

#[test]
fn what_does_not_work_is_said_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("s3");
    std::fs::create_dir_all(&root).unwrap();
    let server = ObjectServer::start(&root).unwrap();
    let url = format!("s3://missing?endpoint={}", server.endpoint());
    let tried = pgbackup(folder.path(), &server, &["store", "test", &url]);
    assert_eq!(tried.status.code(), Some(2), "{tried:?}");
    assert!(said(&tried).contains("no such bucket"), "{tried:?}");
}

#[test]
fn credentials_in_a_url_are_refused_and_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("s3");
    std::fs::create_dir_all(&root).unwrap();
    let server = ObjectServer::start(&root).unwrap();
    for words in [
        &["store", "add", "prod", "s3://me:hush@backups"][..],
        &["store", "test", "s3://me:hu/hush@backups"],
        &["list", "--from", "s3://backups?secret_access_key=hush"],
    ] {
        let refused = pgbackup(folder.path(), &server, words);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(!said(&refused).contains("hush"), "{refused:?}");
    }
    assert!(!folder.path().join(".config").exists());
}
