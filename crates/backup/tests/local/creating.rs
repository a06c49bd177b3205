//! Backups that succeed, and those that fail for reasons of the server or the store.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use backup::{Filter, LocalRunner, Store, create};

use crate::fixture::{Fixture, HOSTILE, quiet};
use crate::support;

#[tokio::test]
async fn a_backup_is_proven_and_plain_tools_restore_it() {
    let fixture = Fixture::new(HOSTILE).await;
    let backup = fixture.create().await;
    assert!(backup.manifest.proof.is_complete());
    let rows: Vec<(&str, i64)> = backup
        .manifest
        .rows
        .iter()
        .map(|table| (table.table.as_str(), table.rows))
        .collect();
    assert!(
        rows.iter()
            .any(|(table, rows)| table.contains("orders") && *rows == 20_000),
        "{rows:?}"
    );
    assert!(
        rows.iter()
            .any(|(table, rows)| table.contains("odd") && *rows == 3),
        "{rows:?}"
    );
    assert_eq!(
        backup.manifest.migration.as_ref().unwrap().version.as_deref(),
        Some("7")
    );
    assert!(!backup.manifest.schema_hash.is_empty());
    let names: Vec<&str> = backup
        .manifest
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names, ["dump.pgc.zst", "globals.sql", "settings.json"]);
    assert!(
        !std::fs::read_to_string(backup.folder().unwrap().join("globals.sql"))
            .unwrap()
            .contains("PASSWORD")
    );

    let packed = std::fs::read(backup.folder().unwrap().join("dump.pgc.zst")).unwrap();
    let output = Command::new("zstd")
        .args(["-dc"])
        .arg(backup.folder().unwrap().join("dump.pgc.zst"))
        .output()
        .unwrap();
    assert!(!packed.is_empty() && output.status.success());
    let target = support::unique("plain");
    support::run("createdb", &["-T", "template0", &target], None);
    support::run(
        "pg_restore",
        &["--exit-on-error", "-d", &target],
        Some(&output.stdout),
    );
    assert_eq!(
        crate::fixture::content(&target).await,
        crate::fixture::content(fixture.name()).await
    );
}

#[tokio::test]
async fn nothing_of_ours_stays_connected() {
    let fixture = Fixture::new("connected").await;
    fixture.create().await;
    let look = support::session("postgres", "look").await;
    let question = format!(
        "select count(*) = 0 from pg_stat_activity where application_name like 'safe-upgrade%' and datname = '{}'",
        fixture.name()
    );
    support::until(&look, &question).await;
}

#[tokio::test]
async fn a_table_that_stays_locked_ends_the_backup_with_its_name_and_leaves_nothing() {
    let fixture = Fixture::new("locked").await;
    let holder = support::session(fixture.name(), "holder").await;
    holder
        .batch_execute("begin; lock table orders in access exclusive mode")
        .await
        .unwrap();
    let mut request = fixture.request();
    request.lock_wait = Duration::from_millis(200);
    let error = create(&fixture.server().await, &fixture.store, &request, &quiet)
        .await
        .unwrap_err();
    assert!(
        model::causes(&error).contains("orders"),
        "{}",
        model::causes(&error)
    );
    assert_eq!(fixture.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_backup_that_is_given_up_leaves_no_dump_behind() {
    let fixture = Fixture::new("given_up").await;
    let holder = support::session(fixture.name(), "holder").await;
    holder
        .batch_execute("begin; lock table orders in access exclusive mode")
        .await
        .unwrap();
    let server = fixture.server().await;
    let request = fixture.request();
    let look = support::session("postgres", "look").await;
    let waiting = format!(
        "select count(*) > 0 from pg_stat_activity where datname = '{}' and query like 'LOCK TABLE%' and wait_event = 'relation'",
        fixture.name()
    );
    tokio::select! {
        done = create(&server, &fixture.store, &request, &quiet) => panic!("not blocked: {done:?}"),
        () = support::until(&look, &waiting) => {}
    }
    assert_eq!(fixture.left(), Vec::<std::path::PathBuf>::new());
    holder.batch_execute("rollback").await.unwrap();
    let gone = format!(
        "select count(*) = 0 from pg_stat_activity where datname = '{}' and application_name like 'safe-upgrade%'",
        fixture.name()
    );
    support::until(&look, &gone).await;
}

#[tokio::test]
async fn a_role_that_row_level_security_would_blind_makes_no_backup() {
    let fixture = Fixture::new("policies").await;
    let role = support::unique("reader");
    let setup = support::session(fixture.name(), "setup").await;
    setup
        .batch_execute(&format!(
            "create role {role} login password 'x';
             alter table orders enable row level security;
             create policy few on orders using (id < 10);
             grant usage on schema public, \"odd \"\"schema\" to {role};
             grant select on all tables in schema public, \"odd \"\"schema\" to {role};
             grant select on all sequences in schema public to {role};
             select lo_unlink(oid) from pg_largeobject_metadata;"
        ))
        .await
        .unwrap();
    let mut location = fixture.location.clone();
    location.user = role.clone();
    let credentials = support::credentials(&role, "x");
    let runner = Arc::new(LocalRunner::default());
    let server = backup::Server::reach_through(runner, &location, &credentials, "rls")
        .await
        .unwrap();
    let error = create(&server, &fixture.store, &fixture.request(), &quiet)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("row-level security"), "{error}");
    assert_eq!(fixture.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_store_that_is_no_folder_is_one_clear_error() {
    let fixture = Fixture::new("no_folder").await;
    let file = fixture.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let store = Store::open(file.to_str().unwrap()).unwrap();
    let error = create(&fixture.server().await, &store, &fixture.request(), &quiet)
        .await
        .unwrap_err();
    let text = model::causes(&error);
    assert!(
        text.contains("failed to create") && text.contains("ot a directory"),
        "{text}"
    );
}

/// A file system of its own, gone with the test.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn new(folder: std::path::PathBuf, options: &str) -> Self {
        std::fs::create_dir(&folder).unwrap();
        let arguments = ["-t", "tmpfs", "-o", options, "none"];
        let status = Command::new("mount")
            .args(arguments)
            .arg(&folder)
            .status()
            .unwrap();
        assert!(
            status.success(),
            "this test mounts a small file system, which needs root"
        );
        Self(folder)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_one_clear_error_and_leaves_nothing() {
    let fixture = Fixture::new("full").await;
    let disk = Mounted::new(fixture.folder().join("disk"), "size=512k");
    let store = Store::open(disk.0.to_str().unwrap()).unwrap();
    let error = create(&fixture.server().await, &store, &fixture.request(), &quiet)
        .await
        .unwrap_err();
    let text = model::causes(&error);
    assert!(
        text.contains("failed to write") && text.contains("No space left"),
        "{text}"
    );
    assert_eq!(crate::fixture::walk(&disk.0), Vec::<std::path::PathBuf>::new());
    assert!(store.list(&Filter::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_read_only_store_is_one_clear_error() {
    let fixture = Fixture::new("read_only").await;
    let disk = Mounted::new(fixture.folder().join("disk"), "ro");
    let store = Store::open(disk.0.to_str().unwrap()).unwrap();
    let error = create(&fixture.server().await, &store, &fixture.request(), &quiet)
        .await
        .unwrap_err();
    let text = model::causes(&error);
    assert!(
        text.contains("failed to create") && text.contains("Read-only file system"),
        "{text}"
    );
}
