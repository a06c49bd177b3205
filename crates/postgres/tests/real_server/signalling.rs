//! Asking for locks without waiting for them, and ending what stands in the way.

use model::ProbeOutcome;
use postgres_room::{SessionOptions, Signal, probe, signal};
use tokio_postgres::error::SqlState;

use crate::support::{connector, database, session, unique};

const TABLES: &str =
    "create table \"odd \"\"t\" (a int); create table free (a int); create view v as select 1";

/// The server process of a client.
async fn pid(client: &tokio_postgres::Client) -> i32 {
    client
        .query_one("select pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn a_probe_names_the_holder_waits_in_no_queue_and_leaves_no_lock() {
    let name = unique("probe");
    let live = database(&name, TABLES).await;
    let look = connector(&live)
        .connect(&SessionOptions::default())
        .await
        .unwrap();
    let holder = session(&name, "holder").await;
    holder
        .batch_execute("begin; select * from \"odd \"\"t\"")
        .await
        .unwrap();

    let probed = probe(&look, &[]).await.unwrap();
    let of = |table: &str| probed.iter().find(|one| one.table == table).unwrap();
    assert_eq!(probed.len(), 2, "{probed:?}");
    assert_eq!(of("public.free").outcome, ProbeOutcome::Free);
    let odd = of("public.\"odd \"\"t\"");
    assert_eq!(odd.outcome, ProbeOutcome::Held);
    assert_eq!(odd.holders, [pid(&holder).await]);

    // A reader that came later is let through at once: nobody stands in the queue before it.
    let reader = session(&name, "reader").await;
    reader.batch_execute("set lock_timeout = '1ms'").await.unwrap();
    reader.query("select * from \"odd \"\"t\"; ", &[]).await.unwrap();
    reader.batch_execute("drop table free").await.unwrap();

    let named = probe(&look, &["nowhere".to_owned(), "v".to_owned()])
        .await
        .unwrap();
    assert!(
        named
            .iter()
            .all(|one| matches!(&one.outcome, ProbeOutcome::Unknown(_))),
        "{named:?}"
    );
}

#[tokio::test]
async fn a_statement_is_taken_back_and_a_session_is_ended_and_both_are_seen_to_be() {
    let name = unique("signal");
    let live = database(&name, TABLES).await;
    let look = connector(&live)
        .connect(&SessionOptions::default())
        .await
        .unwrap();

    let busy = session(&name, "busy").await;
    let number = pid(&busy).await;
    let statement = tokio::spawn(async move {
        let error = busy.batch_execute("select pg_sleep(600)").await.unwrap_err();
        (busy, error)
    });
    let begun = "select count(*) from pg_stat_activity where pid = $1 and state = 'active'";
    let watcher = session(&name, "watcher").await;
    while watcher
        .query_one(begun, &[&number])
        .await
        .unwrap()
        .get::<_, i64>(0)
        == 0
    {
        tokio::task::yield_now().await;
    }
    signal(&look, number, Signal::Cancel).await.unwrap();
    let (busy, error) = statement.await.unwrap();
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
    busy.batch_execute("begin; lock table free").await.unwrap();
    // One whose statement has ended meanwhile has none to give up.
    signal(&look, number, Signal::Cancel).await.unwrap();

    signal(&look, number, Signal::Terminate).await.unwrap();
    assert!(busy.batch_execute("select 1").await.is_err());
    let locks = "select count(*) from pg_locks where relation = 'free'::regclass";
    assert_eq!(watcher.query_one(locks, &[]).await.unwrap().get::<_, i64>(0), 0);
    // One that is gone has nothing left to heed.
    signal(&look, number, Signal::Terminate).await.unwrap();
}

#[tokio::test]
async fn however_many_tables_there_are_each_is_asked() {
    let name = unique("probe");
    let many = "do $$ begin for i in 1..1001 loop execute format('create table t%s ()', i); end loop; end $$";
    let live = database(&name, many).await;
    let look = connector(&live)
        .connect(&SessionOptions::default())
        .await
        .unwrap();
    assert_eq!(probe(&look, &[]).await.unwrap().len(), 1001);
}
