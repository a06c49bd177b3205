//! The scripts and the protocol against a folder of this machine: what a pod adds is only who carries the bytes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::*;
use crate::script::{self, Trailer};
use crate::store::backend::{Backend, StoredFile};
use crate::store::{Place, Store};
use crate::{LocalRunner, RunError};

fn volume(folder: &Path) -> Arc<Volume> {
    let address = ClaimAddress::parse("pvc://shop/backups/").unwrap();
    let mut volume = Volume::open(&address, None);
    volume.root = folder.to_str().unwrap().to_owned();
    volume.hand = OnceCell::new_with(Some(Arc::new(LocalRunner::default())));
    Arc::new(volume)
}

fn store(folder: &Path) -> Store {
    let mut store = Store::open("pvc://shop/backups/").unwrap();
    store.backend = volume(folder);
    store
}

/// Every file below a folder, by name.
fn left(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            names.extend(left(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names.sort();
    names
}

#[tokio::test]
async fn a_volume_can_do_all_that_a_store_must_and_nothing_of_the_trial_stays() {
    let folder = tempfile::tempdir().unwrap();
    for finding in store(folder.path()).test().await {
        assert!(finding.result.is_ok(), "{finding:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_that_fits_no_piece_arrives_whole_and_any_part_of_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let volume = volume(folder.path());
    let content: Vec<u8> = (0..(5 << 20) + 77_777_u32)
        .map(|index| (index % 251) as u8)
        .collect();
    volume.begin("a/b").await.unwrap();
    let mut writer = Arc::clone(&volume).writer("a/b/x y", 0).await.unwrap();
    writer.write_all(&content).await.unwrap();
    // Whether it has begun there by now is the other end's affair; nobody sees it under its name before it is whole.
    assert!(!left(folder.path()).contains(&"x y".to_owned()));
    assert_eq!(writer.finish().await.unwrap(), content.len() as u64);
    assert_eq!(std::fs::read(folder.path().join("a/b/x y")).unwrap(), content);
    let whole = content.len() as u64;
    for range in [0..whole, 0..1, (1 << 20) - 1..(1 << 20) + 1, 3 << 20..whole] {
        let mut read = Vec::new();
        let mut part = volume.read("a/b/x y", range.clone()).await.unwrap();
        part.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, content[range.start as usize..range.end as usize]);
    }
    let mut beyond = volume.read("a/b/x y", 0..whole + 1).await.unwrap();
    let short = beyond.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(short.kind(), std::io::ErrorKind::UnexpectedEof);
    let wanted = StoredFile {
        path: "a/b/x y".into(),
        bytes: whole,
    };
    assert_eq!(volume.files("", 3).await.unwrap(), std::slice::from_ref(&wanted));
    assert_eq!(volume.files("a/b", 3).await.unwrap(), [wanted]);
    assert_eq!(volume.files("", 2).await.unwrap(), []);
    assert_eq!(volume.files("nowhere", 6).await.unwrap(), []);
}

#[tokio::test]
async fn nothing_is_overwritten_and_an_empty_file_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let volume = volume(folder.path());
    volume.begin("a").await.unwrap();
    let again = volume.begin("a").await.unwrap_err();
    assert!(matches!(again, StoreError::Taken(_)), "{again}");
    volume.put_new("a/empty", Vec::new()).await.unwrap();
    assert_eq!(volume.read_small("a/empty").await.unwrap(), Some(Vec::new()));
    let taken = volume.put_new("a/empty", b"x".to_vec()).await.unwrap_err();
    assert!(matches!(taken, StoreError::Taken(_)), "{taken}");
    assert_eq!(volume.read_small("a/empty").await.unwrap(), Some(Vec::new()));
    assert_eq!(left(folder.path()), ["empty"]);
    assert_eq!(volume.read_small("a/nothing").await.unwrap(), None);
}

#[tokio::test]
async fn a_file_that_is_longer_than_what_waits_is_told_that_its_name_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let volume = volume(folder.path());
    volume.put_new("x", b"first".to_vec()).await.unwrap();
    // More than fits into pieces and pipes, so that the other end's word is heard while it is being written.
    let mut writer = Arc::clone(&volume).writer("x", 0).await.unwrap();
    let error = writer.write_all(&vec![7; 16 << 20]).await.unwrap_err();
    let source = error
        .get_ref()
        .and_then(|source| source.downcast_ref::<StoreError>());
    assert!(matches!(source, Some(StoreError::Taken(_))), "{error}");
    assert_eq!(volume.read_small("x").await.unwrap(), Some(b"first".to_vec()));
    assert_eq!(left(folder.path()), ["x"]);
}

#[tokio::test]
async fn a_draft_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let place = Place {
        cluster: "c".into(),
        namespace: "n".into(),
        server: "s".into(),
        database: "d".into(),
    };
    let id = crate::BackupId::new(jiff::Timestamp::now());
    let draft = store.draft(&place, &id).await.unwrap();
    draft.write("whole", b"x".to_vec()).await.unwrap();
    let mut sink = draft.sink("half", 0, &|_| ()).await.unwrap();
    sink.write_all(&vec![7; 3 << 20]).await.unwrap();
    drop(sink);
    drop(draft);
    store.settle().await;
    assert_eq!(left(folder.path()), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_client_that_vanishes_or_bytes_that_differ_make_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x").to_str().unwrap().to_owned();
    let sha_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let cases = [
        ("6\nabc".to_owned(), "gone"),
        ("3\nabc".to_owned(), "gone"),
        (format!("3\nabd\n\nend 3 {sha_of_abc}\n"), "differs"),
        (format!("3\nabcend 4 {sha_of_abc}\n"), "differs"),
        ("what is this\n".to_owned(), "write"),
    ];
    for (said, wanted) in cases {
        let input = Box::new(std::io::Cursor::new(said.clone().into_bytes()));
        let arguments = ["N".to_owned(), path.clone()];
        let mut nothing = tokio::io::sink();
        let end = LocalRunner::default()
            .run(script::VOLUME_WRITE, &arguments, input, &mut nothing)
            .await
            .unwrap();
        let trailer = Trailer::find(&end.stderr_tail, "N").unwrap();
        assert_eq!(trailer.text("state"), wanted, "{said:?}");
        assert_eq!(left(folder.path()), Vec::<String>::new(), "{said:?}");
    }
}

/// Commands over a connection that breaks after some bytes, the first times.
struct Breaking {
    after: usize,
    times: AtomicUsize,
}

#[async_trait]
impl Runner for Breaking {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        let mut said = Vec::new();
        let end = LocalRunner::default()
            .run(script, arguments, input, &mut said)
            .await?;
        let left = self
            .times
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            output
                .write_all(&said[..self.after.min(said.len())])
                .await
                .unwrap();
            let source = cluster::ExecError::NoStatus { pod: "p".into() };
            return Err(RunError::Exec {
                place: self.place(),
                source: Box::new(source),
            });
        }
        output.write_all(&said).await.unwrap();
        Ok(end)
    }

    fn place(&self) -> String {
        "a pod far away".into()
    }
}

