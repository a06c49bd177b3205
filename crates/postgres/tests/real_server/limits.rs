//! Limits, settings and damage that a real server tells of.

use model::Seen;
use postgres_room::{Connector, SessionOptions, health};

use crate::support::{credentials, database, location, open, session, unique};

const DAMAGE: &str = "
    create table \"odd \"\"t\" (a int); insert into \"odd \"\"t\" values (1), (1), (-1);
    alter table \"odd \"\"t\" add constraint positive check (a > 0) not valid;
    create table small (id smallserial); select setval('small_id_seq', 32000);
    create sequence wide; create table narrow (id int default nextval('wide')); alter sequence wide owned by narrow.id;
    select setval('wide', 2100000000);
    create table of_extension (a int); create extension pg_trgm;
    create table parted (a int) partition by range (a); create table part partition of parted default;
    create table \"Huge\" (a int primary key);
    do $$ begin for n in 1..60 loop execute format('create table many_%s (a int)', n); end loop; end $$";

/// Statistics as tables of this size have them; to fill such tables would take minutes.
const SIZES: &str = "
    update pg_class set relpages = 200000, reltuples = 2e6 where relname = 'Huge';
    update pg_class set relpages = 1, reltuples = 2e7 where relname = 'part';
    update pg_class set relpages = 150000 where relname like 'many\\_%'";

#[tokio::test]
async fn damage_is_named() {
    let name = unique("limits");
    let live = database(&name, DAMAGE).await;
    // A concurrent build that fails leaves its index behind.
    let owner = session(&name, "owner").await;
    let failed = owner
        .batch_execute("create unique index concurrently broken on \"odd \"\"t\" (a)")
        .await;
    assert!(failed.is_err());
    owner.batch_execute(SIZES).await.unwrap();
    let Seen::Present(found) = health(&open(&live).await).await else {
        panic!("a superuser may see everything");
    };
    assert_eq!(found.invalid_indexes, ["public.broken"]);
    assert_eq!(found.unvalidated, ["positive on public.\"odd \"\"t\""]);
    assert_eq!(found.sequences, ["public.small_id_seq 97 %", "public.wide 97 %"]);
    assert_eq!(found.hidden_sequences, 0);
    let Seen::Present(large) = &found.large_tables else {
        panic!("{:?}", found.large_tables);
    };
    let (many, few): (Vec<_>, Vec<_>) = large
        .iter()
        .map(|table| (table.name.as_str(), table.rows))
        .partition(|(name, _)| name.starts_with("public.many_"));
    // None falls off, be they ever so many.
    assert_eq!(many.len(), 60);
    assert_eq!(
        few,
        [
            ("public.\"Huge\"", 2_000_000),
            ("public.part", 20_000_000),
            ("public.parted", 20_000_000)
        ]
    );
    assert_eq!(
        (found.schema.as_deref(), found.may_create),
        (Some("public"), true)
    );
    assert!(found.foreign_tables.is_empty(), "{:?}", found.foreign_tables);
    assert!(found.synchronous.is_empty() && found.standbys.is_empty());
    assert_eq!(found.pooler, Seen::Absent);
    assert!(found.transaction_age >= 0 && found.freeze_max_age > 0);
    let left =
        "select 200 - 3 - case when current_setting('server_version_num')::int >= 160000 then 2 else 0 end";
    let left: i32 = owner.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(found.connections, left);
    assert!(found.connections > found.connected && found.connected > 0 && found.own > 0);
    assert_eq!(found.collations, Vec::<String>::new());
}

#[tokio::test]
async fn the_rights_and_timeouts_are_those_of_the_application_s_role() {
    let name = unique("limits");
    let role = format!("{name}_app");
    let live = database(
        &name,
        &format!(
            "create table theirs (a int); create sequence unread; create role {role} login password 'long enough'; \
             alter role {role} set statement_timeout = '30s'; \
             alter role {role} in database {name} set lock_timeout = '1s'; \
             revoke create on schema public from public"
        ),
    )
    .await;
    let as_app = location(&live.database, &role);
    let connector = Connector::direct(&as_app, &credentials(&role, "long enough"), "test");
    let look = connector.connect(&SessionOptions::default()).await.unwrap();
    let Seen::Present(found) = health(&look).await else {
        panic!("all of it may be read by anybody");
    };
    assert_eq!(
        found.foreign_tables,
        ["public.theirs of postgres", "public.unread of postgres"]
    );
    assert_eq!(found.hidden_sequences, 1);
    assert!(!found.may_create);
    assert_eq!(
        (found.statement_timeout_ms, found.lock_timeout_ms),
        (30_000, 1_000)
    );
    assert_eq!(found.own, 1);
}

#[tokio::test]
async fn an_index_that_is_being_built_is_not_left_half_made() {
    let name = unique("limits");
    let live = database(&name, "create table t (a int)").await;
    let look = open(&live).await;
    let writer = session(&name, "writer").await;
    writer
        .batch_execute("begin; insert into t values (1)")
        .await
        .unwrap();
    let builder = session(&name, "builder").await;
    let built = tokio::spawn(async move {
        builder
            .batch_execute("create index concurrently slow on t (a)")
            .await
    });
    let begun = "select count(*) from pg_stat_progress_create_index \
                 where index_relid = to_regclass('slow') and datname = current_database()";
    let watcher = session(&name, "watcher").await;
    while watcher.query_one(begun, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
    let Seen::Present(found) = health(&look).await else {
        panic!("a superuser may see everything");
    };
    assert_eq!(found.invalid_indexes, Vec::<String>::new());
    writer.batch_execute("rollback").await.unwrap();
    built.await.unwrap().unwrap();
}
