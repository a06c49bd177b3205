//! Backups in a bucket of a real S3 server on this machine.

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

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backup::{
    Backup, BackupId, Filter, LocalRunner, RestoreRequest, RunEnd, RunError, Runner, Store, StoreError,
    Tuning, get, restore, restore_id,
};
use jiff::Timestamp;
use model::{RestoreOptions, Secret};
use test_node::object_server::ObjectServer;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use fixture::{Fixture, content, quiet, walk};

/// The smallest part that S3 takes, so that a small dump has several.
const PART: u64 = 5 << 20;

/// As hostile as a name may be whose object the server can still keep in a file of that name.
const HOSTILE: &str = "a/b'$(x)\n";

struct Bucket {
    server: ObjectServer,
    folder: tempfile::TempDir,
}

impl Bucket {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("s3");
        std::fs::create_dir_all(root.join("backups")).unwrap();
        let server = ObjectServer::start(&root).unwrap();
        Self { server, folder }
    }

    fn text(&self, endpoint: &str) -> String {
        format!("s3://backups/some/where?endpoint={endpoint}")
    }

    fn store(&self) -> Store {
        self.store_at(&self.text(&self.server.endpoint()), "")
    }

    /// A store whose uploads have parts so small that the server does not complete them.
    fn store_of_crumbs(&self) -> Store {
        self.store_tuned(&self.text(&self.server.endpoint()), "", 64 << 10)
    }

    /// A store with credentials that are spoiled by a suffix.
    fn store_at(&self, text: &str, spoiled: &str) -> Store {
        self.store_tuned(text, spoiled, PART)
    }

    fn store_tuned(&self, text: &str, spoiled: &str, part_bytes: u64) -> Store {
        let variables = self.server.variables().into_iter();
        let tuning = Tuning {
            patience: Duration::from_secs(2),
            part_bytes: Some(part_bytes),
            variables: Some(
                variables
                    .map(|(name, value)| (name.to_owned(), Secret::new(format!("{value}{spoiled}"))))
                    .collect(),
            ),
        };
        Store::open_tuned(text, tuning).unwrap()
    }

    /// Every file that the server keeps, parts of uploads among them; not what it remembers of objects that are gone.
    fn left(&self) -> Vec<PathBuf> {
        let files = walk(self.server.folder()).into_iter();
        let remembered = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".metadata.json") || name.ends_with(".internal.json")
        };
        files.filter(|path| path.is_file() && !remembered(path)).collect()
    }

    fn object(&self, backup: &Backup, name: &str) -> PathBuf {
        let uri = backup.file_uri(name);
        let key = uri.strip_prefix("s3://").unwrap();
        self.server.folder().join(key)
    }

    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        while !condition(self) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn fixture(name: &str, store: Store) -> Fixture {
    let mut fixture = Fixture::new(name).await;
    fixture.store = store;
    fixture
}

/// A transport that stops half-way until it is told to go on.
struct Halting {
    inner: LocalRunner,
    half_way: Arc<Notify>,
    go: Arc<Notify>,
}

#[async_trait]
impl Runner for Halting {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        if !script.contains("pg_dump \"$@\"") {
            return self.inner.run(script, arguments, input, output).await;
        }
        let mut all = Vec::new();
        let end = self.inner.run(script, arguments, input, &mut all).await?;
        let (first, second) = all.split_at(all.len() / 2);
        output.write_all(first).await.map_err(RunError::Local)?;
        self.half_way.notify_one();
        self.go.notified().await;
        output.write_all(second).await.map_err(RunError::Local)?;
        Ok(end)
    }

    fn place(&self) -> String {
        self.inner.place()
    }
}

