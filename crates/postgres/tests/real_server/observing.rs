//! Reading a real database.

use crate::migrating::GOOSE;
use crate::support::{database, location, open, quoted, session, unique, until};
use model::{Seen, SessionRole};
use postgres_room::{blocked, facts, held_locks, prepared_transactions, replication, sessions};

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
