//! `kubectl pgbackup` against a bare server, as on a single machine: no cluster, only an address.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

#[expect(
    dead_code,
    reason = "the server is shared with the tests of another room, which use more of it"
)]
#[path = "../../crates/postgres/tests/real_server/support.rs"]
mod support;

const CONTENT: &str = "create table notes (id serial primary key, text text);
    insert into notes (text) select 'note ' || n from generate_series(1, 500) n";

struct Machine {
    folder: tempfile::TempDir,
    database: String,
}

impl Machine {
    async fn new(name: &str) -> Self {
        let database = support::unique(name);
        support::database(&database, CONTENT).await;
        Self {
            folder: tempfile::tempdir().unwrap(),
            database,
        }
    }

    fn store(&self) -> String {
        self.folder.path().join("store").display().to_string()
    }

    /// The program, on a machine without a kubeconfig.
    fn run(&self, words: &[&str]) -> Output {
        let port = support::server().port;
        let dsn = format!("postgres://postgres@127.0.0.1:{port}/{}", self.database);
        Command::new(env!("CARGO_BIN_EXE_kubectl-pgbackup"))
            .args(words)
            .args(["--dsn", &dsn])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("PGPASSWORD", support::PASSWORD)
            .output()
            .unwrap()
    }

    /// What a command that ends well prints as JSON.
    fn json(&self, words: &[&str]) -> Value {
        let mut words = words.to_vec();
        words.extend(["-o", "json"]);
        let output = self.run(&words);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {stderr}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    async fn ask(&self, database: &str, sql: &str) -> String {
        let session = support::session(database, "look").await;
        session.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn spoil(&self) {
        let session = support::session(&self.database, "mistake").await;
        session
            .batch_execute("update notes set text = 'gone'")
            .await
            .unwrap();
    }

    async fn first_note(&self) -> String {
        self.ask(&self.database, "select min(text) from notes").await
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_server_is_backed_up_restored_and_tidied_without_a_cluster() {
    let machine = Machine::new("bare").await;
    let store = machine.store();
    let made = machine.json(&["create", "--to", &store]);
    assert_eq!(made["backup"]["grade"], "B", "{made}");
    let id = text(&made["backup"]["id"]);
    machine.spoil().await;

    let dry = machine.run(&["restore", id, "--from", &store, "--dry-run"]);
    let told = String::from_utf8_lossy(&dry.stderr).into_owned();
    assert!(
        dry.status.success() && told.contains("owners as they were"),
        "{told}"
    );
    assert_eq!(machine.first_note().await, "gone", "a dry run changes nothing");

    let restored = machine.json(&["restore", id, "--from", &store, "--yes"]);
    assert_eq!(machine.first_note().await, "note 1");
    assert_eq!(
        restored["ownership"],
        "owners as they were, privileges as they were"
    );
    let kept = text(&restored["keptAs"]);
    assert_eq!(machine.ask(kept, "select min(text) from notes").await, "gone");

    let listed = machine.json(&["restore", "--list"]);
    assert_eq!(listed["items"][0]["name"], kept, "{listed}");
    let restore = text(&restored["id"]);
    let empty = machine.folder.path().join("empty").display().to_string();
    let refused = machine.run(&["restore", "--drop-old", restore, "--from", &empty, "--yes"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("no proven backup"), "{told}");
    let dropped = machine.json(&["restore", "--drop-old", restore, "--from", &store, "--yes"]);
    assert_eq!(dropped["kind"], "KeptDropped", "{dropped}");
    let listed = machine.json(&["restore", "--list"]);
    assert_eq!(listed["items"], serde_json::json!([]), "{listed}");
}

fn dump(machine: &Machine, path: &Path) {
    let arguments = ["--file", path.to_str().unwrap(), &machine.database];
    support::run("pg_dump", &arguments, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_pg_dump_is_restored_taken_back_and_refused_where_it_is_cut() {
    let machine = Machine::new("foreign").await;
    let path = machine.folder.path().join("nightly.sql");
    dump(&machine, &path);
    machine.spoil().await;
    let file = path.display().to_string();
    let restored = machine.json(&["restore", "--file", &file, "--yes"]);
    assert_eq!(machine.first_note().await, "note 1");
    assert_eq!(restored["content"], "500 rows in 1 tables", "{restored}");
    let undone = machine.json(&["restore", text(&restored["id"]), "--undo", "--yes"]);
    assert_eq!(machine.first_note().await, "gone", "{undone}");

    let whole = std::fs::read(&path).unwrap();
    let cut = machine.folder.path().join("cut.sql");
    std::fs::write(&cut, &whole[..whole.len() - 30]).unwrap();
    let refused = machine.run(&["restore", "--file", cut.to_str().unwrap(), "--yes"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("cut.sql") && told.contains("cut off"), "{told}");
    let unknown = machine.run(&["restore", "--file", "/nowhere/x.sql", "--yes"]);
    assert_eq!(unknown.status.code(), Some(1));
}
