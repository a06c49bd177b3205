//! What a dump must not do quietly: leave rows out, wait for nobody known, be laid out as nobody can read.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backup::{Backup, CreateError, LocalRunner, Packing, Server, create, databases};
use model::BackupFormat;

use crate::fixture::{Fixture, HOSTILE, quiet};
use crate::support;

/// What is lost where a dump is made carelessly.
const RICH: &str = r#"
    create collation german (provider = icu, locale = 'de-DE');
    create extension pg_trgm;
    create table measures (at date not null, value int, note text collate german) partition by range (at);
    create table measures_1 partition of measures for values from ('2025-01-01') to ('2025-07-01');
    create table measures_2 partition of measures for values from ('2025-07-01') to ('2026-01-01');
    insert into measures select '2025-01-01'::date + i % 365, i, 'ä' || i from generate_series(1, 5000) i;
    create index on measures using gin (note gin_trgm_ops);
    create materialized view sums as select at, sum(value) from measures group by at;
    create unlogged table scratch as select generate_series(1, 10) x;
    alter table measures_1 enable row level security;
    create policy own on measures_1 using (value > 2500);
    comment on table measures is 'kept';
    select lo_from_bytea(0, repeat('x', 100000)::bytea);
"#;

/// What makes two of them equal.
const SUM: &str = "select (select md5(string_agg(m::text, ',' order by m::text)) from measures m) || '/' \
    || (select count(*) from sums) || '/' || (select count(*) from scratch) || '/' \
    || (select sum(length(data)) from pg_largeobject) || '/' \
    || (select string_agg(extname, ',' order by extname) from pg_extension) || '/' \
    || (select count(*) from pg_policy) || '/' || obj_description('measures'::regclass)";

async fn as_role(fixture: &Fixture, user: &str) -> Server {
    let credentials = support::credentials(user, "pw");
    let runner = Arc::new(LocalRunner::default());
    Server::reach_through(runner, &fixture.location, &credentials, &support::unique("role"))
        .await
        .unwrap()
}

async fn run(fixture: &Fixture, sql: &str) {
    support::session(fixture.name(), "setup")
        .await
        .batch_execute(sql)
        .await
        .unwrap();
}

async fn made(fixture: &Fixture, format: BackupFormat, packing: Packing) -> Backup {
    let mut request = fixture.request();
    request.format = format;
    request.packing = packing;
    create(&fixture.server().await, &fixture.store, &request, &quiet)
        .await
        .unwrap()
}

fn names(backup: &Backup) -> Vec<&str> {
    backup
        .manifest
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect()
}

