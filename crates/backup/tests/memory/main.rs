//! What a backup holds in memory. Alone in its process, whose memory is measured.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[expect(
    dead_code,
    reason = "shared with the tests of backups in folders, which use more of it"
)]
#[path = "../local/fixture.rs"]
mod fixture;
#[expect(
    dead_code,
    reason = "the server is shared with the tests of another room, which use more of it"
)]
#[path = "../../../postgres/tests/real_server/support.rs"]
mod support;

use std::time::Duration;

use backup::{Store, Tuning, get};
use model::Secret;
use test_node::object_server::ObjectServer;

use fixture::{Fixture, quiet};

/// What this process ever held at once, in MiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test]
async fn memory_does_not_grow_with_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("s3");
    std::fs::create_dir_all(root.join("backups")).unwrap();
    let bucket = ObjectServer::start(&root).unwrap();
    let mut fixture = Fixture::new("large").await;
    let setup = support::session(fixture.name(), "setup").await;
    setup
        .batch_execute("create unlogged table large as select md5(random()::text) || md5(random()::text) x from generate_series(1, 3000000)")
        .await
        .unwrap();
    let backup = fixture.create().await;
    assert!(
        backup.manifest.files[0].bytes > 90 << 20,
        "{} bytes",
        backup.manifest.files[0].bytes
    );
    assert!(most_memory() <= 64, "{} MiB", most_memory());

    let text = format!("s3://backups?endpoint={}", bucket.endpoint());
    let variables = bucket.variables().into_iter();
    let tuning = Tuning {
        patience: Duration::from_secs(5),
        part_bytes: None,
        variables: Some(
            variables
                .map(|(name, value)| (name.to_owned(), Secret::new(value)))
                .collect(),
        ),
    };
    fixture.store = Store::open_tuned(&text, tuning).unwrap();
    let backup = fixture.create().await;
    get(&backup, fixture.folder(), &quiet).await.unwrap();
    // Four parts of 8 MiB on their way up, or four ranges on their way down.
    assert!(most_memory() <= 64 + 48, "{} MiB with a bucket", most_memory());
}