#[tokio::test]
async fn a_backup_in_a_bucket_is_proven_listed_fetched_and_restored() {
    let bucket = Bucket::new();
    let fixture = fixture(HOSTILE, bucket.store()).await;
    let before = content(fixture.name()).await;
    let backup = fixture.create().await;
    let listed = fixture.store.list(&Filter::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].manifest, backup.manifest);
    assert!(
        listed[0].uri().starts_with("s3://backups/some/where/direct/"),
        "{}",
        listed[0].uri()
    );
    let wanted = Filter {
        database: Some(fixture.name().to_owned()),
        ..Filter::default()
    };
    assert_eq!(fixture.store.list(&wanted).await.unwrap().len(), 1);
    let found = bucket.store().find(&backup.id).await.unwrap();
    let names: Vec<_> = bucket
        .left()
        .iter()
        .filter(|path| path.starts_with(bucket.server.folder().join("backups")))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(!names.iter().any(|name| name.ends_with(".upload")), "{names:?}");

    // By plain tools, as the README says.
    let copy = get(&found, fixture.folder(), &quiet).await.unwrap();
    let unpacked = Command::new("zstd")
        .arg("-dc")
        .arg(copy.folder().unwrap().join("dump.pgc.zst"))
        .output()
        .unwrap();
    let target = support::unique("plain");
    support::run("createdb", &["-T", "template0", &target], None);
    support::run(
        "pg_restore",
        &["--exit-on-error", "-d", &target],
        Some(&unpacked.stdout),
    );
    assert_eq!(content(&target).await, before);

    // And by ours, straight from the bucket.
    let spoil = support::session(fixture.name(), "migration").await;
    spoil
        .batch_execute("update orders set note = 'gone'")
        .await
        .unwrap();
    restore(&fixture.server().await, &found, &request(), &quiet)
        .await
        .unwrap();
    assert_eq!(content(fixture.name()).await, before);
}

fn request() -> RestoreRequest {
    RestoreRequest {
        id: restore_id(Timestamp::now()),
        options: RestoreOptions::default(),
    }
}