/// Unpacks with the tools that everybody has.
fn unpacked(packed: &std::path::Path) -> Vec<u8> {
    let output = Command::new("zstd").arg("-dc").arg(packed).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[tokio::test]
async fn rows_that_a_policy_would_hide_are_refused_before_anything_is_dumped() {
    let fixture = Fixture::new(HOSTILE).await;
    let role = support::unique("reader");
    run(
        &fixture,
        &format!(
            "create role {role} login password 'pw' in role pg_read_all_data; \
             alter table orders enable row level security; create policy few on orders using (id < 10); \
             select lo_unlink(oid) from pg_largeobject_metadata"
        ),
    )
    .await;
    let server = as_role(&fixture, &role).await;
    let error = create(&server, &fixture.store, &fixture.request(), &quiet)
        .await
        .unwrap_err();
    let CreateError::RowSecurity { tables, user, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!((tables.as_str(), user.as_str()), ("public.orders", role.as_str()));
    assert_eq!(fixture.left(), Vec::<std::path::PathBuf>::new());

    run(&fixture, &format!("alter role {role} bypassrls")).await;
    let server = as_role(&fixture, &role).await;
    let said = Mutex::new(Vec::new());
    let hear = |message: &str, _: Option<f64>| said.lock().unwrap().push(message.to_owned());
    let backup = create(&server, &fixture.store, &fixture.request(), &hear)
        .await
        .unwrap();
    let orders = backup
        .manifest
        .rows
        .iter()
        .find(|table| table.table == "public.orders");
    assert_eq!(orders.map(|table| table.rows), Some(20_000), "{said:?}");
}

#[tokio::test]
async fn what_a_role_may_not_read_is_named() {
    let fixture = Fixture::new("unreadable").await;
    let role = support::unique("stranger");
    run(
        &fixture,
        &format!("create role {role} login password 'pw'; grant select on orders to {role}"),
    )
    .await;
    let server = as_role(&fixture, &role).await;
    let error = create(&server, &fixture.store, &fixture.request(), &quiet)
        .await
        .unwrap_err();
    let CreateError::Unreadable { what, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(what.contains("odd") && what.contains("orders_id_seq"), "{what}");
}

#[tokio::test]
async fn who_holds_the_table_that_a_dump_waits_for_is_named() {
    let fixture = Fixture::new("held").await;
    let server = fixture.server().await;
    let holder = support::session(fixture.name(), "the migration").await;
    let mut request = fixture.request();
    request.lock_wait = Duration::from_secs(4);
    let said = Mutex::new(Vec::new());
    let hear = |message: &str, _: Option<f64>| said.lock().unwrap().push(message.to_owned());
    holder
        .batch_execute("begin; lock table orders in access exclusive mode")
        .await
        .unwrap();
    let error = create(&server, &fixture.store, &request, &hear)
        .await
        .unwrap_err();
    let CreateError::Locked { holders, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(
        holders.contains("orders is held by")
            && holders.contains("the migration")
            && holders.contains("postgres"),
        "{holders}"
    );
    let said = said.into_inner().unwrap().join("\n");
    assert!(
        said.contains("orders is locked by session"),
        "told before it began to wait: {said}"
    );
}

#[tokio::test]
async fn everything_that_a_careless_dump_loses_comes_back() {
    let fixture = Fixture::new(HOSTILE).await;
    run(&fixture, RICH).await;
    let backup = made(&fixture, BackupFormat::Custom, Packing::Best).await;
    assert_eq!(backup.manifest.format, BackupFormat::Custom);
    assert_eq!(backup.manifest.route, "direct");
    assert!(backup.manifest.extensions.contains_key("pg_trgm"));
    let archive = unpacked(&backup.folder().unwrap().join("dump.pgc.zst"));
    let target = support::unique("rich");
    support::run("createdb", &["-T", "template0", &target], None);
    support::run("pg_restore", &["--exit-on-error", "-d", &target], Some(&archive));
    let sum = |database: &str| {
        let database = database.to_owned();
        async move { crate::fixture::ask(&database, SUM).await }
    };
    assert_eq!(sum(&target).await, sum(fixture.name()).await);
}

#[tokio::test]
async fn a_folder_of_files_is_kept_as_one_tar_that_plain_tools_restore() {
    let fixture = Fixture::new(HOSTILE).await;
    run(&fixture, RICH).await;
    let backup = made(&fixture, BackupFormat::Directory, Packing::Best).await;
    assert_eq!(names(&backup)[0], "dump.tar");
    assert_eq!(backup.manifest.format, BackupFormat::Directory);
    let place = tempfile::tempdir().unwrap();
    let status = Command::new("tar")
        .arg("-xf")
        .arg(backup.folder().unwrap().join("dump.tar"))
        .current_dir(place.path())
        .status()
        .unwrap();
    assert!(status.success());
    let target = support::unique("folder");
    support::run("createdb", &["-T", "template0", &target], None);
    let dump = place.path().join("dump");
    support::run(
        "pg_restore",
        &[
            "--exit-on-error",
            "--jobs=2",
            "-d",
            &target,
            dump.to_str().unwrap(),
        ],
        None,
    );
    assert_eq!(
        crate::fixture::ask(&target, SUM).await,
        crate::fixture::ask(fixture.name(), SUM).await
    );
}

#[tokio::test]
async fn plain_text_is_made_on_request_and_ends_with_the_words_of_a_whole_dump() {
    let fixture = Fixture::new("plain").await;
    let backup = made(&fixture, BackupFormat::Plain, Packing::Best).await;
    assert_eq!(names(&backup)[0], "dump.sql.zst");
    let text = unpacked(&backup.folder().unwrap().join("dump.sql.zst"));
    assert!(String::from_utf8_lossy(&text).contains("-- PostgreSQL database dump complete"));
    let target = support::unique("text");
    support::run("createdb", &["-T", "template0", &target], None);
    support::run(
        "psql",
        &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &target],
        Some(&text),
    );
    assert_eq!(
        crate::fixture::content(&target).await,
        crate::fixture::content(fixture.name()).await
    );
}

#[tokio::test]
async fn nothing_is_packed_where_nothing_shall_be() {
    let fixture = Fixture::new("unpacked").await;
    let backup = made(&fixture, BackupFormat::Custom, Packing::None).await;
    assert_eq!(names(&backup)[0], "dump.pgc");
    assert_eq!(backup.manifest.files[0].codec, "none");
}

#[tokio::test]
async fn what_no_dump_carries_is_written_down() {
    let fixture = Fixture::new("elsewhere").await;
    run(
        &fixture,
        "create extension postgres_fdw; create server crm foreign data wrapper postgres_fdw; \
         create foreign table customers (id int) server crm; \
         create subscription feed connection 'host=nowhere' publication p with (connect = false)",
    )
    .await;
    let slot = support::unique("cdc");
    run(
        &fixture,
        &format!("select pg_create_logical_replication_slot('{slot}', 'pgoutput')"),
    )
    .await;
    let backup = fixture.create().await;
    let told = backup.manifest.left_out.join("\n");
    assert!(
        told.contains("crm") && told.contains("feed") && told.contains(&slot),
        "{told}"
    );
    run(&fixture, &format!("select pg_drop_replication_slot('{slot}')")).await;
}

#[tokio::test]
async fn every_database_of_a_server_is_named_but_templates_and_postgres() {
    let fixture = Fixture::new(HOSTILE).await;
    let (names, skipped) = databases(&fixture.server().await, false).await.unwrap();
    assert!(names.iter().any(|name| name == fixture.name()), "{names:?}");
    assert!(
        !names
            .iter()
            .any(|name| name == "postgres" || name.starts_with("template")),
        "{names:?}"
    );
    assert_eq!(skipped, ["postgres"]);
    let (all, none) = databases(&fixture.server().await, true).await.unwrap();
    assert!(all.iter().any(|name| name == "postgres") && none.is_empty());
    let server = fixture.server().await.on(fixture.name(), "other").await.unwrap();
    assert_eq!(server.location().database, fixture.name());
}
