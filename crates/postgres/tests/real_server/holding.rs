//! Keeping writers away from a real database for a while.

use std::time::Duration;

use crate::support::{connector, database, session, unique};
use postgres_room::{Hold, HoldError};

const LONG: Duration = Duration::from_secs(60);

/// Whether a write goes through at once.
async fn can_write(name: &str) -> bool {
    let writer = session(name, "writer").await;
    writer.batch_execute("set lock_timeout = '300ms'").await.unwrap();
    writer
        .batch_execute("insert into \"odd \"\"t\" values (1)")
        .await
        .is_ok()
}

#[tokio::test]
async fn writers_wait_readers_do_not_and_the_end_lets_them_go_on() {
    let name = unique("hold");
    let live = database(
        &name,
        "create table \"odd \"\"t\" (a int); create table p (a int) partition by list (a); \
         create table p1 partition of p for values in (1); create view v as select 1",
    )
    .await;
    let hold = Hold::begin(&connector(&live), LONG, LONG).await.unwrap();
    assert!(!can_write(&name).await);
    let reader = session(&name, "reader").await;
    reader.query_one("select count(*) from p", &[]).await.unwrap();
    let partition = session(&name, "writer").await;
    partition
        .batch_execute("set lock_timeout = '300ms'")
        .await
        .unwrap();
    assert!(partition.batch_execute("insert into p values (1)").await.is_err());
    assert!(hold.end().await);
    assert!(can_write(&name).await);
}

#[tokio::test]
async fn the_server_ends_it_at_its_limit_and_when_the_client_is_gone() {
    let name = unique("hold");
    let live = database(&name, "create table \"odd \"\"t\" (a int)").await;
    let hold = Hold::begin(&connector(&live), Duration::from_millis(1), LONG)
        .await
        .unwrap();
    // The write waits for the lock, and the lock goes with the session that the server ends.
    let writer = session(&name, "writer").await;
    writer
        .batch_execute("insert into \"odd \"\"t\" values (1)")
        .await
        .unwrap();
    assert!(!hold.end().await, "it did not last until its end");

    let hold = Hold::begin(&connector(&live), LONG, LONG).await.unwrap();
    drop(hold);
    writer
        .batch_execute("insert into \"odd \"\"t\" values (2)")
        .await
        .unwrap();
}

#[tokio::test]
async fn where_somebody_writes_all_the_time_nothing_is_held() {
    let name = unique("hold");
    let live = database(
        &name,
        "create table a (a int); create table \"odd \"\"t\" (a int)",
    )
    .await;
    let writer = session(&name, "writer").await;
    writer
        .batch_execute("begin; insert into \"odd \"\"t\" values (1)")
        .await
        .unwrap();
    let busy = Hold::begin(&connector(&live), LONG, Duration::ZERO)
        .await
        .unwrap_err();
    assert!(matches!(busy, HoldError::Busy { .. }), "{busy}");
    let other = session(&name, "other").await;
    other.batch_execute("insert into a values (1)").await.unwrap();
}
