//! The traps of restoring (docs/backup-faults.md, "In a restore"), each made to happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use backup::{RestoreError, RestoreRequest, restore, restore_id};
use jiff::Timestamp;
use model::{RestoreOptions, causes};

use crate::fixture::{Fixture, ask, content, databases_like, quiet};
use crate::support;

fn request() -> RestoreRequest {
    RestoreRequest {
        id: restore_id(Timestamp::now()),
        options: RestoreOptions::default(),
    }
}

/// R1: rows of a table without a key double when they are restored over those that are there.
#[tokio::test]
async fn r1_a_restore_over_a_full_database_doubles_no_row() {
    let fixture = Fixture::new("r1").await;
    let setup = support::session(fixture.name(), "setup").await;
    setup
        .batch_execute("create table keyless (x int); insert into keyless select generate_series(1, 500)")
        .await
        .unwrap();
    drop(setup);
    let backup = fixture.create().await;
    restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap();
    assert_eq!(
        ask(fixture.name(), "select count(*)::text from keyless").await,
        "500"
    );
}

/// R2: a table that a migration added and that refers to an older one keeps `--clean` from dropping that.
#[tokio::test]
async fn r2_what_a_migration_added_is_gone_after_a_restore() {
    let fixture = Fixture::new("r2").await;
    let backup = fixture.create().await;
    let migration = support::session(fixture.name(), "migration").await;
    migration
        .batch_execute(
            "alter table orders add column added text; create table lines (order_id int references orders (id));
             insert into lines select id from orders limit 10; update orders set note = 'gone'",
        )
        .await
        .unwrap();
    drop(migration);
    restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap();
    let left = "select (count(*) filter (where table_name = 'lines' or column_name = 'added'))::text \
        from information_schema.columns where table_schema = 'public'";
    assert_eq!(ask(fixture.name(), left).await, "0");
    assert_eq!(
        ask(fixture.name(), "select (min(note) <> 'gone')::text from orders").await,
        "true"
    );
}

/// R3: pg_restore goes on after an error where it is not told otherwise.
#[tokio::test]
async fn r3_the_first_error_ends_a_restore() {
    let fixture = Fixture::new("r3").await;
    let setup = support::session(fixture.name(), "setup").await;
    // A check that held when its rows were written and holds no more.
    setup
        .batch_execute(
            "create table a_limits (most int); insert into a_limits values (10);
             create function most() returns int language sql as 'select most from public.a_limits';
             create table bounded (x int check (x <= most())); insert into bounded values (10);
             update a_limits set most = 5",
        )
        .await
        .unwrap();
    drop(setup);
    let backup = fixture.create().await;
    let before = content(fixture.name()).await;
    let error = restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap_err();
    assert!(
        causes(&error).contains("pg_restore ended with status 1"),
        "{}",
        causes(&error)
    );
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
    assert_eq!(content(fixture.name()).await, before);
}