#[tokio::test]
async fn a_store_that_works_says_so_of_every_act_and_is_left_as_it_was() {
    let bucket = Bucket::new();
    let before = bucket.left();
    for finding in bucket.store().test().await {
        assert!(finding.result.is_ok(), "{:?}: {:?}", finding.act, finding.result);
    }
    assert_eq!(bucket.left(), before);
    let folder = bucket.folder.path().join("folder");
    let store = Store::open(folder.to_str().unwrap()).unwrap();
    for finding in store.test().await {
        assert!(finding.result.is_ok(), "{:?}: {:?}", finding.act, finding.result);
    }
    assert_eq!(walk(&folder), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_of_an_upload_leaves_nothing_once_it_is_back() {
    let mut bucket = Bucket::new();
    let fixture = fixture("dies", bucket.store_of_crumbs()).await;
    let go = Arc::new(Notify::new());
    let runner = Halting {
        inner: LocalRunner::default(),
        half_way: Arc::new(Notify::new()),
        go: Arc::clone(&go),
    };
    let server = fixture.server_through(Arc::new(runner)).await;
    let before = bucket.left();
    let request = fixture.request();
    let error = {
        let making = backup::create(&server, &fixture.store, &request, &quiet);
        let killing = async {
            bucket
                .until(|bucket| bucket.left().len() > before.len() + 2)
                .await;
            bucket.server.kill();
            go.notify_one();
        };
        let (made, ()) = tokio::join!(making, killing);
        made.unwrap_err()
    };
    let told = model::causes(&error);
    assert!(told.contains("failed to"), "{told}");

    bucket.server.resume().unwrap();
    assert!(fixture.store.list(&Filter::default()).await.unwrap().is_empty());
    let partials = fixture.store.partials(&Filter::default()).await.unwrap();
    assert_eq!(partials.len(), 1, "{partials:?}");
    assert_eq!(partials[0].id, request.id);
    fixture
        .store
        .forget_partial(&request.place, &request.id)
        .await
        .unwrap();
    assert!(
        fixture
            .store
            .partials(&Filter::default())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(bucket.left(), before, "its parts are gone, too");
}

#[tokio::test]
async fn a_backup_that_is_given_up_leaves_nothing_in_the_bucket() {
    let bucket = Bucket::new();
    let fixture = fixture("given_up", bucket.store_of_crumbs()).await;
    let runner = Halting {
        inner: LocalRunner::default(),
        half_way: Arc::new(Notify::new()),
        go: Arc::new(Notify::new()),
    };
    let server = fixture.server_through(Arc::new(runner)).await;
    let before = bucket.left();
    let request = fixture.request();
    tokio::select! {
        made = backup::create(&server, &fixture.store, &request, &quiet) => panic!("not halted: {made:?}"),
        () = bucket.until(|bucket| bucket.left().len() > before.len() + 2) => {}
    }
    fixture.store.settle().await;
    assert_eq!(bucket.left(), before);
}

#[tokio::test]
async fn wrong_credentials_and_a_missing_bucket_are_told_apart() {
    let bucket = Bucket::new();
    let fixture = fixture(
        "refused",
        bucket.store_at(&bucket.text(&bucket.server.endpoint()), "x"),
    )
    .await;
    let refused = fixture.try_create(&fixture.server().await).await.unwrap_err();
    let told = model::causes(&refused);
    assert!(told.contains("credentials are refused"), "{told}");
    let listed = fixture.store.list(&Filter::default()).await.unwrap_err();
    assert!(
        model::causes(&listed).contains("credentials are refused"),
        "{listed:?}"
    );
    for (_, secret) in bucket.server.variables() {
        assert!(!told.contains(secret), "{told}");
    }

    let text = format!("s3://elsewhere?endpoint={}", bucket.server.endpoint());
    let missing = bucket
        .store_at(&text, "")
        .list(&Filter::default())
        .await
        .unwrap_err();
    assert!(
        model::causes(&missing).contains("no such bucket"),
        "{}",
        model::causes(&missing)
    );
}

#[tokio::test]
async fn a_second_backup_of_the_same_id_is_refused_and_the_first_stays() {
    let bucket = Bucket::new();
    let fixture = fixture("twice", bucket.store()).await;
    let request = fixture.request();
    let server = fixture.server().await;
    let first = backup::create(&server, &fixture.store, &request, &quiet)
        .await
        .unwrap();
    let second = backup::create(&server, &fixture.store, &request, &quiet)
        .await
        .unwrap_err();
    assert!(
        model::causes(&second).contains("nothing in a store is overwritten"),
        "{second}"
    );

    // One that slips in between the look and the manifest.
    let go = Arc::new(Notify::new());
    let half_way = Arc::new(Notify::new());
    let runner = Halting {
        inner: LocalRunner::default(),
        half_way: Arc::clone(&half_way),
        go: Arc::clone(&go),
    };
    let halting = fixture.server_through(Arc::new(runner)).await;
    let mut request = fixture.request();
    request.id = "20990101T000000Z-00000000".parse::<BackupId>().unwrap();
    let path = bucket.object(&first, "manifest.json");
    let path = path.parent().unwrap().parent().unwrap().join(request.id.as_str());
    let (made, ()) = tokio::join!(
        backup::create(&halting, &fixture.store, &request, &quiet),
        async {
            half_way.notified().await;
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join("manifest.json"), "somebody else's").unwrap();
            go.notify_one();
        }
    );
    assert!(model::causes(&made.unwrap_err()).contains("nothing in a store is overwritten"));
    let kept = std::fs::read_to_string(path.join("manifest.json")).unwrap();
    assert_eq!(kept, "somebody else's");
    let listed = fixture.store.list(&Filter::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, first.id);
}

#[tokio::test]
async fn what_was_changed_or_cut_in_the_bucket_is_found() {
    let bucket = Bucket::new();
    let fixture = fixture("tampered", bucket.store()).await;
    let backup = fixture.create().await;
    let path = bucket.object(&backup, "dump.pgc.zst");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let elsewhere = fixture.folder().join("elsewhere");
    let error = get(&backup, &elsewhere, &quiet).await.unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert!(!error.can_be_carried_on());
    assert_eq!(walk(&elsewhere), Vec::<PathBuf>::new());
    let error = restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap_err();
    assert!(model::causes(&error).contains("is damaged"), "{error}");

    bytes.pop();
    std::fs::write(&path, &bytes).unwrap();
    assert!(fixture.store.list(&Filter::default()).await.unwrap().is_empty());
    std::fs::remove_file(&path).unwrap();
    let told = fixture.store.find(&backup.id).await.unwrap_err();
    assert!(matches!(told, StoreError::Damaged { .. }), "{told}");
    assert!(told.to_string().contains("dump.pgc.zst is missing"), "{told}");
}

#[tokio::test]
async fn a_removed_backup_is_gone_with_all_its_files() {
    let bucket = Bucket::new();
    let before = bucket.left();
    let fixture = fixture("removed", bucket.store()).await;
    let backup = fixture.create().await;
    fixture.store.remove(&backup).await.unwrap();
    assert_eq!(bucket.left(), before);
}

/// Hands on to a server until so many bytes have come back, then cuts every connection and takes no more.
async fn proxy(to: String, most: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let left = Arc::new(std::sync::atomic::AtomicU64::new(most));
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((near, _)) = listener.accept().await {
            if left.load(std::sync::atomic::Ordering::SeqCst) == 0 {
                break;
            }
            let (to, left) = (to.clone(), Arc::clone(&left));
            connections.spawn(async move {
                let far = TcpStream::connect(to.trim_start_matches("http://"))
                    .await
                    .unwrap();
                let (mut near_reads, mut near_writes) = near.into_split();
                let (mut far_reads, mut far_writes) = far.into_split();
                let up = async move { tokio::io::copy(&mut near_reads, &mut far_writes).await };
                let down = async move {
                    use tokio::io::AsyncReadExt as _;
                    let mut buffer = vec![0; 4096];
                    loop {
                        let count = far_reads.read(&mut buffer).await.unwrap_or(0);
                        let room = left.load(std::sync::atomic::Ordering::SeqCst);
                        if count == 0 || (count as u64) > room {
                            left.store(0, std::sync::atomic::Ordering::SeqCst);
                            break;
                        }
                        left.fetch_sub(count as u64, std::sync::atomic::Ordering::SeqCst);
                        if near_writes.write_all(&buffer[..count]).await.is_err() {
                            break;
                        }
                    }
                };
                tokio::select! {
                    _ = up => {}
                    () = down => {}
                }
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_fetch_that_is_cut_off_is_carried_on_and_looks_like_no_backup_until_then() {
    let bucket = Bucket::new();
    let mut fixture = fixture("cut_off", bucket.store()).await;
    // More than one request fetches.
    let more = support::session(fixture.name(), "more").await;
    more.batch_execute(
        "create table big (t text);
         insert into big select string_agg(md5(random()::text || i || j), '') from generate_series(1, 500) i,
             generate_series(1, 2000) j group by i",
    )
    .await
    .unwrap();
    fixture.store = bucket.store();
    let backup = fixture.create().await;
    let dump = &backup.manifest.files[0];
    assert!(
        dump.bytes > 3 * PART,
        "{} bytes are more than 3 parts",
        dump.bytes
    );

    let endpoint = proxy(bucket.server.endpoint(), dump.bytes - (64 << 10)).await;
    let cut = bucket
        .store_at(&bucket.text(&endpoint), "")
        .find(&backup.id)
        .await
        .unwrap();
    let destination = fixture.folder().join("fetched");
    let error = get(&cut, &destination, &quiet).await.unwrap_err();
    assert!(error.can_be_carried_on(), "{}", model::causes(&error));
    let copies = Store::open(destination.to_str().unwrap()).unwrap();
    assert!(copies.find(&backup.id).await.is_err());
    let partial = destination
        .join(format!("{}.partial", backup.id))
        .join(&dump.name);
    let arrived = std::fs::metadata(&partial).unwrap().len();
    assert!(arrived > 0 && arrived < dump.bytes, "{arrived}");

    let said = std::sync::Mutex::new(String::new());
    let tell = |words: &str, _: Option<f64>| said.lock().unwrap().push_str(words);
    let copy = get(&backup, &destination, &tell).await.unwrap();
    assert!(said.lock().unwrap().contains("carrying on"), "{said:?}");
    assert_eq!(copy.manifest, backup.manifest);
    let (one, other) = (
        copy.folder().unwrap().join(&dump.name),
        bucket.object(&backup, &dump.name),
    );
    assert!(same(&one, &other));
    copies.find(&backup.id).await.unwrap();
}

#[tokio::test]
async fn what_an_earlier_fetch_left_is_not_trusted() {
    let bucket = Bucket::new();
    let fixture = fixture("untrusted", bucket.store()).await;
    let backup = fixture.create().await;
    let destination = fixture.folder().join("fetched");
    let partial = destination.join(format!("{}.partial", backup.id));
    std::fs::create_dir_all(&partial).unwrap();
    std::fs::write(partial.join("dump.pgc.zst"), "something else").unwrap();
    let copy = get(&backup, &destination, &quiet).await.unwrap();
    let one = copy.folder().unwrap().join("dump.pgc.zst");
    assert!(same(&one, &bucket.object(&backup, "dump.pgc.zst")));
}

fn same(one: &Path, other: &Path) -> bool {
    std::fs::read(one).unwrap() == std::fs::read(other).unwrap()
}