#[tokio::test]
async fn a_read_whose_connection_breaks_goes_on_where_it_broke_and_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..5_000_000_u32).map(|index| (index % 239) as u8).collect();
    std::fs::write(folder.path().join("x"), &content).unwrap();
    let read = async |times: usize| {
        let address = ClaimAddress::parse("pvc://shop/backups/").unwrap();
        let mut volume = Volume::open(&address, None);
        volume.root = folder.path().to_str().unwrap().to_owned();
        let hand = Breaking {
            after: 1_300_000,
            times: AtomicUsize::new(times),
        };
        volume.hand = OnceCell::new_with(Some(Arc::new(hand)));
        let mut found = Vec::new();
        let mut incoming = volume.read("x", 100..content.len() as u64).await.unwrap();
        incoming.read_to_end(&mut found).await.map(|_| found)
    };
    assert_eq!(read(3).await.unwrap(), content[100..]);
    let told = read(9).await.unwrap_err().to_string();
    assert!(told.contains("a pod far away"), "{told}");
}

#[tokio::test]
async fn without_a_cluster_a_claim_can_be_named_and_nothing_else() {
    let store = Store::open("pvc://shop/backups/daily").unwrap();
    assert_eq!(store.to_string(), "pvc://shop/backups/daily");
    let told = model::causes(&store.list(&crate::Filter::default()).await.unwrap_err());
    assert!(told.contains("no cluster was named"), "{told}");
}