/// R5: a function in an index that finds what it calls by the search path.
#[tokio::test]
async fn r5_an_unqualified_function_in_an_index_is_named_with_its_remedy() {
    let fixture = Fixture::new("r5").await;
    let setup = support::session(fixture.name(), "setup").await;
    setup
        .batch_execute(
            "create function twice(int) returns int language sql immutable as 'select $1 * 2';
             create function four(int) returns int language plpgsql immutable as 'begin return twice(twice($1)); end';
             create table indexed (x int); insert into indexed values (1); create index fourfold on indexed (four(x))",
        )
        .await
        .unwrap();
    let backup = fixture.create().await;
    let error = restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap_err();
    let words = causes(&error);
    for part in [
        "fourfold",
        "ALTER FUNCTION public.four(integer) SET search_path = public, pg_temp",
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
    // The remedy is one.
    setup
        .batch_execute("alter function public.four(integer) set search_path = public, pg_temp")
        .await
        .unwrap();
    drop(setup);
    let backup = fixture.create().await;
    restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap();
}

/// R6: a pool that connects again as soon as it is thrown out.
#[tokio::test]
async fn r6_connections_that_keep_coming_do_not_keep_the_swap_away() {
    let fixture = Fixture::new("r6").await;
    let before = content(fixture.name()).await;
    let backup = fixture.create().await;
    let (stop, sessions) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let pool = (0..4).map(|_| {
        let (stop, sessions) = (Arc::clone(&stop), Arc::clone(&sessions));
        let name = fixture.name().to_owned();
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let server = support::server();
                let connected = tokio_postgres::Config::new()
                    .host_path(&server.socket)
                    .port(server.port)
                    .user("postgres")
                    .dbname(&name)
                    .application_name("pool")
                    .connect(tokio_postgres::NoTls)
                    .await;
                if let Ok((client, connection)) = connected {
                    sessions.fetch_add(1, Ordering::Relaxed);
                    let connection = tokio::spawn(connection);
                    while client.simple_query("select 1").await.is_ok() && !stop.load(Ordering::Relaxed) {}
                    drop(client);
                    let _ = connection.await;
                }
            }
        })
    });
    let pool: Vec<_> = pool.collect();
    let restored = restore(&fixture.server().await, &backup, &request(), &quiet).await;
    // Whoever was thrown out comes back, if not before the end of the restore then after it.
    let back = async {
        while sessions.load(Ordering::Relaxed) <= 4 {
            tokio::task::yield_now().await;
        }
    };
    let back = tokio::time::timeout(std::time::Duration::from_secs(60), back).await;
    stop.store(true, Ordering::Relaxed);
    for client in pool {
        client.await.unwrap();
    }
    restored.unwrap();
    assert!(back.is_ok(), "the pool never came back after it was thrown out");
    assert_eq!(content(fixture.name()).await, before);
}

/// R7: a restored database has no statistics of its own.
#[tokio::test]
async fn r7_the_planner_has_its_statistics_before_the_swap() {
    let fixture = Fixture::new("r7").await;
    let backup = fixture.create().await;
    restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap();
    let analyzed = "select (count(*) > 0)::text from pg_stats where tablename = 'orders'";
    assert_eq!(ask(fixture.name(), analyzed).await, "true");
    let rows = "select (reltuples = 20000)::text from pg_class where relname = 'orders'";
    assert_eq!(ask(fixture.name(), rows).await, "true");
}

/// R8: the server's own database, which operators keep to themselves.
#[tokio::test]
async fn r8_the_database_postgres_is_never_swapped() {
    let mut fixture = Fixture::new("r8").await;
    let backup = fixture.create().await;
    fixture.location.database = "postgres".into();
    let foreign = RestoreRequest {
        options: RestoreOptions {
            foreign: true,
            ..RestoreOptions::default()
        },
        ..request()
    };
    let error = restore(&fixture.server().await, &backup, &foreign, &quiet)
        .await
        .unwrap_err();
    assert!(matches!(error, RestoreError::Reserved(_)), "{error}");
}

/// R9: the library compares text by other rules than when the indexes were built.
#[tokio::test]
async fn r9_a_collation_that_has_drifted_is_told() {
    let fixture = Fixture::new("r9").await;
    let collation = support::unique("drifted");
    let setup = support::session(fixture.name(), "setup").await;
    setup
        .batch_execute(&format!(
            "create collation {collation} (provider = icu, locale = 'de'); create table names (x text collate {collation})"
        ))
        .await
        .unwrap();
    drop(setup);
    let backup = fixture.create().await;
    let quiet_report = restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap();
    assert!(quiet_report.notes.is_empty(), "{quiet_report:?}");
    let setup = support::session(fixture.name(), "setup").await;
    setup
        .batch_execute(&format!(
            "update pg_collation set collversion = '1.0' where collname = '{collation}'"
        ))
        .await
        .unwrap();
    drop(setup);
    let report = restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap();
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains(&collation) && note.contains("1.0")),
        "{report:?}"
    );
}
