//! Whether it is noticed that somebody wrote. These tests look at the whole server, so they have one of their own kind:
//! only what must be noticed is tested here, because another test may write at any time.

use backup::Anchor;

use crate::fixture::Fixture;
use crate::support;

async fn is_noticed(act: &str) -> bool {
    let fixture = Fixture::new("anchored").await;
    let server = fixture.server().await;
    let session = support::session(fixture.name(), "writer").await;
    let anchor = Anchor::take(&server).await.unwrap();
    session.batch_execute(act).await.unwrap();
    !anchor.holds(&server).await
}

#[tokio::test]
async fn a_change_of_data_that_keeps_counts_and_schema_is_noticed() {
    assert!(is_noticed("update orders set note = note || 'x' where id = 1").await);
    assert!(is_noticed("begin; delete from orders; rollback").await);
    assert!(is_noticed("create index on orders (id, note)").await);
}

#[tokio::test]
async fn a_transaction_that_was_at_work_before_and_ends_after_is_noticed() {
    let fixture = Fixture::new("overlap").await;
    let server = fixture.server().await;
    let early = support::session(fixture.name(), "early").await;
    early
        .batch_execute("begin; insert into orders (note) values ('early')")
        .await
        .unwrap();
    let late = support::session(fixture.name(), "late").await;
    late.batch_execute("insert into orders (note) values ('late')")
        .await
        .unwrap();
    let anchor = Anchor::take(&server).await.unwrap();
    early.batch_execute("commit").await.unwrap();
    assert!(!anchor.holds(&server).await);
}
