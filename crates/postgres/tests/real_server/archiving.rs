//! The archive of WAL as a real server tells it. One test: the archive is the whole server's.

use crate::support::{database, location, open, session, unique, until};
use model::{ArchiveWay, ArchiverFacts, Seen};
use postgres_room::archiver;

async fn read(location: &model::DatabaseLocation) -> ArchiverFacts {
    match archiver(&open(location).await).await {
        Seen::Present(facts) => facts,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_archive_is_seen_to_keep_nothing_to_fail_and_to_recover() {
    let at = database(
        &unique("archived"),
        "create role watcher login password 'correct horse'",
    )
    .await;
    let admin = session(&at.database, "archive").await;
    let command = async |command: &str| {
        let set = format!("alter system set archive_command = '{command}'");
        for sql in [set.as_str(), "select pg_reload_conf()"] {
            admin.batch_execute(sql).await.unwrap();
        }
        let shown = format!("select current_setting('archive_command') = '{command}'");
        until(&admin, &shown).await;
    };
    assert!(
        matches!(read(&at).await.way, ArchiveWay::Nothing(_)),
        "the setting is empty at first"
    );

    command("false").await;
    admin
        .batch_execute("create table filler (); select pg_switch_wal()")
        .await
        .unwrap();
    until(&admin, "select failed_count > 0 from pg_stat_archiver").await;
    let failing = read(&at).await;
    assert!(failing.fails(), "{failing:?}");
    assert_eq!(failing.way, ArchiveWay::Command);
    assert!(failing.backlog > Some(0), "{failing:?}");
    assert_eq!(failing.segment_bytes, 16 << 20);

    // Who may not look into the folder is told so and still learns the rest.
    let limited = read(&location(&at.database, "watcher")).await;
    assert_eq!(limited.backlog, None);
    assert!(limited.fails());

    command("test -f %p").await;
    admin
        .batch_execute("create table more (); select pg_switch_wal()")
        .await
        .unwrap();
    until(
        &admin,
        "select last_archived_time > last_failed_time from pg_stat_archiver",
    )
    .await;
    assert!(!read(&at).await.fails());
}
