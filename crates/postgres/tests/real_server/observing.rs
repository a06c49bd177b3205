//! Reading a real database.

use std::time::Duration;

use crate::migrating::GOOSE;
use crate::support::{database, location, open, quoted, session, unique, until};
use model::{Seen, SessionRole};
use postgres_room::{
    blocked, facts, held_locks, load, prepared_transactions, replication, row_counts_of, sessions,
};

#[tokio::test]
async fn sessions_are_told_apart_and_their_literals_are_gone() {
    let location = database(&unique("sessions"), "create table t (a text)").await;
    let web = session(&location.database, "web").await;
    web.batch_execute("begin; insert into t values ('hush')")
        .await
        .unwrap();
    let _dump = session(&location.database, "pg_dump").await;
    let _exporter = session(&location.database, "postgres_exporter").await;
    let Seen::Present(seen) = sessions(&open(&location).await).await else {
        panic!("unreadable")
    };
    let role = |application: &str| {
        seen.iter()
            .find(|session| session.application == application)
            .map(|s| s.role)
    };
    assert_eq!(role("web"), Some(SessionRole::Writer));
    assert_eq!(role("pg_dump"), Some(SessionRole::Dump));
    assert_eq!(role("postgres_exporter"), Some(SessionRole::Exporter));
    assert_eq!(role("safe-upgrade/test"), Some(SessionRole::Ours));
    let writer = seen.iter().find(|session| session.application == "web").unwrap();
    assert_eq!(writer.state.as_deref(), Some("idle in transaction"));
    assert!(writer.transaction_seconds.is_some());
    assert_eq!(writer.statement, "begin; insert into t values (?)");
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn sessions_that_may_not_be_seen_are_unknown_and_own_ones_are_enough() {
    let role = unique("app");
    let name = unique("shared");
    database(&name, "").await;
    let admin = session("postgres", "t").await;
    admin
        .batch_execute(&format!("create role {role} login password 'correct horse'"))
        .await
        .unwrap();
    let own = location(&name, &role);
    until(
        &admin,
        &format!("select not exists (select from pg_stat_activity where datname = '{name}')"),
    )
    .await;
    let database = open(&own).await;
    assert!(matches!(sessions(&database).await, Seen::Present(_)));
    let _other = session(&name, "somebody").await;
    let seen = sessions(&database).await;
    assert!(
        matches!(&seen, Seen::Unreadable(why) if why.contains("pg_read_all_stats") && why.contains("postgres")),
        "{seen:?}"
    );
    admin
        .batch_execute(&format!("grant pg_read_all_stats to {role}"))
        .await
        .unwrap();
    assert!(matches!(sessions(&database).await, Seen::Present(_)));
}

#[tokio::test]
async fn a_convoy_leads_to_the_idle_transaction_at_its_root() {
    let location = database(&unique("convoy"), "create table hot (a int)").await;
    let name = &location.database;
    let root = session(name, "leaky").await;
    root.batch_execute("begin; select * from hot").await.unwrap();
    let migration = session(name, "migration").await;
    let altering = tokio::spawn(async move { migration.batch_execute("alter table hot add b int").await });
    let watcher = session(name, "watcher").await;
    let waiting = |count: usize| {
        format!(
            "select count(*) = {count} from pg_locks where not granted and database = \
                 (select oid from pg_database where datname = '{name}')"
        )
    };
    until(&watcher, &waiting(1)).await;
    let reader = session(name, "web").await;
    let reading = tokio::spawn(async move { reader.batch_execute("select * from hot").await });
    until(&watcher, &waiting(2)).await;

    let database = open(&location).await;
    let Seen::Present(tree) = blocked(&database).await else {
        panic!("unreadable")
    };
    assert_eq!(tree.len(), 2, "{tree:?}");
    for (application, mode, holder) in [
        ("migration", "AccessShareLock", "leaky"),
        ("web", "AccessExclusiveLock", "migration"),
    ] {
        let waiter = tree
            .iter()
            .find(|blocked| blocked.session.application == application)
            .unwrap();
        let edge = waiter.blocked_by.first().unwrap();
        assert_eq!(edge.relation.as_deref(), Some("public.hot"), "{application}");
        assert_eq!(edge.mode, mode, "{application}");
        let Seen::Present(all) = sessions(&database).await else {
            panic!("unreadable")
        };
        assert_eq!(
            all.iter()
                .find(|session| session.pid == edge.holder)
                .unwrap()
                .application,
            holder
        );
        let found = waiter.root.as_ref().unwrap();
        assert_eq!(
            (found.application.as_str(), found.state.as_deref()),
            ("leaky", Some("idle in transaction"))
        );
    }
    let Seen::Present(held) = held_locks(&database).await else {
        panic!("unreadable")
    };
    assert!(
        held.iter()
            .any(|lock| lock.relation == "public.hot" && lock.mode == "AccessShareLock"),
        "{held:?}"
    );

    root.batch_execute("rollback").await.unwrap();
    altering.await.unwrap().unwrap();
    reading.await.unwrap().unwrap();
    assert_eq!(blocked(&database).await, Seen::Present(Vec::new()));
}

#[tokio::test]
async fn a_prepared_transaction_is_a_root_that_nobody_is() {
    let location = database(
        &unique("prepared"),
        "create table t (a int primary key); insert into t values (1)",
    )
    .await;
    let name = &location.database;
    let gid = unique("gid");
    let session_one = session(name, "xa").await;
    session_one
        .batch_execute(&format!(
            "begin; lock table t in share mode; prepare transaction '{gid}'"
        ))
        .await
        .unwrap();
    let writer = session(name, "web").await;
    let writing = tokio::spawn(async move { writer.batch_execute("insert into t values (2)").await });
    let watcher = session(name, "watcher").await;
    until(
        &watcher,
        &format!(
            "select exists (select from pg_locks l join pg_stat_activity a using (pid) \
                  where not l.granted and a.datname = '{name}')"
        ),
    )
    .await;
    let database = open(&location).await;
    let Seen::Present(tree) = blocked(&database).await else {
        panic!("unreadable")
    };
    let waiter = tree.first().unwrap();
    assert_eq!(waiter.root, None);
    let edge = waiter.blocked_by.first().unwrap();
    assert_eq!(
        (edge.holder, edge.relation.as_deref(), edge.mode.as_str()),
        (0, Some("public.t"), "ShareLock")
    );
    let Seen::Present(prepared) = prepared_transactions(&database).await else {
        panic!("unreadable")
    };
    assert_eq!(
        prepared.iter().map(|one| one.gid.as_str()).collect::<Vec<_>>(),
        [gid.as_str()]
    );
    watcher
        .batch_execute(&format!("rollback prepared '{gid}'"))
        .await
        .unwrap();
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_wait_for_a_row_names_the_table() {
    let location = database(
        &unique("rows"),
        "create table t (a int); insert into t values (1)",
    )
    .await;
    let name = &location.database;
    let first = session(name, "first").await;
    first.batch_execute("begin; update t set a = 2").await.unwrap();
    let second = session(name, "second").await;
    let updating = tokio::spawn(async move { second.batch_execute("update t set a = 3").await });
    let watcher = session(name, "watcher").await;
    until(&watcher, &format!("select exists (select from pg_stat_activity where datname = '{name}' and wait_event_type = 'Lock')")).await;
    let Seen::Present(tree) = blocked(&open(&location).await).await else {
        panic!("unreadable")
    };
    let waiter = tree.first().unwrap();
    assert_eq!(
        waiter.blocked_by.first().unwrap().relation.as_deref(),
        Some("public.t")
    );
    assert_eq!(waiter.root.as_ref().unwrap().application, "first");
    first.batch_execute("commit").await.unwrap();
    updating.await.unwrap().unwrap();
}

#[tokio::test]
async fn all_facts_come_in_one_look() {
    let name = "fäct\"s of it";
    let location = database(name, GOOSE).await;
    let slot = unique("slot");
    let writer = session(name, "t").await;
    writer
        .execute(
            "select pg_create_logical_replication_slot($1::text::name, 'pgoutput')",
            &[&slot],
        )
        .await
        .unwrap();
    let database = open(&location).await;
    let seen = facts(None, &database, None).await.unwrap();
    assert!(seen.server.version_num >= 130_000);
    assert!(seen.server.version.starts_with(char::is_numeric) && !seen.server.version.contains(' '));
    assert!(seen.server.system_identifier.is_some() && seen.server.lsn.is_some() && !seen.server.in_recovery);
    assert!(seen.size_bytes > 1_000_000);
    assert_eq!(seen.can_swap, Seen::Present(true));
    assert_eq!(seen.free_bytes, Seen::Absent);
    assert_eq!(
        seen.replication,
        Seen::Present(vec![format!("logical slot {slot}, not active")])
    );
    assert!(matches!(seen.migration, Seen::Present(_)));
    assert_eq!(replication(&database).await, seen.replication);
    writer
        .execute("select pg_drop_replication_slot($1::text::name)", &[&slot])
        .await
        .unwrap();
    assert_eq!(quoted(name), "\"fäct\"\"s of it\"");
}

#[tokio::test]
async fn load_counts_who_is_at_work_and_what_is_committed() {
    let location = database(&unique("load"), "create table t (a int)").await;
    let database = open(&location).await;
    let second = Duration::from_secs(1);
    let measured = |seen| match seen {
        Seen::Present(load) => load,
        other => panic!("unreadable: {other:?}"),
    };
    let idle = session(&location.database, "idle").await;
    idle.batch_execute("select 1").await.unwrap();
    assert_eq!(
        measured(load(&database, second).await).active,
        0,
        "who is idle is not at work"
    );

    let web = session(&location.database, "web").await;
    web.batch_execute("begin; insert into t values (1)")
        .await
        .unwrap();
    assert_eq!(
        measured(load(&database, second).await).active,
        1,
        "an open transaction is work"
    );

    let writing = tokio::spawn(async move {
        loop {
            idle.batch_execute("insert into t values (2)").await.unwrap();
        }
    });
    // What a session has done is counted up to a second later.
    let busy = measured(load(&database, 4 * second).await);
    writing.abort();
    assert!(busy.tps > 20.0, "{busy:?}");
}

#[tokio::test]
async fn only_the_named_tables_are_counted_and_what_is_none_is_told() {
    let sql = "create table orders (a int); insert into orders values (1), (2); \
               create schema other; create table other.orders (a int); create view seen as select 1 as a";
    let database = open(&database(&unique("counted"), sql).await).await;
    let wanted = ["orders", "other.orders", "seen", "nothing"];
    let counted = row_counts_of(&database, &wanted.map(str::to_owned))
        .await
        .unwrap();
    let rows: Vec<_> = counted
        .iter()
        .map(|(_, rows)| rows.as_ref().map(|rows| (rows.table.as_str(), rows.rows)))
        .collect();
    assert_eq!(
        rows,
        [Some(("public.orders", 2)), Some(("other.orders", 0)), None, None]
    );
}
