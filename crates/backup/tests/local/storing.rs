//! What is listed, and what is fetched.

use backup::{Filter, get};
use jiff::Timestamp;
use model::BackupGrade;

use crate::fixture::{Fixture, HOSTILE, quiet};

#[tokio::test]
async fn only_complete_backups_are_listed_newest_first() {
    let fixture = Fixture::new(HOSTILE).await;
    assert!(fixture.store.list(&Filter::default()).await.unwrap().is_empty());
    let first = fixture.create().await;
    let mut request = fixture.request();
    request.id = "20990101T000000Z-00000000".parse().unwrap();
    let server = fixture.server().await;
    let second = backup::create(&server, &fixture.store, &request, &quiet)
        .await
        .unwrap();

    let folder = first.folder().unwrap();
    let beside = folder.parent().unwrap();
    let partial = beside.join("20250101T000000Z-0a1b2c3d");
    std::fs::create_dir(&partial).unwrap();
    std::fs::copy(
        first.folder().unwrap().join("dump.pgc.zst"),
        partial.join("dump.pgc.zst"),
    )
    .unwrap();
    let stolen = beside.join("20250101T000000Z-0a1b2c3e");
    std::fs::create_dir(&stolen).unwrap();
    std::fs::copy(
        first.folder().unwrap().join("manifest.json"),
        stolen.join("manifest.json"),
    )
    .unwrap();
    std::fs::write(beside.join("stray"), "").unwrap();

    let listed = fixture.store.list(&Filter::default()).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|backup| backup.id.clone()).collect();
    assert_eq!(ids, [second.id.clone(), first.id.clone()]);
    let wanted = Filter {
        database: Some(fixture.name().to_owned()),
        ..Filter::default()
    };
    assert_eq!(fixture.store.list(&wanted).await.unwrap().len(), 2);
    let other = Filter {
        database: Some("other".into()),
        ..Filter::default()
    };
    assert!(fixture.store.list(&other).await.unwrap().is_empty());
    assert_eq!(first.summary(Timestamp::now()).grade, BackupGrade::B);

    // Cut by one byte, it is no longer whole.
    let dump = std::fs::File::options()
        .write(true)
        .open(second.folder().unwrap().join("dump.pgc.zst"))
        .unwrap();
    dump.set_len(dump.metadata().unwrap().len() - 1).unwrap();
    let listed = fixture.store.list(&Filter::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn a_fetched_backup_is_the_same_and_a_damaged_one_is_not_fetched() {
    let fixture = Fixture::new("fetched").await;
    let backup = fixture.create().await;
    let destination = fixture.folder().join("fetched");
    let copy = get(&backup, &destination, &quiet).await.unwrap();
    assert_eq!(copy.manifest, backup.manifest);
    let again = get(&backup, &destination, &quiet).await.unwrap_err().to_string();
    assert!(again.contains("exists already"), "{again}");

    let path = backup.folder().unwrap().join("dump.pgc.zst");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let elsewhere = fixture.folder().join("elsewhere");
    let error = get(&backup, &elsewhere, &quiet).await.unwrap_err().to_string();
    assert!(error.contains("is damaged"), "{error}");
    assert_eq!(crate::fixture::walk(&elsewhere), Vec::<std::path::PathBuf>::new());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_but_its_owner_can_look_into_a_backup() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new("private").await;
    let backup = fixture.create().await;
    let copy = get(&backup, &fixture.folder().join("copies"), &quiet)
        .await
        .unwrap();
    for folder in [backup.folder().unwrap(), copy.folder().unwrap()] {
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
    }
}
