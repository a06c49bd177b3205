//! Putting databases back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backup::{Backup, RestoreError, RestoreRequest, restore, restore_id, undo_restore};
use jiff::Timestamp;
use model::{BackupFormat, RestoreOptions};
use tokio::sync::Notify;

use crate::fixture::{CONTENT, Fixture, HOSTILE, ask, content, databases_like, quiet};
use crate::support;

fn request() -> RestoreRequest {
    RestoreRequest {
        id: restore_id(Timestamp::now()),
        options: RestoreOptions::default(),
    }
}

/// What a bad migration does.
async fn spoil(fixture: &Fixture) {
    let session = support::session(fixture.name(), "migration").await;
    session
        .batch_execute(
            "update orders set note = 'gone'; drop table \"odd \"\"schema\".\"odd 'table\" cascade",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_database_is_put_back_under_its_name_and_the_other_one_is_kept() {
    let fixture = Fixture::new(HOSTILE).await;
    let quoted = support::quoted(fixture.name());
    let setup = support::session("postgres", "setup").await;
    setup
        .batch_execute(&format!("alter database {quoted} set work_mem = '7MB'"))
        .await
        .unwrap();
    let before = content(fixture.name()).await;
    let backup = fixture.create().await;
    spoil(&fixture).await;
    // A client that is still there must not keep the database from its name.
    let stray = support::session(fixture.name(), "stray").await;
    let request = request();
    let server = fixture.server().await;
    let report = restore(&server, &backup, &request, &quiet).await.unwrap();
    assert!(stray.simple_query("select 1").await.is_err());
    assert_eq!(content(fixture.name()).await, before);
    assert!(
        report.compared.iter().any(|what| what.contains("rows")),
        "{report:?}"
    );
    assert_eq!(ask(&report.kept_as, "select min(note) from orders").await, "gone");
    assert_eq!(ask(fixture.name(), "show work_mem").await, "7MB");
    let analyzed = "select (count(*) > 0)::text from pg_stats where tablename = 'orders'";
    assert_eq!(ask(fixture.name(), analyzed).await, "true");

    let again = restore(&server, &backup, &request, &quiet).await.unwrap();
    assert!(again.done_before);

    let undone = undo_restore(&server, &request.id, &quiet).await.unwrap();
    assert_eq!(ask(fixture.name(), "select min(note) from orders").await, "gone");
    assert_eq!(content(&undone.kept_as).await, before);
    // As one leaves it that was killed between the renames and letting sessions in.
    let session = support::session("postgres", "killed").await;
    for database in [fixture.name(), undone.kept_as.as_str()] {
        let name = database.replace('"', "\"\"");
        let close = format!("alter database \"{name}\" allow_connections false");
        session.batch_execute(&close).await.unwrap();
    }
    drop(session);
    assert!(
        undo_restore(&server, &request.id, &quiet)
            .await
            .unwrap()
            .done_before
    );
    assert_eq!(ask(fixture.name(), "select min(note) from orders").await, "gone");
    assert_eq!(content(&undone.kept_as).await, before);
}

/// Begins a restore and drops it at its n-th word of progress; `true` if it got to its end before.
async fn killed_at(fixture: &Fixture, backup: &Backup, request: &RestoreRequest, word: usize) -> bool {
    let server = fixture.server().await;
    let killed = Arc::new(Notify::new());
    let words = AtomicUsize::new(0);
    let told = {
        let killed = Arc::clone(&killed);
        move |_message: &str, _share: Option<f64>| {
            if words.fetch_add(1, Ordering::SeqCst) == word {
                killed.notify_one();
            }
        }
    };
    tokio::select! {
        biased;
        () = killed.notified() => false,
        done = restore(&server, backup, request, &told) => {
            done.unwrap();
            true
        }
    }
}

#[tokio::test]
async fn a_restore_that_is_killed_anywhere_can_be_repeated() {
    let fixture = Fixture::new("killed").await;
    let before = content(fixture.name()).await;
    let backup = fixture.create().await;
    let mut ended = false;
    let mut word = 0;
    while !ended {
        spoil_again(&fixture).await;
        let request = RestoreRequest {
            id: format!("killed{word}"),
            options: RestoreOptions::default(),
        };
        ended = killed_at(&fixture, &backup, &request, word).await;
        let report = restore(&fixture.server().await, &backup, &request, &quiet)
            .await
            .unwrap();
        assert_eq!(content(fixture.name()).await, before, "killed at word {word}");
        assert_eq!(ask(&report.kept_as, "select min(note) from orders").await, "gone");
        word += 1;
    }
    assert!(word > 7, "the restore said only {word} words");
    assert_eq!(
        databases_like(&format!("{}_restore_", fixture.name())).await,
        Vec::<String>::new()
    );
}

async fn spoil_again(fixture: &Fixture) {
    let session = support::session(fixture.name(), "migration").await;
    session
        .batch_execute("update orders set note = 'gone'")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_created() {
    let fixture = Fixture::new("damaged").await;
    let backup = fixture.create().await;
    let path = backup.folder().unwrap().join("dump.pgc.zst");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap_err();
    assert!(
        model::causes(&error).contains("is damaged"),
        "{}",
        model::causes(&error)
    );
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
}

#[tokio::test]
async fn what_a_swap_would_break_is_named_and_nothing_is_done() {
    let fixture = Fixture::new("slots").await;
    let backup = fixture.create().await;
    let server = fixture.server().await;
    let session = support::session(fixture.name(), "setup").await;
    let slot = support::unique("slot");
    session
        .batch_execute(&format!(
            "select pg_create_logical_replication_slot('{slot}', 'test_decoding')"
        ))
        .await
        .unwrap();
    let error = restore(&server, &backup, &request(), &quiet).await.unwrap_err();
    assert!(error.to_string().contains(&slot), "{error}");
    session
        .batch_execute(&format!("select pg_drop_replication_slot('{slot}')"))
        .await
        .unwrap();

    let prepared = support::unique("prepared");
    session
        .batch_execute(&format!(
            "begin; insert into orders (note) values ('x'); prepare transaction '{prepared}'"
        ))
        .await
        .unwrap();
    let error = restore(&server, &backup, &request(), &quiet).await.unwrap_err();
    assert!(error.to_string().contains(&prepared), "{error}");
    session
        .batch_execute(&format!("rollback prepared '{prepared}'"))
        .await
        .unwrap();
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
}

#[tokio::test]
async fn a_backup_of_another_database_is_refused() {
    let fixture = Fixture::new("mine").await;
    let other = Fixture::new("other").await;
    let backup = other.create().await;
    let error = restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap_err();
    assert!(matches!(error, RestoreError::Foreign { .. }), "{error}");
    let wanted = RestoreRequest {
        options: RestoreOptions {
            foreign: true,
            ..RestoreOptions::default()
        },
        ..request()
    };
    restore(&fixture.server().await, &backup, &wanted, &quiet)
        .await
        .unwrap();
    assert_eq!(content(fixture.name()).await, content(other.name()).await);
}

#[tokio::test]
async fn a_role_without_superuser_restores_what_it_owns() {
    let role = support::unique("app");
    let name = support::unique("owned");
    let setup = support::session("postgres", "setup").await;
    setup
        .batch_execute(&format!("create role {role} login createdb password 'x'"))
        .await
        .unwrap();
    setup
        .batch_execute(&format!("create database {name} owner {role}"))
        .await
        .unwrap();
    let mut fixture = Fixture::new("unused").await;
    fixture.location.database = name.clone();
    fixture.location.user = role.clone();
    let session = support::session(&name, "setup").await;
    session
        .batch_execute(&format!("set role {role}; {CONTENT}"))
        .await
        .unwrap();
    let before = content(&name).await;
    let credentials = support::credentials(&role, "x");
    let runner = Arc::new(backup::LocalRunner::default());
    let server = backup::Server::reach_through(runner, &fixture.location, &credentials, "app")
        .await
        .unwrap();
    let backup = fixture.try_create(&server).await.unwrap();
    session
        .batch_execute("update orders set note = 'gone'")
        .await
        .unwrap();
    drop(session);
    let look = support::session("postgres", "look").await;
    support::until(
        &look,
        &format!(
            "select count(*) = 0 from pg_stat_activity where datname = '{name}' and usename = 'postgres'"
        ),
    )
    .await;
    restore(&server, &backup, &request(), &quiet).await.unwrap();
    assert_eq!(content(&name).await, before);
    let owner = ask(
        &name,
        "select tableowner::text from pg_tables where tablename = 'orders'",
    )
    .await;
    assert_eq!(owner, role);
}

#[tokio::test]
async fn a_backup_of_every_layout_is_restored() {
    let fixture = Fixture::new("layouts").await;
    let before = content(fixture.name()).await;
    for format in [BackupFormat::Directory, BackupFormat::Plain] {
        let server = fixture.server().await;
        let request_of = backup::CreateRequest {
            format,
            ..fixture.request()
        };
        let backup = backup::create(&server, &fixture.store, &request_of, &quiet)
            .await
            .unwrap();
        spoil_again(&fixture).await;
        let report = restore(&server, &backup, &request(), &quiet).await.unwrap();
        assert_eq!(content(fixture.name()).await, before, "{format:?}");
        assert!(!report.compared.is_empty(), "{report:?}");
    }
}
